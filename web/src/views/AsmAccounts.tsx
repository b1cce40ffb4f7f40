import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useAsmAccounts, useFlows } from "../api/queries";
import { AsmAccountDialog } from "../components/AsmAccountDialog";
import { FlowLinks } from "../components/FlowLinks";
import { Link } from "../components/Link";
import { Page } from "../components/Page";
import { Empty, Loaded } from "../components/states";
import { ThingTable } from "../components/ThingTable";
import { texts } from "../texts";

const { asmAccounts: words, sftp } = texts;

/** The organization's connections to Apple School Manager. */
export default function AsmAccounts() {
  const accounts = useAsmAccounts();
  const flows = useFlows();
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={accounts}>
        {({ items }) => (
          <ThingTable
            title={words.title}
            items={items}
            actions={<Button onClick={() => setMaking(true)}>{words.connect}</Button>}
            filter={words.filter}
            empty={<Empty title={words.empty} text={words.emptyDetail} />}
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
          />
        )}
      </Loaded>
      {making && (
        <AsmAccountDialog
          onClose={() => setMaking(false)}
          onMade={({ id }) => void navigate(`/asm-accounts/${id}`)}
        />
      )}
    </Page>
  );
}
