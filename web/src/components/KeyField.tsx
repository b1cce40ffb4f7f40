import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Textarea from "@cloudscape-design/components/textarea";
import { useMutation } from "@tanstack/react-query";
import { makeKeyPair } from "../keyPair";
import { texts } from "../texts";

const { fileAccounts: words } = texts;
const FILE = "rosterbridge_ed25519";

/** Whether a pasted text is the half of a key pair that must not leave its owner: it is not sent anywhere. */
export const isPrivateKey = (text: string) => /PRIVATE KEY|PuTTY-User-Key-File/.test(text);

/** What is wrong with a pasted key, or undefined. */
export const keyError = (text: string) =>
  isPrivateKey(text) ? words.privateKey : text.trim() ? undefined : words.needKey;

/** Where a public key is pasted, or made together with the private one, which only the user gets. */
export function KeyField({
  value,
  onChange,
  checked,
}: {
  value: string;
  onChange: (text: string) => void;
  /** Whether an empty field is told already. */
  checked: boolean;
}) {
  const making = useMutation({
    mutationFn: makeKeyPair,
    onSuccess: (pair) => {
      save(pair.privateKey, FILE);
      onChange(pair.publicKey);
    },
  });
  return (
    <FormField
      label={words.publicKey}
      constraintText={words.publicKeyHelp}
      errorText={(checked || isPrivateKey(value)) && keyError(value)}
    >
      <SpaceBetween size="xs">
        <Textarea
          value={value}
          ariaLabel={words.publicKey}
          onChange={({ detail }) => onChange(detail.value)}
          spellcheck={false}
          rows={3}
        />
        <Button formAction="none" loading={making.isPending} onClick={() => making.mutate()}>
          {words.makeKey}
        </Button>
        {making.isSuccess && <StatusIndicator>{words.keyMade(FILE)}</StatusIndicator>}
        {making.isError && <StatusIndicator type="error">{words.keyNotMade}</StatusIndicator>}
      </SpaceBetween>
    </FormField>
  );
}

/** Give the user a text as a file. */
function save(text: string, name: string) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
