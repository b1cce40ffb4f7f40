import type { StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { Schemas } from "../api/client";
import { texts } from "../texts";

export type RunStatus = Schemas["RunStatus"];
export type StepName = Schemas["StepView"]["name"];
type Outcome = keyof typeof texts.run.outcomes;
type StepOutcome = Schemas["StepView"]["outcome"];

export const STEPS: readonly StepName[] = ["receive", "validate", "convert", "guard", "forward"];
const FINAL: readonly RunStatus[] = ["succeeded", "rejected", "failed", "superseded"];

const INDICATORS: Record<RunStatus, StatusIndicatorProps.Type> = {
  received: "in-progress",
  validating: "in-progress",
  converting: "in-progress",
  forwarding: "in-progress",
  held: "warning",
  succeeded: "success",
  rejected: "error",
  failed: "error",
  superseded: "stopped",
};

// Where a person other than the uploader must act, or act elsewhere than in the files
const WHO_BY_CODE: Record<string, keyof typeof texts.who> = {
  "asm-sign-in-refused": "asm",
  "asm-host-key-refused": "asm",
  "asm-folder-missing": "asm",
  "asm-account-missing": "asm",
  "host-not-public": "asm",
  "host-malformed": "asm",
  "secret-unreadable": "asm",
  "flow-switched-off": "flow",
  "flow-missing": "flow",
  "asm-algorithms-refused": "operator",
  "conversion-differs": "operator",
  "settings-wrong": "operator",
  "aws-refused": "operator",
  "unexpected-error": "operator",
  "hold-rejected": "upload",
  "hold-expired": "upload",
  "upload-incomplete": "upload",
  "too-many-uploads": "upload",
  "too-many-bytes": "upload",
};

export const isFinal = (status: RunStatus) => FINAL.includes(status);
export const indicator = (status: RunStatus) => INDICATORS[status];

/** Return in plain words who must act now that a run has this status. */
export function whoMustAct(status: RunStatus, code: string | null): string {
  if (status === "held") return texts.who.approve;
  if (status === "succeeded" || status === "superseded") return texts.who.nobody;
  if (!isFinal(status)) return texts.who.itself;
  const usual = status === "rejected" ? "mend" : "upload";
  return texts.who[(code && WHO_BY_CODE[code]) || usual];
}

/** Return how much of its way a run has behind it, in percent. */
export function progress(status: RunStatus): number {
  const done: Partial<Record<RunStatus, number>> = {
    received: 10,
    validating: 30,
    converting: 50,
    held: 70,
    forwarding: 80,
  };
  return done[status] ?? 100;
}

/** Return a step's outcome as it is by now: one that held its run waits no longer once that has gone on or ended. */
export function outcomeOf(run: Pick<Schemas["RunView"], "status">, outcome: StepOutcome): StepOutcome {
  if (outcome !== "held" || run.status === "held") return outcome;
  return run.status === "rejected" || run.status === "superseded" ? run.status : "succeeded";
}

/** Return the outcome of each of the five steps, also of those that have not begun. */
export function stepOutcomes(
  run: Pick<Schemas["RunView"], "status" | "steps">,
): { name: StepName; outcome: Outcome }[] {
  return STEPS.map((name) => {
    const step = run.steps.find((known) => known.name === name);
    const unbegun = isFinal(run.status) ? "skipped" : "waiting";
    return { name, outcome: step ? outcomeOf(run, step.outcome) : unbegun };
  });
}

export const STEP_INDICATORS: Record<Outcome, StatusIndicatorProps.Type> = {
  waiting: "pending",
  skipped: "not-started",
  running: "in-progress",
  succeeded: "success",
  rejected: "error",
  held: "warning",
  superseded: "stopped",
  failed: "error",
};
