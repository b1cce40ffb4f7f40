import { describe, expect, it } from "vitest";
import { outcomeOf, progress, stepOutcomes, whoMustAct, type RunStatus } from "../src/runs/status";
import { texts } from "../src/texts";

describe("who must act", () => {
  it.each([
    ["held", "too-many-removed", texts.who.approve],
    ["rejected", "too-many-dropped", texts.who.mend],
    ["rejected", "hold-rejected", texts.who.upload],
    ["rejected", "flow-switched-off", texts.who.flow],
    ["failed", "asm-sign-in-refused", texts.who.asm],
    ["failed", "settings-wrong", texts.who.operator],
    ["failed", "gave-up", texts.who.upload],
    ["succeeded", null, texts.who.nobody],
    ["superseded", "run-overtaken", texts.who.nobody],
    ["forwarding", null, texts.who.itself],
  ] as const)("of a run that is %s by %s: %s", (status, code, sentence) => {
    expect(whoMustAct(status, code)).toBe(sentence);
  });

  it("has a word for each status of the API", () => {
    const statuses = Object.keys(texts.statuses) as RunStatus[];
    expect(statuses.map((status) => whoMustAct(status, null)).every(Boolean)).toBe(true);
  });
});

it("goes on with each status", () => {
  const way: RunStatus[] = ["received", "validating", "converting", "held", "forwarding", "succeeded"];
  const done = way.map(progress);
  expect(done).toEqual(done.toSorted((one, other) => one - other));
});

it("lets a step wait no longer once its run has gone on", () => {
  expect(outcomeOf({ status: "held" }, "held")).toBe("held");
  expect(outcomeOf({ status: "superseded" }, "held")).toBe("superseded");
  expect(outcomeOf({ status: "succeeded" }, "held")).toBe("succeeded");
  expect(outcomeOf({ status: "succeeded" }, "failed")).toBe("failed");
});

describe("the step bar", () => {
  const step = (name: "receive" | "validate", outcome: "succeeded" | "rejected" | "running") => ({
    name,
    outcome,
    started_at: "2026-11-29T12:00:00Z",
    ended_at: null,
    attempts: 1,
    code: null,
    message: "",
    counts: {},
    request: {},
    response: {},
  });

  it("tells what has not begun from what is not reached any more", () => {
    const live = stepOutcomes({
      status: "validating",
      steps: [step("receive", "succeeded"), step("validate", "running")],
    });
    expect(live.map(({ outcome }) => outcome)).toEqual([
      "succeeded",
      "running",
      "waiting",
      "waiting",
      "waiting",
    ]);
    const over = stepOutcomes({
      status: "rejected",
      steps: [step("receive", "succeeded"), step("validate", "rejected")],
    });
    expect(over.map(({ outcome }) => outcome)).toEqual([
      "succeeded",
      "rejected",
      "skipped",
      "skipped",
      "skipped",
    ]);
  });
});
