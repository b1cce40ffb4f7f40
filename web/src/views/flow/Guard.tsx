import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { guardErrors, guardRules, guardText, type GuardText } from "../../runs/guard";
import { texts } from "../../texts";
import { Saving, useFlowChange } from "./saving";

const { flows: words } = texts;
const NUMBERS = { removed: words.removedShare, changed: words.changedShare, rows: words.leastRows };
const SPANS = { additionsOnly: words.additionsOnly, blackouts: words.blackouts };

/** When an upload waits for somebody, since it would change too much at Apple's side. */
export function Guard({ flow }: { flow: Schemas["FlowView"] }) {
  const [text, setText] = useState<GuardText>(() => guardText(flow.guard));
  const save = useFlowChange(flow);
  const errors = guardErrors(text);
  const set = (field: keyof GuardText) => ({
    value: text[field],
    onChange: ({ detail }: { detail: { value: string } }) => setText({ ...text, [field]: detail.value }),
  });
  return (
    <ExpandableSection variant="container" headerText={words.guard} headerDescription={words.guardLead}>
      <SpaceBetween size="m">
        {(Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).map((field) => (
          <FormField key={field} label={NUMBERS[field]} errorText={errors[field]}>
            <Input {...set(field)} type="number" inputMode="decimal" />
          </FormField>
        ))}
        {(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((field) => (
          <FormField
            key={field}
            label={SPANS[field]}
            constraintText={words.windowsHelp}
            errorText={errors[field]}
          >
            <Textarea {...set(field)} rows={2} spellcheck={false} />
          </FormField>
        ))}
        <Saving
          change={save}
          onSave={() => {
            if (Object.keys(errors).length === 0) save.mutate({ guard: guardRules(text) });
          }}
        />
      </SpaceBetween>
    </ExpandableSection>
  );
}
