import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Textarea from "@cloudscape-design/components/textarea";
import Tiles from "@cloudscape-design/components/tiles";
import { useState } from "react";
import { answered, type Schemas } from "../api/client";
import { useChange } from "../api/queries";
import { parts } from "../format";
import { useService } from "../session/service";
import { texts } from "../texts";
import { Dialog, Told } from "./Dialog";
import { keyError, KeyField } from "./KeyField";
import { SftpSettings } from "./SftpSettings";

export type NewAccount = Schemas["FileAccountWithPasswordView"];

const { fileAccounts, sftp } = texts;
const USERNAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{2,99}$/;
const KINDS = ["password", "public_key"] as const;

/** Makes a file account and shows once what a client needs; ``onMade`` gets it when the user has closed that. */
export function FileAccountDialog({
  onMade,
  onClose,
}: {
  onMade: (account: NewAccount) => void;
  onClose: () => void;
}) {
  const { api, organizationId } = useService();
  const [repeatable] = useState(() => crypto.randomUUID());
  const [username, setUsername] = useState("");
  const [kind, setKind] = useState<(typeof KINDS)[number]>("password");
  const [key, setKey] = useState("");
  const [networks, setNetworks] = useState("");
  const [checked, setChecked] = useState(false);
  const create = useChange(() =>
    answered(
      api.POST("/v1/organizations/{organization_id}/file-accounts", {
        params: { path: { organization_id: organizationId }, header: { "Idempotency-Key": repeatable } },
        body: {
          username,
          authentication: kind,
          public_keys: kind === "public_key" ? [{ text: key.trim(), label: "" }] : [],
          networks: parts(networks),
        },
      }),
    ),
  );
  const usernameError = USERNAME.test(username) ? undefined : fileAccounts.needUsername;
  const pasted = kind === "public_key" ? keyError(key) : undefined;
  const save = () => {
    setChecked(true);
    if (!usernameError && !pasted) create.mutate(undefined);
  };
  const made = create.data;
  if (made)
    return (
      <Told title={fileAccounts.made} onClose={() => onMade(made)}>
        <SftpSettings account={made} password={made.password} />
      </Told>
    );
  return (
    <Dialog
      title={fileAccounts.create}
      action={texts.create}
      onAction={save}
      onClose={onClose}
      busy={create.isPending}
      error={create.error}
    >
      <FormField
        label={sftp.username}
        constraintText={fileAccounts.usernameHelp}
        errorText={checked && usernameError}
      >
        <Input
          value={username}
          onChange={({ detail }) => setUsername(detail.value)}
          autoFocus
          autoComplete={false}
        />
      </FormField>
      <FormField label={sftp.authentication}>
        <Tiles
          value={kind}
          onChange={({ detail }) => setKind(detail.value as typeof kind)}
          items={KINDS.map((value) => ({
            value,
            label: fileAccounts.kinds[value],
            description: fileAccounts.kindHelp[value],
          }))}
        />
      </FormField>
      {kind === "public_key" && <KeyField value={key} onChange={setKey} checked={checked} />}
      <FormField label={fileAccounts.networks} constraintText={fileAccounts.networksHelp}>
        <Textarea
          value={networks}
          onChange={({ detail }) => setNetworks(detail.value)}
          spellcheck={false}
          rows={2}
        />
      </FormField>
    </Dialog>
  );
}
