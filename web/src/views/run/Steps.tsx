import CloudscapeSteps from "@cloudscape-design/components/steps";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useSyncExternalStore } from "react";
import type { Schemas } from "../../api/client";
import { Link } from "../../components/Link";
import { duration, moment } from "../../format";
import { outcomeOf, STEP_INDICATORS, stepOutcomes } from "../../runs/status";
import { texts } from "../../texts";

type StepView = Schemas["StepView"];

const { run: words } = texts;
const narrow = window.matchMedia("(max-width: 700px)");
const watchWidth = (changed: () => void) => {
  narrow.addEventListener("change", changed);
  return () => narrow.removeEventListener("change", changed);
};

/** The five steps of a run, and which of them are done. */
export function Steps({ run }: { run: Schemas["RunView"] }) {
  const isNarrow = useSyncExternalStore(watchWidth, () => narrow.matches);
  return (
    <Container header={<Header variant="h2">{words.progress}</Header>}>
      <div aria-live="polite">
        <CloudscapeSteps
          ariaLabel={words.progress}
          orientation={isNarrow ? "vertical" : "horizontal"}
          steps={stepOutcomes(run).map(({ name, outcome }) => ({
            header: words.stepNames[name],
            details: words.outcomes[outcome],
            status: STEP_INDICATORS[outcome],
            statusIconAriaLabel: words.outcomes[outcome],
          }))}
        />
      </div>
    </Container>
  );
}

/** Each step that has begun, with what it was asked and what it answered. */
export function StepDetails({ run }: { run: Schemas["RunView"] }) {
  return (
    <section>
      <Header variant="h2">{words.steps}</Header>
      {run.steps.map((step) => (
        <Step key={step.name} step={step} outcome={outcomeOf(run, step.outcome)} />
      ))}
    </section>
  );
}

function Step({ step, outcome }: { step: StepView; outcome: StepView["outcome"] }) {
  const saved = Object.keys(step.request).length > 0 || Object.keys(step.response).length > 0;
  const counts = Object.entries(step.counts).filter(([, count]) => count > 0);
  return (
    <ExpandableSection
      variant="stacked"
      headingTagOverride="h3"
      headerText={words.stepNames[step.name]}
      headerInfo={
        <StatusIndicator type={STEP_INDICATORS[outcome]}>{words.outcomes[outcome]}</StatusIndicator>
      }
    >
      <SpaceBetween size="m">
        {step.message && <Box>{step.message}</Box>}
        <KeyValuePairs
          columns={4}
          items={[
            { label: words.started, value: moment(step.started_at) },
            { label: words.took, value: duration(step.started_at, step.ended_at) },
            { label: words.tries, value: step.attempts },
            ...(step.code ? [{ label: texts.options.severityCode, value: step.code }] : []),
            ...counts.map(([name, count]) => ({
              label: name.replaceAll("_", " "),
              value: count.toLocaleString(),
            })),
          ]}
        />
        {saved ? (
          <ColumnLayout columns={2}>
            <Saved title={words.request} value={step.request} />
            <Saved title={words.response} value={step.response} />
          </ColumnLayout>
        ) : (
          <Alert type="info" header={words.notSaved}>
            {words.notSavedDetail} <Link href="/settings">{words.toSettings}</Link>
          </Alert>
        )}
      </SpaceBetween>
    </ExpandableSection>
  );
}

function Saved({ title, value }: { title: string; value: Record<string, unknown> }) {
  const items = Object.entries(value).map(([label, one]) => ({
    label,
    value: <span className="long">{typeof one === "string" ? one : JSON.stringify(one)}</span>,
  }));
  return (
    <SpaceBetween size="xs">
      <Box variant="h4">{title}</Box>
      {items.length ? <KeyValuePairs items={items} /> : texts.empty}
    </SpaceBetween>
  );
}
