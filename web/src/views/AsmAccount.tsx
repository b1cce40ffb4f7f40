import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { answered, ifMatch, type Schemas } from "../api/client";
import { useAsmAccount, useChange, useFlows } from "../api/queries";
import { Confirm } from "../components/Confirm";
import { Dialog } from "../components/Dialog";
import { FlowLinks } from "../components/FlowLinks";
import { Page } from "../components/Page";
import { ProbeResult } from "../components/Probe";
import { Loaded, ProblemAlert } from "../components/states";
import { fingerprint, moment } from "../format";
import { useService } from "../session/service";
import { texts } from "../texts";

type Account = Schemas["AsmAccountView"];

const { asmAccounts: words, sftp } = texts;
const ONE = "/v1/organizations/{organization_id}/asm-accounts/{asm_account_id}";

/** A connection to Apple School Manager, with its test and the host keys that it accepts. */
export default function AsmAccount() {
  const { id = "" } = useParams();
  const account = useAsmAccount(id);
  const [dialog, setDialog] = useState<"edit" | "password" | "delete" | null>(null);
  const close = () => setDialog(null);
  return (
    <Loaded query={account} page={words.one}>
      {(one) => (
        <Page
          title={one.name}
          above={{ text: words.title, href: "/asm-accounts" }}
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <Button onClick={() => setDialog("edit")}>{texts.edit}</Button>
              <Button onClick={() => setDialog("password")}>{words.changePassword}</Button>
              <Button onClick={() => setDialog("delete")}>{texts.delete}</Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            <About account={one} />
            <Test account={one} />
          </SpaceBetween>
          {dialog === "edit" && <Edit account={one} onClose={close} />}
          {dialog === "password" && <Password account={one} onClose={close} />}
          {dialog === "delete" && <Delete account={one} onClose={close} />}
        </Page>
      )}
    </Loaded>
  );
}

/** Return what makes a change of the account. */
function useUpdate(account: Account, then?: () => void) {
  const { api, organizationId } = useService();
  const params = {
    path: { organization_id: organizationId, asm_account_id: account.id },
    header: ifMatch(account),
  };
  return useChange((body: Schemas["AsmAccountChanges"]) => answered(api.PATCH(ONE, { params, body })), then);
}

function About({ account }: { account: Account }) {
  const flows = useFlows();
  const update = useUpdate(account);
  return (
    <Container header={<Header variant="h2">{words.one}</Header>}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={3}
          items={[
            { label: words.host, value: `${account.host}:${account.port}` },
            { label: sftp.username, value: <span className="long">{account.username}</span> },
            { label: words.folder, value: account.folder },
            {
              label: texts.fileAccounts.flows,
              value: <FlowLinks ids={account.flow_ids} flows={flows.data?.items} />,
            },
            { label: texts.created, value: moment(account.created_at) },
          ]}
        />
        <Header variant="h3">{words.hostKeys}</Header>
        {account.host_keys.map((key) => (
          <SpaceBetween key={key} size="xs" direction="horizontal">
            <Fingerprint hostKey={key} />
            {account.host_keys.length > 1 && (
              <Button
                variant="inline-link"
                loading={update.isPending}
                ariaLabel={`${words.removeHostKey} ${key}`}
                onClick={() =>
                  update.mutate({ host_keys: account.host_keys.filter((other) => other !== key) })
                }
              >
                {words.removeHostKey}
              </Button>
            )}
          </SpaceBetween>
        ))}
        {update.error && <ProblemAlert error={update.error} />}
      </SpaceBetween>
    </Container>
  );
}

function Fingerprint({ hostKey }: { hostKey: string }) {
  const text = useQuery({ queryKey: ["fingerprint", hostKey], queryFn: () => fingerprint(hostKey) });
  return <code className="long">{text.data ?? hostKey}</code>;
}

