import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useFileAccounts, useFlows } from "../api/queries";
import { FileAccountDialog } from "../components/FileAccountDialog";
import { FlowLinks } from "../components/FlowLinks";
import { Link } from "../components/Link";
import { OnOff } from "../components/OnOff";
import { ThingsPage } from "../components/ThingsPage";
import { moment } from "../format";
import { texts } from "../texts";

const { fileAccounts: words, sftp } = texts;

/** The organization's SFTP users. */
export default function FileAccounts() {
  const accounts = useFileAccounts();
  const flows = useFlows();
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  return (
    <ThingsPage
      words={words}
      query={accounts}
      create={<Button onClick={() => setMaking(true)}>{words.create}</Button>}
      columns={[
        {
          id: "username",
          header: sftp.username,
          cell: (one) => <Link href={`/file-accounts/${one.id}`}>{one.username}</Link>,
          sortingField: "username",
          isRowHeader: true,
        },
        { id: "host", header: sftp.host, cell: (one) => `${one.host}:${one.port}` },
        { id: "kind", header: sftp.authentication, cell: (one) => words.kinds[one.authentication] },
        {
          id: "flows",
          header: words.flows,
          cell: (one) => <FlowLinks ids={one.flow_ids} flows={flows.data?.items} />,
        },
        {
          id: "login",
          header: words.lastLogin,
          cell: (one) => moment(one.last_login_at, texts.never),
          sortingField: "last_login_at",
        },
        {
          id: "upload",
          header: words.lastUpload,
          cell: (one) => moment(one.last_upload_at, texts.never),
          sortingField: "last_upload_at",
        },
        { id: "enabled", header: texts.flows.state, cell: (one) => <OnOff on={one.enabled} /> },
      ]}
    >
      {making && (
        <FileAccountDialog
          onClose={() => setMaking(false)}
          onMade={({ id }) => void navigate(`/file-accounts/${id}`)}
        />
      )}
    </ThingsPage>
  );
}
