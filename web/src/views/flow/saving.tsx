import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { answered, ifMatch, type Schemas } from "../../api/client";
import { useChange } from "../../api/queries";
import { ProblemAlert } from "../../components/states";
import { useService } from "../../session/service";
import { texts } from "../../texts";

/** Return what makes a change of a flow. */
export function useFlowChange(flow: Schemas["FlowView"], then?: () => void) {
  const { api, organizationId } = useService();
  const params = { path: { organization_id: organizationId, flow_id: flow.id }, header: ifMatch(flow) };
  return useChange(
    (body: Schemas["FlowChanges"]) =>
      answered(api.PATCH("/v1/organizations/{organization_id}/flows/{flow_id}", { params, body })),
    then,
  );
}

/** The button that saves a part of a page, and why it could not. */
export function Saving({
  change,
  onSave,
}: {
  change: { isPending: boolean; error: unknown };
  onSave: () => void;
}) {
  return (
    <SpaceBetween size="s">
      {change.error ? <ProblemAlert error={change.error} /> : null}
      <Button variant="primary" loading={change.isPending} onClick={onSave}>
        {texts.save}
      </Button>
    </SpaceBetween>
  );
}
