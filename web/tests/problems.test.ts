import { describe, expect, it } from "vitest";
import { answered } from "../src/api/client";
import { ProblemError, problemIn, problemOf } from "../src/api/problems";
import { texts } from "../src/texts";

const answer = (status: number, headers = {}) => new Response(null, { status, headers });

describe("a problem", () => {
  const body = {
    type: "about:blank",
    title: "Flows use this account.",
    status: 409,
    detail: "Delete the flows first.",
    code: "in-use",
  };

  it("says cause, mend, fields and flows as the API does", () => {
    const flows = [{ id: "flow-1", name: "Nightly roster" }];
    expect(problemOf(answer(409), { ...body, flows })).toEqual({
      code: "in-use",
      status: 409,
      title: "Flows use this account.",
      detail: "Delete the flows first.",
      fields: [],
      flows,
    });
  });

  it("says how long to wait", () => {
    expect(problemOf(answer(429, { "Retry-After": "7" }), body).detail).toContain("7 s");
  });

  it.each([
    [401, texts.problems["signed-out"].title],
    [413, texts.problems["too-large"].title],
    [429, texts.problems["too-many"].title],
    [503, texts.problems.away.title],
    [418, texts.problems["page-failed"].title],
  ])("of API Gateway with %i has a sentence of ours", (status, title) => {
    expect(problemOf(answer(status), { message: "Unauthorized" }).title).toBe(title);
  });

  it("is also the answer that never came, and whatever else was thrown", async () => {
    const error: unknown = await answered(Promise.reject(new TypeError("Failed to fetch"))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ProblemError);
    expect(problemIn(error).title).toBe(texts.problems.unreachable.title);
    expect(problemIn(new Error("secret")).title).toBe(texts.problems["page-failed"].title);
  });
});
