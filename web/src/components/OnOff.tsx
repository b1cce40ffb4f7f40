import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { texts } from "../texts";

/** Whether something is switched on. */
export const OnOff = ({ on }: { on: boolean }) => (
  <StatusIndicator type={on ? "success" : "stopped"}>{on ? texts.on : texts.off}</StatusIndicator>
);
