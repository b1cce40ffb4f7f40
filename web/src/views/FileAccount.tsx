import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { useFileAccount, useFlows } from "../api/queries";
import { Told } from "../components/Dialog";
import { FlowLinks } from "../components/FlowLinks";
import { OnOff } from "../components/OnOff";
import { Page } from "../components/Page";
import { SftpSettings } from "../components/SftpSettings";
import { Loaded } from "../components/states";
import { moment } from "../format";
import { texts } from "../texts";
import { type Account, AccountDialog, type Change } from "./fileAccount/AccountDialog";
import { Keys } from "./fileAccount/Keys";

const { fileAccounts: words } = texts;

/** A file account: what a client needs, its keys, and what can be done with it. */
export default function FileAccount() {
  const { id = "" } = useParams();
  const account = useFileAccount(id);
  const navigate = useNavigate();
  const [change, setChange] = useState<Change | null>(null);
  const [password, setPassword] = useState<string | null>(null);
  return (
    <Loaded query={account} page={words.one}>
      {(one) => (
        <Page
          title={one.username}
          above={{ text: words.title, href: "/file-accounts" }}
          actions={<Actions account={one} onChoose={setChange} />}
        >
          <SpaceBetween size="l">
            <Container header={<Header variant="h2">{words.settings}</Header>}>
              <SftpSettings account={one} />
            </Container>
            <Use account={one} />
            <Keys account={one} />
          </SpaceBetween>
          {change && (
            <AccountDialog
              account={one}
              change={change}
              onClose={() => setChange(null)}
              onChanged={(made) => {
                setChange(null);
                setPassword(made);
              }}
              onDeleted={() => void navigate("/file-accounts")}
            />
          )}
          {password && (
            <Told title={words.regenerated} onClose={() => setPassword(null)}>
              <SpaceBetween size="m">
                <span>{words.regeneratedText}</span>
                <SftpSettings account={one} password={password} />
              </SpaceBetween>
            </Told>
          )}
        </Page>
      )}
    </Loaded>
  );
}

function Actions({ account, onChoose }: { account: Account; onChoose: (change: Change) => void }) {
  const byPassword = account.authentication === "password";
  return (
    <ButtonDropdown
      items={[
        ...(byPassword ? [{ id: "password", text: words.regenerate }] : []),
        { id: "authentication", text: byPassword ? words.byKey : words.byPassword },
        { id: "networks", text: words.changeNetworks },
        { id: "switch", text: account.enabled ? words.switchOff : words.switchOn },
        { id: "delete", text: texts.delete },
      ]}
      onItemClick={({ detail }) => onChoose(detail.id as Change)}
    >
      {texts.actions}
    </ButtonDropdown>
  );
}

function Use({ account }: { account: Account }) {
  const flows = useFlows();
  return (
    <Container header={<Header variant="h2">{words.one}</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: texts.flows.state, value: <OnOff on={account.enabled} /> },
          { label: texts.sftp.authentication, value: words.kinds[account.authentication] },
          { label: words.flows, value: <FlowLinks ids={account.flow_ids} flows={flows.data?.items} /> },
          { label: words.lastLogin, value: moment(account.last_login_at, texts.never) },
          { label: words.lastUpload, value: moment(account.last_upload_at, texts.never) },
          { label: words.passwordSet, value: moment(account.password_set_at) },
          { label: texts.created, value: moment(account.created_at) },
        ]}
      />
    </Container>
  );
}
