import type { ReactNode } from "react";
import { useChange } from "../api/queries";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  /** What the button says that does it. */
  action: string;
  run: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before something is done that cannot be taken back, does it, and tells why it could not be done. */
export function Confirm({ title, action, run, onDone, onClose, children }: Props) {
  const doing = useChange(run, onDone);
  return (
    <Dialog
      title={title}
      action={action}
      onAction={() => doing.mutate(undefined)}
      onClose={onClose}
      busy={doing.isPending}
      error={doing.error}
    >
      {children}
    </Dialog>
  );
}
