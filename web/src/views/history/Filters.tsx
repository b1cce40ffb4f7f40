import FormField from "@cloudscape-design/components/form-field";
import Grid from "@cloudscape-design/components/grid";
import Select from "@cloudscape-design/components/select";
import type { Schemas } from "../../api/client";
import { texts } from "../../texts";

const { history: words } = texts;

interface Props {
  projects: Schemas["ProjectView"][];
  flows: Schemas["FlowView"][];
  project: string;
  address: URLSearchParams;
  onChange: (name: string, value: string) => void;
}

/** Which runs are listed: of which project, flow, status and time. */
export function Filters({ projects, flows, project, address, onChange }: Props) {
  const named = (things: { id: string; name: string }[]) =>
    things.map(({ id, name }) => ({ value: id, label: name }));
  const pairs = (words: Record<string, string>) =>
    Object.entries(words).map(([value, label]) => ({ value, label }));
  const selects = [
    ...(projects.length > 1
      ? [{ name: "project", label: words.project, value: project, options: named(projects) }]
      : []),
    { name: "flow", label: words.flow, options: [{ value: "", label: words.allFlows }, ...named(flows)] },
    {
      name: "status",
      label: words.status,
      options: [{ value: "", label: words.allStatuses }, ...pairs(texts.statuses)],
    },
    {
      name: "days",
      label: words.time,
      options: [{ value: "", label: words.allTimes }, ...pairs(words.times)],
    },
  ];
  const width = { default: 12, s: 12 / selects.length } as const;
  return (
    <Grid gridDefinition={selects.map(() => ({ colspan: width }))}>
      {selects.map(({ name, label, options, value = address.get(name) ?? "" }) => (
        <FormField key={name} label={label}>
          <Select
            options={options}
            selectedOption={options.find((one) => one.value === value) ?? null}
            onChange={({ detail }) => onChange(name, detail.selectedOption.value ?? "")}
          />
        </FormField>
      ))}
    </Grid>
  );
}
