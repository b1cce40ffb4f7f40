import FormField from "@cloudscape-design/components/form-field";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { answered, ifMatch, type Schemas } from "../../api/client";
import { useChange } from "../../api/queries";
import { Dialog } from "../../components/Dialog";
import { parts } from "../../format";
import { useService } from "../../session/service";
import { texts } from "../../texts";

export type Account = Schemas["FileAccountView"];
export type Change = "password" | "authentication" | "networks" | "switch" | "delete";

const { fileAccounts: words } = texts;
const ONE = "/v1/organizations/{organization_id}/file-accounts/{file_account_id}";

interface Props {
  account: Account;
  change: Change;
  onClose: () => void;
  /** The password, if the change made one. */
  onChanged: (password: string | null) => void;
  onDeleted: () => void;
}

/** Asks before one change of a file account, and makes it. */
export function AccountDialog({ account, change, onClose, onChanged, onDeleted }: Props) {
  const { api, organizationId } = useService();
  const [networks, setNetworks] = useState(account.networks.join("\n"));
  const params = {
    path: { organization_id: organizationId, file_account_id: account.id },
    header: ifMatch(account),
  };
  const update = (body: Schemas["FileAccountChanges"]) => answered(api.PATCH(ONE, { params, body }));
  const turned = account.authentication === "password" ? "public_key" : "password";
  const kinds: Record<
    Change,
    { title: string; text?: string; action?: string; run: () => Promise<unknown> }
  > = {
    password: {
      title: words.regenerate,
      text: words.regenerateText,
      run: () => answered(api.POST(`${ONE}/password`, { params })),
    },
    authentication: {
      title: turned === "password" ? words.byPassword : words.byKey,
      text: turned === "password" ? words.byPasswordText : words.byKeyText,
      run: () => update({ authentication: turned }),
    },
    networks: {
      title: words.changeNetworks,
      action: texts.save,
      run: () => update({ networks: parts(networks) }),
    },
    switch: {
      title: account.enabled ? words.switchOff : words.switchOn,
      run: () => update({ enabled: !account.enabled }),
    },
    delete: { title: texts.delete, text: words.deleteText, run: () => answered(api.DELETE(ONE, { params })) },
  };
  const { title, text, action, run } = kinds[change];
  const doing = useChange(run, (result) => {
    if (change === "delete") onDeleted();
    else onChanged((result as Schemas["FileAccountWithPasswordView"]).password ?? null);
  });
  return (
    <Dialog
      title={`${title}: ${account.username}`}
      action={action ?? title}
      onAction={() => doing.mutate(undefined)}
      onClose={onClose}
      busy={doing.isPending}
      error={doing.error}
    >
      {text}
      {change === "networks" && (
        <FormField label={words.networks} constraintText={words.networksHelp}>
          <Textarea
            value={networks}
            onChange={({ detail }) => setNetworks(detail.value)}
            spellcheck={false}
            rows={4}
          />
        </FormField>
      )}
    </Dialog>
  );
}
