import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import type { Schemas } from "../api/client";
import { texts } from "../texts";
import { Copyable } from "./Copyable";

const { sftp, fileAccounts } = texts;

interface Props {
  account: Schemas["FileAccountView"];
  /** The password, where it was made just now. */
  password?: string | null;
}

/** All that an SFTP client must be told, each to be copied, and how four clients take it. */
export function SftpSettings({ account, password }: Props) {
  const byKey = account.authentication === "public_key";
  return (
    <SpaceBetween size="l">
      {password && <Alert type="warning">{sftp.passwordOnce}</Alert>}
      <KeyValuePairs
        columns={2}
        items={[
          { label: sftp.host, value: <Copyable text={account.host} label={sftp.host} /> },
          { label: sftp.port, value: <Copyable text={String(account.port)} label={sftp.port} /> },
          { label: sftp.username, value: <Copyable text={account.username} label={sftp.username} /> },
          {
            label: byKey ? sftp.authentication : sftp.password,
            value: password ? (
              <Copyable text={password} label={sftp.password} />
            ) : byKey ? (
              sftp.byKey
            ) : (
              sftp.passwordHidden
            ),
          },
          {
            label: sftp.fingerprints,
            value: (
              <SpaceBetween size="xxs">
                {account.host_key_fingerprints.map((text) => (
                  <Copyable key={text} text={text} label={sftp.fingerprints} />
                ))}
                <Box variant="small">{sftp.fingerprintsHelp}</Box>
              </SpaceBetween>
            ),
          },
          { label: fileAccounts.networks, value: account.networks.join(", ") || fileAccounts.anyNetwork },
        ]}
      />
      <Clients account={account} />
    </SpaceBetween>
  );
}

function Clients({ account: { host, port, username } }: { account: Schemas["FileAccountView"] }) {
  const command = `sftp -P ${port} ${username}@${host}`;
  return (
    <Tabs
      ariaLabel={sftp.clients}
      tabs={Object.entries(sftp.steps).map(([client, steps]) => ({
        id: client,
        label: client,
        content: (
          <SpaceBetween size="s">
            <ol>
              {steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
            {client === "sftp" && (
              <Box variant="code">
                <Copyable text={command} label={sftp.command} />
              </Box>
            )}
          </SpaceBetween>
        ),
      }))}
    />
  );
}
