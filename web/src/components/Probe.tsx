import Alert from "@cloudscape-design/components/alert";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import type { Schemas } from "../api/client";
import { texts } from "../texts";

const { asmAccounts } = texts;
const STAGES = ["reached", "accepted", "signed_in", "folder_found"] as const;

/** Return what a connection test's code means and what to do. */
export const probeSentence = (code: string) => asmAccounts.failures[code] ?? asmAccounts.failed(code);

/** How far a connection test came. */
export function ProbeResult({ probe }: { probe: Schemas["ProbeView"] }) {
  const reached = STAGES.findIndex((stage) => !probe[stage]);
  return (
    <SpaceBetween size="s">
      {STAGES.map((stage, index) => (
        <StatusIndicator
          key={stage}
          type={probe[stage] ? "success" : index === reached ? "error" : "not-started"}
        >
          {asmAccounts.tested[stage]}
        </StatusIndicator>
      ))}
      <Alert type={probe.code ? "error" : "success"}>
        {probe.code ? probeSentence(probe.code) : asmAccounts.works}
      </Alert>
    </SpaceBetween>
  );
}
