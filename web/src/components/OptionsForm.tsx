import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { parts } from "../format";
import {
  CHOICES,
  fieldsOf,
  fromChoice,
  LISTS,
  toChoice,
  type Choice,
  type List,
  type Options,
} from "../runs/options";
import { texts } from "../texts";

const { options: words } = texts;

interface Props {
  template: Schemas["FlowView"]["template"];
  value: Options;
  /** The template's own, named beside each. */
  defaults: Options;
  onChange: (options: Options) => void;
}

/** The options of a flow that its template heeds, each with what it does and its default. */
export function OptionsForm({ template, value, defaults, onChange }: Props) {
  const change = (changes: Partial<Options>) => onChange({ ...value, ...changes });
  return (
    <SpaceBetween size="l">
      <ColumnLayout columns={2}>
        {fieldsOf(template).map((field) => {
          if (field === "max_dropped")
            return (
              <ShareField
                key={field}
                value={value[field]}
                usual={defaults[field]}
                onChange={(share) => change({ [field]: share })}
              />
            );
          if ((LISTS as readonly string[]).includes(field))
            return (
              <ListField
                key={field}
                field={field as List}
                value={value[field as List]}
                usual={defaults[field as List]}
                onChange={(list) => change({ [field]: list })}
              />
            );
          return (
            <ChoiceField
              key={field}
              field={field as Choice}
              value={value}
              defaults={defaults}
              onChange={change}
            />
          );
        })}
      </ColumnLayout>
      {template === "asm-csv" && (
        <FormField label={words.asmRepairs} description={words.asmRepairsHelp}>
          <Multiselect
            selectedOptions={value.asm_repairs.map(repairOption)}
            options={defaults.asm_repairs.map(repairOption)}
            onChange={({ detail }) =>
              change({
                asm_repairs: detail.selectedOptions.map((one) => one.value as Options["asm_repairs"][number]),
              })
            }
          />
        </FormField>
      )}
      <Severities value={value.severities ?? {}} onChange={(severities) => change({ severities })} />
    </SpaceBetween>
  );
}

const repairOption = (value: Options["asm_repairs"][number]) => ({
  value,
  label: words.asmRepairWords[value],
});
const word = (choice: string) => words.choices[choice] ?? choice;

function ChoiceField({
  field,
  value,
  defaults,
  onChange,
}: {
  field: Choice;
  value: Options;
  defaults: Options;
  onChange: (changes: Partial<Options>) => void;
}) {
  const [label, help] = words.fields[field];
  const options = CHOICES[field].map((choice) => ({ value: choice, label: word(choice) }));
  const chosen = toChoice(value[field]);
  return (
    <FormField
      label={label}
      description={help}
      constraintText={words.defaultIs(word(toChoice(defaults[field])))}
    >
      <Select
        selectedOption={options.find((one) => one.value === chosen) ?? null}
        options={options}
        onChange={({ detail }) => onChange({ [field]: fromChoice(field, detail.selectedOption.value ?? "") })}
      />
    </FormField>
  );
}

function ListField({
  field,
  value,
  usual,
  onChange,
}: {
  field: List;
  value: string[];
  usual: string[];
  onChange: (list: string[]) => void;
}) {
  const [label, help] = words.fields[field];
  const [text, setText] = useState(value.join(", "));
  return (
    <FormField
      label={label}
      description={help}
      constraintText={`${words.listHelp} ${words.defaultIs(usual.join(", ") || words.everything)}`}
    >
      <Input
        value={text}
        onChange={({ detail }) => {
          setText(detail.value);
          onChange(parts(detail.value));
        }}
      />
    </FormField>
  );
}

function ShareField({
  value,
  usual,
  onChange,
}: {
  value: number;
  usual: number;
  onChange: (share: number) => void;
}) {
  const [label, help] = words.fields.max_dropped;
  return (
    <FormField label={label} description={help} constraintText={words.defaultIs(`${usual * 100} %`)}>
      <Input
        type="number"
        inputMode="decimal"
        value={String(Math.round(value * 1000) / 10)}
        onChange={({ detail }) => onChange(Math.min(Math.max(Number(detail.value) / 100, 0), 1))}
      />
    </FormField>
  );
}

function Severities({
  value,
  onChange,
}: {
  value: NonNullable<Options["severities"]>;
  onChange: (value: NonNullable<Options["severities"]>) => void;
}) {
  const [rows, setRows] = useState(() =>
    Object.entries(value).map(([code, severity]) => ({ code, severity })),
  );
  const options = (["ignore", "warning", "error"] as const).map((one) => ({
    value: one,
    label: words.severityWords[one],
  }));
  const keep = (next: typeof rows) => {
    setRows(next);
    onChange(Object.fromEntries(next.filter((row) => row.code).map((row) => [row.code, row.severity])));
  };
  const replaced = (index: number, changes: Partial<(typeof rows)[number]>) =>
    keep(rows.map((row, at) => (at === index ? { ...row, ...changes } : row)));
  return (
    <FormField label={words.severities} description={words.severitiesHelp}>
      <AttributeEditor
        items={rows}
        addButtonText={words.severityAdd}
        removeButtonText={texts.remove}
        onAddButtonClick={() => setRows([...rows, { code: "", severity: "warning" }])}
        onRemoveButtonClick={({ detail }) => keep(rows.filter((_, index) => index !== detail.itemIndex))}
        definition={[
          {
            label: words.severityCode,
            control: (row, index) => (
              <Input
                value={row.code}
                onChange={({ detail }) => replaced(index, { code: detail.value.trim() })}
              />
            ),
          },
          {
            label: words.severityAs,
            control: (row, index) => (
              <Select
                selectedOption={options.find((one) => one.value === row.severity) ?? null}
                options={options}
                onChange={({ detail }) =>
                  replaced(index, { severity: detail.selectedOption.value as typeof row.severity })
                }
              />
            ),
          },
        ]}
      />
    </FormField>
  );
}