function Test({ account }: { account: Account }) {
  const { api, organizationId } = useService();
  const update = useUpdate(account);
  const params = { path: { organization_id: organizationId, asm_account_id: account.id } };
  const test = useChange(() => answered(api.POST(`${ONE}/test`, { params })));
  const unknown = test.data?.code === "asm-host-key-refused" || test.data?.code === "host-key-unknown";
  const shown = test.data?.host_key;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={words.testLead}
          actions={
            <Button loading={test.isPending} onClick={() => test.mutate(undefined)}>
              {words.test}
            </Button>
          }
        >
          {words.test}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {test.data && <ProbeResult probe={test.data} />}
        {unknown && shown && !account.host_keys.includes(shown) && (
          <SpaceBetween size="xs">
            <span>
              {words.shownKey}: <code className="long">{test.data?.fingerprint}</code>
            </span>
            <span>{words.shownKeyHelp}</span>
            <Button
              loading={update.isPending}
              onClick={() => update.mutate({ host_keys: [...account.host_keys, shown] })}
            >
              {words.acceptShown}
            </Button>
          </SpaceBetween>
        )}
        {test.error && <ProblemAlert error={test.error} />}
        {update.error && <ProblemAlert error={update.error} />}
      </SpaceBetween>
    </Container>
  );
}

function Edit({ account, onClose }: { account: Account; onClose: () => void }) {
  const update = useUpdate(account, onClose);
  const [fields, setFields] = useState({
    name: account.name,
    host: account.host,
    port: String(account.port),
    username: account.username,
    folder: account.folder,
    password: "",
  });
  const labels = {
    name: texts.name,
    host: words.host,
    port: sftp.port,
    username: sftp.username,
    folder: words.folder,
  };
  const moved = fields.host !== account.host;
  const save = () => {
    const { port, password, ...rest } = fields;
    update.mutate({ ...rest, port: Number(port), ...(password ? { password } : {}) });
  };
  return (
    <Dialog
      title={account.name}
      action={texts.save}
      onAction={save}
      onClose={onClose}
      busy={update.isPending}
      error={update.error}
    >
      {(Object.keys(labels) as (keyof typeof labels)[]).map((field) => (
        <FormField key={field} label={labels[field]}>
          <Input
            value={fields[field]}
            type={field === "port" ? "number" : "text"}
            autoComplete={false}
            onChange={({ detail }) => setFields({ ...fields, [field]: detail.value })}
          />
        </FormField>
      ))}
      {moved && (
        <FormField label={sftp.password}>
          <Input
            type="password"
            autoComplete="off"
            value={fields.password}
            onChange={({ detail }) => setFields({ ...fields, password: detail.value })}
          />
        </FormField>
      )}
    </Dialog>
  );
}

function Password({ account, onClose }: { account: Account; onClose: () => void }) {
  const update = useUpdate(account, onClose);
  const [password, setPassword] = useState("");
  const [checked, setChecked] = useState(false);
  const save = () => {
    setChecked(true);
    if (password) update.mutate({ password });
  };
  return (
    <Dialog
      title={`${words.changePassword}: ${account.name}`}
      action={texts.save}
      onAction={save}
      onClose={onClose}
      busy={update.isPending}
      error={update.error}
    >
      <FormField label={words.newPassword} errorText={checked && !password && words.needPassword}>
        <Input
          type="password"
          autoComplete="off"
          autoFocus
          value={password}
          onChange={({ detail }) => setPassword(detail.value)}
        />
      </FormField>
    </Dialog>
  );
}

function Delete({ account, onClose }: { account: Account; onClose: () => void }) {
  const { api, organizationId } = useService();
  const navigate = useNavigate();
  const params = {
    path: { organization_id: organizationId, asm_account_id: account.id },
    header: ifMatch(account),
  };
  return (
    <Confirm
      title={`${texts.delete}: ${account.name}`}
      action={texts.delete}
      run={() => answered(api.DELETE(ONE, { params }))}
      onDone={() => void navigate("/asm-accounts")}
      onClose={onClose}
    >
      {words.deleteText}
    </Confirm>
  );
}
