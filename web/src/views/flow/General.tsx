import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { texts } from "../../texts";
import { Saving, useFlowChange } from "./saving";

const { flows: words } = texts;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
// The browser's list lacks the one that is the default
const ZONES = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])].map((value) => ({ value }));

/** A flow's name, and when an upload of it is missed. */
export function General({ flow }: { flow: Schemas["FlowView"] }) {
  const [name, setName] = useState(flow.name);
  const [expected, setExpected] = useState(flow.expected_by ?? "");
  const [zone, setZone] = useState(flow.time_zone);
  const save = useFlowChange(flow);
  const errors = {
    name: name.trim() ? undefined : texts.wizard.needName,
    expected: !expected || TIME.test(expected) ? undefined : words.expectedInvalid,
  };
  return (
    <Container header={<Header variant="h2">{words.general}</Header>}>
      <SpaceBetween size="m">
        <FormField label={texts.name} errorText={errors.name}>
          <Input value={name} onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label={words.expected} constraintText={words.expectedHelp} errorText={errors.expected}>
          <Input
            value={expected}
            placeholder="06:00"
            onChange={({ detail }) => setExpected(detail.value.trim())}
          />
        </FormField>
        <FormField label={words.timeZone} constraintText={words.timeZoneHelp}>
          <Select
            filteringType="auto"
            filteringAriaLabel={texts.search}
            virtualScroll
            options={ZONES}
            selectedOption={{ value: zone }}
            onChange={({ detail }) => setZone(detail.selectedOption.value ?? zone)}
          />
        </FormField>
        <Saving
          change={save}
          onSave={() => {
            if (!errors.name && !errors.expected)
              save.mutate({ name, expected_by: expected, time_zone: zone });
          }}
        />
      </SpaceBetween>
    </Container>
  );
}
