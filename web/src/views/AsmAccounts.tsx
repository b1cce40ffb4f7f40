import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useAsmAccounts, useFlows } from "../api/queries";
import { AsmAccountDialog } from "../components/AsmAccountDialog";
import { FlowLinks } from "../components/FlowLinks";
import { Link } from "../components/Link";
import { ThingsPage } from "../components/ThingsPage";
import { texts } from "../texts";

const { asmAccounts: words, sftp } = texts;

/** The organization's connections to Apple School Manager. */
export default function AsmAccounts() {
  const accounts = useAsmAccounts();
  const flows = useFlows();
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  return (
    <ThingsPage
      words={words}
      query={accounts}
      create={<Button onClick={() => setMaking(true)}>{words.connect}</Button>}
      columns={[
        {
          id: "name",
          header: texts.name,
          cell: (one) => <Link href={`/asm-accounts/${one.id}`}>{one.name}</Link>,
          sortingField: "name",
          isRowHeader: true,
        },
        { id: "host", header: words.host, cell: (one) => `${one.host}:${one.port}` },
        {
          id: "username",
          header: sftp.username,
          cell: (one) => <span className="long">{one.username}</span>,
        },
        { id: "folder", header: words.folder, cell: (one) => one.folder },
        {
          id: "flows",
          header: texts.fileAccounts.flows,
          cell: (one) => <FlowLinks ids={one.flow_ids} flows={flows.data?.items} />,
        },
      ]}
    >
      {making && (
        <AsmAccountDialog
          onClose={() => setMaking(false)}
          onMade={({ id }) => void navigate(`/asm-accounts/${id}`)}
        />
      )}
    </ThingsPage>
  );
}
