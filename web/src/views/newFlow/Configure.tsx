import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Schemas } from "../../api/client";
import { OptionsForm } from "../../components/OptionsForm";
import type { Options } from "../../runs/options";
import { texts } from "../../texts";
import type { Draft, Errors } from "./draft";

const { wizard } = texts;
const NEW = "new";

interface Props {
  draft: Draft;
  errors: Errors;
  projects: Schemas["ProjectView"][];
  defaults: Options;
  onChange: (changes: Partial<Draft>) => void;
}

/** The third step: what starts the flow, its name and its options. */
export function Configure({ draft, errors, projects, defaults, onChange }: Props) {
  const choices = [
    ...projects.map(({ id, name }) => ({ value: id, label: name })),
    { value: NEW, label: wizard.newProject },
  ];
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">{wizard.trigger}</Header>}>
        <Box>{wizard.triggerText(draft.fileAccount?.username ?? "")}</Box>
      </Container>
      <Container header={<Header variant="h2">{texts.flows.general}</Header>}>
        <SpaceBetween size="m">
          <FormField label={wizard.flowName} errorText={errors.name}>
            <Input value={draft.name} onChange={({ detail }) => onChange({ name: detail.value })} />
          </FormField>
          {projects.length > 0 && !draft.saved && (
            <FormField label={wizard.project} description={wizard.projectHelp}>
              <Select
                options={choices}
                selectedOption={choices.find((one) => one.value === (draft.projectId ?? NEW)) ?? null}
                onChange={({ detail }) => {
                  const { value = NEW } = detail.selectedOption;
                  onChange({ projectId: value === NEW ? null : value });
                }}
              />
            </FormField>
          )}
          {!draft.projectId && (
            <FormField
              label={wizard.newProjectName}
              description={wizard.projectHelp}
              errorText={errors.project}
            >
              <Input
                value={draft.newProject}
                onChange={({ detail }) => onChange({ newProject: detail.value })}
              />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
      <ExpandableSection
        variant="container"
        headerText={texts.flows.options}
        headerDescription={texts.flows.optionsLead}
      >
        <OptionsForm
          template={draft.template}
          value={draft.options}
          defaults={defaults}
          onChange={(options) => onChange({ options })}
        />
      </ExpandableSection>
    </SpaceBetween>
  );
}
