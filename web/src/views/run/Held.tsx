import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { answered, type Schemas } from "../../api/client";
import { useChange } from "../../api/queries";
import { Comparison } from "../../components/Comparison";
import { Dialog } from "../../components/Dialog";
import { moment } from "../../format";
import { isComparison } from "../../runs/comparison";
import { useService } from "../../session/service";
import { texts } from "../../texts";

type RunView = Schemas["RunView"];
type Decision = "approve" | "reject";

const { run: words } = texts;

/** A run that waits for somebody: why, until when, and the two ways on. */
export function Held({ run }: { run: RunView }) {
  const [deciding, setDeciding] = useState<Decision | null>(null);
  return (
    <>
      <Alert
        type="warning"
        header={words.held}
        action={
          <SpaceBetween size="xs" direction="horizontal">
            <Button onClick={() => setDeciding("reject")}>{words.reject}</Button>
            <Button variant="primary" onClick={() => setDeciding("approve")}>
              {words.approve}
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="xs">
          <span>{run.hold?.sentence}</span>
          {run.hold && <span>{words.heldUntil(moment(run.hold.until))}</span>}
        </SpaceBetween>
      </Alert>
      {deciding && <Decide run={run} decision={deciding} onClose={() => setDeciding(null)} />}
    </>
  );
}

function Decide({ run, decision, onClose }: { run: RunView; decision: Decision; onClose: () => void }) {
  const { api, organizationId } = useService();
  const [reason, setReason] = useState("");
  const [checked, setChecked] = useState(false);
  const params = { path: { organization_id: organizationId, run_id: run.id } };
  const body = { reason: reason.trim() };
  const decide = useChange(
    () =>
      answered(
        decision === "approve"
          ? api.POST("/v1/organizations/{organization_id}/runs/{run_id}/approve", { params, body })
          : api.POST("/v1/organizations/{organization_id}/runs/{run_id}/reject", { params, body }),
      ),
    onClose,
  );
  const missing = reason.trim() ? undefined : words.needReason;
  return (
    <Dialog
      title={words[decision]}
      action={words[decision]}
      onAction={() => {
        setChecked(true);
        if (!missing) decide.mutate(undefined);
      }}
      onClose={onClose}
      busy={decide.isPending}
      error={decide.error}
    >
      {decision === "approve" ? words.approveText : words.rejectText}
      <FormField label={words.reason} constraintText={words.reasonHelp} errorText={checked && missing}>
        <Input value={reason} onChange={({ detail }) => setReason(detail.value)} autoFocus />
      </FormField>
    </Dialog>
  );
}

/** What the upload changes at Apple's side, once it has been compared. */
export function Changes({ run }: { run: RunView }) {
  const step = run.steps.find((one) => one.name === "guard");
  if (!step || Object.keys(step.counts).length === 0) return null;
  return (
    <Container header={<Header variant="h2">{words.compare}</Header>}>
      {isComparison(step.counts) ? <Comparison counts={step.counts} /> : words.compareFirst}
    </Container>
  );
}
