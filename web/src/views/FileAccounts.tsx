import Button from "@cloudscape-design/components/button";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useFileAccounts, useFlows } from "../api/queries";
import { FileAccountDialog } from "../components/FileAccountDialog";
import { FlowLinks } from "../components/FlowLinks";
import { Link } from "../components/Link";
import { Page } from "../components/Page";
import { Empty, Loaded } from "../components/states";
import { ThingTable } from "../components/ThingTable";
import { moment } from "../format";
import { texts } from "../texts";

const { fileAccounts: words, sftp } = texts;

/** The organization's SFTP users. */
export default function FileAccounts() {
  const accounts = useFileAccounts();
  const flows = useFlows();
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  const button = <Button onClick={() => setMaking(true)}>{words.create}</Button>;
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={accounts}>
        {({ items }) => (
          <ThingTable
            title={words.title}
            items={items}
            actions={button}
            filter={words.filter}
            empty={<Empty title={words.empty} text={words.emptyDetail} />}
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
          />
        )}
      </Loaded>
      {making && (
        <FileAccountDialog
          onClose={() => setMaking(false)}
          onMade={({ id }) => void navigate(`/file-accounts/${id}`)}
        />
      )}
    </Page>
  );
}

/** Whether something is switched on. */
export const OnOff = ({ on }: { on: boolean }) => (
  <StatusIndicator type={on ? "success" : "stopped"}>{on ? texts.on : texts.off}</StatusIndicator>
);
