import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useAsmAccounts, useFileAccounts } from "../../api/queries";
import { AsmAccountDialog } from "../../components/AsmAccountDialog";
import { FileAccountDialog } from "../../components/FileAccountDialog";
import { texts } from "../../texts";
import type { Draft, Errors } from "./draft";

const { wizard } = texts;

interface Props {
  draft: Draft;
  errors: Errors;
  onChange: (changes: Partial<Draft>) => void;
}

/** The second step: the account that is uploaded with, and the connection to Apple. */
export function Connect({ draft, errors, onChange }: Props) {
  const [dialog, setDialog] = useState<"file" | "asm" | null>(null);
  const fileAccounts = useFileAccounts();
  const asmAccounts = useAsmAccounts();
  const close = () => setDialog(null);
  return (
    <SpaceBetween size="l">
      <Choice
        title={wizard.fileAccount}
        help={wizard.fileAccountHelp}
        button={wizard.activate}
        onNew={() => setDialog("file")}
        loading={fileAccounts.isPending}
        chosen={
          draft.fileAccount && {
            id: draft.fileAccount.id,
            name: draft.fileAccount.username,
            state: wizard.activated,
          }
        }
        known={(fileAccounts.data?.items ?? []).map(({ id, username }) => ({ id, name: username }))}
        error={errors.fileAccount}
        onChoose={(id) =>
          onChange({ fileAccount: fileAccounts.data?.items.find((one) => one.id === id) ?? null })
        }
      />
      <Choice
        title={wizard.asm}
        help={wizard.asmHelp}
        button={wizard.connectNew}
        onNew={() => setDialog("asm")}
        loading={asmAccounts.isPending}
        chosen={
          draft.asmAccount && {
            id: draft.asmAccount.id,
            name: draft.asmAccount.name,
            state: wizard.connected,
          }
        }
        known={(asmAccounts.data?.items ?? []).map(({ id, name, username }) => ({
          id,
          name: `${name} (${username})`,
        }))}
        error={errors.asmAccount}
        onChoose={(id) =>
          onChange({ asmAccount: asmAccounts.data?.items.find((one) => one.id === id) ?? null })
        }
      />
      {dialog === "file" && (
        <FileAccountDialog
          onClose={close}
          onMade={(fileAccount) => {
            onChange({ fileAccount });
            close();
          }}
        />
      )}
      {dialog === "asm" && (
        <AsmAccountDialog
          onClose={close}
          onMade={(asmAccount) => {
            onChange({ asmAccount });
            close();
          }}
        />
      )}
    </SpaceBetween>
  );
}

interface ChoiceProps {
  title: string;
  help: string;
  button: string;
  onNew: () => void;
  loading: boolean;
  chosen: { id: string; name: string; state: string } | null;
  known: { id: string; name: string }[];
  error: string | undefined;
  onChoose: (id: string) => void;
}

/** One of the accounts that are there, or a new one. */
function Choice({ title, help, button, onNew, loading, chosen, known, error, onChoose }: ChoiceProps) {
  const options = known.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Container
      header={
        <Header variant="h2" description={help} actions={<Button onClick={onNew}>{button}</Button>}>
          {title}
        </Header>
      }
    >
      <SpaceBetween size="s">
        {chosen && (
          <StatusIndicator>
            {chosen.state}: {chosen.name}
          </StatusIndicator>
        )}
        <FormField label={wizard.chooseAccount} errorText={error}>
          <Select
            selectedOption={options.find((one) => one.value === chosen?.id) ?? null}
            options={options}
            placeholder={wizard.chooseAccount}
            statusType={loading ? "loading" : "finished"}
            disabled={!loading && options.length === 0}
            onChange={({ detail }) => onChoose(detail.selectedOption.value ?? "")}
          />
        </FormField>
      </SpaceBetween>
    </Container>
  );
}
