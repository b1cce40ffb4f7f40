import Button from "@cloudscape-design/components/button";
import DatePicker from "@cloudscape-design/components/date-picker";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { answered, ifMatch } from "../../api/client";
import { useChange } from "../../api/queries";
import { Confirm } from "../../components/Confirm";
import { Dialog } from "../../components/Dialog";
import { keyError, KeyField } from "../../components/KeyField";
import { Empty } from "../../components/states";
import { ThingTable } from "../../components/ThingTable";
import { moment } from "../../format";
import { useService } from "../../session/service";
import { texts } from "../../texts";
import type { Account } from "./AccountDialog";

const { fileAccounts: words } = texts;

/** The keys that an account may sign in with; one is added before the old one goes. */
export function Keys({ account }: { account: Account }) {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Account["public_keys"][number] | null>(null);
  return (
    <>
      <ThingTable
        title={words.keys}
        items={account.public_keys}
        actions={<Button onClick={() => setAdding(true)}>{words.addKey}</Button>}
        empty={<Empty title={words.noKeys} />}
        columns={[
          {
            id: "fingerprint",
            header: words.fingerprint,
            cell: (key) => <span className="long">{key.fingerprint}</span>,
            isRowHeader: true,
          },
          { id: "label", header: words.keyLabel, cell: (key) => key.label || texts.empty },
          { id: "added", header: words.keyAdded, cell: (key) => moment(key.added_at) },
          { id: "expires", header: words.keyExpires, cell: (key) => moment(key.expires_at, texts.never) },
          {
            id: "remove",
            header: texts.actions,
            cell: (key) => (
              <Button
                variant="inline-link"
                ariaLabel={`${words.removeKey} ${key.fingerprint}`}
                onClick={() => setRemoving(key)}
              >
                {texts.remove}
              </Button>
            ),
          },
        ]}
      />
      {adding && <AddKey account={account} onClose={() => setAdding(false)} />}
      {removing && (
        <RemoveKey
          account={account}
          id={removing.id}
          text={removing.fingerprint}
          onClose={() => setRemoving(null)}
        />
      )}
    </>
  );
}

function AddKey({ account, onClose }: { account: Account; onClose: () => void }) {
  const { api, organizationId } = useService();
  const [text, setText] = useState("");
  const [label, setLabel] = useState("");
  const [expires, setExpires] = useState("");
  const [checked, setChecked] = useState(false);
  const add = useChange(
    () =>
      answered(
        api.POST("/v1/organizations/{organization_id}/file-accounts/{file_account_id}/keys", {
          params: {
            path: { organization_id: organizationId, file_account_id: account.id },
            header: ifMatch(account),
          },
          body: {
            text: text.trim(),
            label,
            expires_at: expires ? new Date(`${expires}T00:00`).toISOString() : null,
          },
        }),
      ),
    onClose,
  );
  const error = keyError(text);
  return (
    <Dialog
      title={words.addKey}
      action={texts.add}
      onClose={onClose}
      onAction={() => {
        setChecked(true);
        if (!error) add.mutate(undefined);
      }}
      busy={add.isPending}
      error={add.error}
    >
      <KeyField value={text} onChange={setText} checked={checked} />
      <FormField label={words.keyLabel}>
        <Input value={label} onChange={({ detail }) => setLabel(detail.value)} />
      </FormField>
      <FormField label={words.keyExpires}>
        <DatePicker
          value={expires}
          onChange={({ detail }) => setExpires(detail.value)}
          placeholder="YYYY/MM/DD"
        />
      </FormField>
    </Dialog>
  );
}

function RemoveKey({
  account,
  id,
  text,
  onClose,
}: {
  account: Account;
  id: string;
  text: string;
  onClose: () => void;
}) {
  const { api, organizationId } = useService();
  const params = {
    path: { organization_id: organizationId, file_account_id: account.id, key_id: id },
    header: ifMatch(account),
  };
  return (
    <Confirm
      title={words.removeKey}
      action={texts.remove}
      run={() =>
        answered(
          api.DELETE("/v1/organizations/{organization_id}/file-accounts/{file_account_id}/keys/{key_id}", {
            params,
          }),
        )
      }
      onDone={onClose}
      onClose={onClose}
    >
      <span className="long">{text}</span>
    </Confirm>
  );
}
