import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Form from "@cloudscape-design/components/form";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { texts } from "../texts";
import { ProblemAlert } from "./states";

interface Props {
  title: string;
  /** What the button says that does it. */
  action: string;
  onAction: () => void;
  onClose: () => void;
  busy?: boolean;
  error?: unknown;
  cancel?: string;
  size?: "medium" | "large";
  children: ReactNode;
}

/** A question with one answer that does something, and the way out; what goes wrong is told inside it. */
export function Dialog({
  title,
  action,
  onAction,
  onClose,
  busy,
  error,
  cancel,
  size = "medium",
  children,
}: Props) {
  return (
    <Modal
      visible
      header={title}
      size={size}
      closeAriaLabel={texts.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {cancel ?? texts.cancel}
            </Button>
            <Button variant="primary" loading={busy ?? false} onClick={onAction}>
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) onAction();
        }}
      >
        <Form>
          <SpaceBetween size="l">
            {children}
            {error ? <ProblemAlert error={error} /> : null}
          </SpaceBetween>
        </Form>
      </form>
    </Modal>
  );
}

/** What is shown this once or only told: it has one button, which closes it. */
export function Told({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Modal
      visible
      header={title}
      size="large"
      closeAriaLabel={texts.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={onClose}>
            {texts.done}
          </Button>
        </Box>
      }
    >
      {children}
    </Modal>
  );
}
