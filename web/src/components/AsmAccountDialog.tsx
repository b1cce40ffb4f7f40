import Alert from "@cloudscape-design/components/alert";
import Checkbox from "@cloudscape-design/components/checkbox";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { answered, type Schemas } from "../api/client";
import { useChange } from "../api/queries";
import { useService } from "../session/service";
import { texts } from "../texts";
import { Dialog } from "./Dialog";
import { ProbeResult } from "./Probe";

type Account = Schemas["AsmAccountView"];

const { asmAccounts, sftp } = texts;
const APPLE = "upload.appleschoolcontent.com";
const UNKNOWN_KEY = "host-key-unknown";

/** Connects Apple School Manager: first the server shows its key, then it is signed in to, and only then kept. */
export function AsmAccountDialog({
  onMade,
  onClose,
}: {
  onMade: (account: Account) => void;
  onClose: () => void;
}) {
  const { api, organizationId } = useService();
  const [repeatable] = useState(() => crypto.randomUUID());
  const [fields, setFields] = useState({
    name: asmAccounts.nameDefault,
    host: APPLE,
    port: "22",
    username: "",
    password: "",
    folder: "dropbox",
  });
  const [accepted, setAccepted] = useState(false);
  const [checked, setChecked] = useState(false);
  const [asked, setAsked] = useState(false);
  const path = { organization_id: organizationId };
  const { name, port, ...rest } = fields;
  const connection = { ...rest, port: Number(port) || 22 };

  const show = useChange((hostKeys: string[]) =>
    answered(
      api.POST("/v1/organizations/{organization_id}/asm-account-tests", {
        params: { path },
        body: { ...connection, host_keys: hostKeys },
      }),
    ),
  );
  const create = useChange(
    (hostKey: string) =>
      answered(
        api.POST("/v1/organizations/{organization_id}/asm-accounts", {
          params: { path, header: { "Idempotency-Key": repeatable } },
          body: { ...connection, name, host_keys: [hostKey] },
        }),
      ),
    onMade,
  );
  const probe = show.data;
  const hostKey = probe?.host_key ?? null;
  const asksForKey = probe?.code === UNKNOWN_KEY && hostKey !== null;

  const set = (field: keyof typeof fields) => ({
    value: fields[field],
    onChange: ({ detail }: { detail: { value: string } }) => {
      setFields({ ...fields, [field]: detail.value });
      if (field === "host" || field === "port") {
        show.reset(); // another server has another key
        setAccepted(false);
      }
    },
  });
  const act = async () => {
    setChecked(true);
    setAsked(asksForKey);
    if (!fields.username || !fields.password || (asksForKey && !accepted)) return;
    if (!hostKey || !accepted) {
      show.mutate([]);
      return;
    }
    const result = await show.mutateAsync([hostKey]);
    if (!result.code) create.mutate(hostKey);
  };

  return (
    <Dialog
      title={asmAccounts.connect}
      action={asksForKey || accepted ? asmAccounts.signIn : asmAccounts.test}
      onAction={() => void act().catch(() => null)}
      onClose={onClose}
      busy={show.isPending || create.isPending}
      error={show.error ?? create.error}
    >
      <FormField label={texts.name}>
        <Input {...set("name")} />
      </FormField>
      <FormField label={asmAccounts.host}>
        <Input {...set("host")} spellcheck={false} autoComplete={false} />
      </FormField>
      <HowTo />
      <FormField label={sftp.username} errorText={checked && !fields.username && asmAccounts.needUsername}>
        <Input {...set("username")} spellcheck={false} autoComplete={false} />
      </FormField>
      <FormField label={sftp.password} errorText={checked && !fields.password && asmAccounts.needPassword}>
        <Input {...set("password")} type="password" autoComplete="off" />
      </FormField>
      <ExpandableSection headerText={asmAccounts.more}>
        <SpaceBetween size="s">
          <FormField label={sftp.port}>
            <Input {...set("port")} type="number" inputMode="numeric" />
          </FormField>
          <FormField label={asmAccounts.folder}>
            <Input {...set("folder")} spellcheck={false} />
          </FormField>
        </SpaceBetween>
      </ExpandableSection>
      {asksForKey && (
        <Alert type="info" header={asmAccounts.shownKey}>
          <SpaceBetween size="s">
            <code className="long">{probe.fingerprint}</code>
            <span>{asmAccounts.shownKeyHelp}</span>
            <FormField errorText={asked && !accepted && asmAccounts.needAccept}>
              <Checkbox checked={accepted} onChange={({ detail }) => setAccepted(detail.checked)}>
                {asmAccounts.accept}
              </Checkbox>
            </FormField>
          </SpaceBetween>
        </Alert>
      )}
      {probe && !asksForKey && <ProbeResult probe={probe} />}
    </Dialog>
  );
}

function HowTo() {
  return (
    <ExpandableSection headerText={asmAccounts.how}>
      <ol>
        {asmAccounts.howSteps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <Link external href="https://school.apple.com">
        {asmAccounts.openApple}
      </Link>
    </ExpandableSection>
  );
}
