import ProgressBar from "@cloudscape-design/components/progress-bar";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { indicator, isFinal, progress, type RunStatus } from "../runs/status";
import { texts } from "../texts";

/** A run's status in plain words; with ``bar`` also how far it is, while it is under way. */
export function RunStatusText({ status, bar = false }: { status: RunStatus; bar?: boolean }) {
  const word = <StatusIndicator type={indicator(status)}>{texts.statuses[status]}</StatusIndicator>;
  if (!bar || isFinal(status) || status === "held") return word;
  return (
    <>
      {word}
      <ProgressBar value={progress(status)} ariaLabel={texts.statuses[status]} />
    </>
  );
}
