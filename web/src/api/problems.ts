import { texts } from "../texts";
import type { components } from "./schema";

type Known = components["schemas"]["Problem"];

/** What went wrong, as a person reads it: ``title`` is the cause, ``detail`` the mend. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  fields: { field: string; message: string }[];
  flows: { id: string; name: string }[];
}

export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    options?: ErrorOptions,
  ) {
    super(problem.code, options);
  }
}

const plain = (status: number, code: keyof typeof texts.problems): Problem => ({
  status,
  code,
  ...texts.problems[code],
  fields: [],
  flows: [],
});

/** Return what an answer that is no success says; API Gateway's own have neither code nor mend. */
export function problemOf(response: Response, body: unknown): Problem {
  if (!isProblem(body)) return plain(response.status, gatewayCode(response.status));
  const wait = response.headers.get("Retry-After");
  return {
    status: body.status,
    code: body.code,
    title: body.title,
    detail: wait ? `${body.detail} ${texts.tryAgainIn(Number(wait))}` : body.detail,
    fields: body.errors ?? [],
    flows: body.flows ?? [],
  };
}

/** Return the problem of a request that got no answer at all. */
export const unreachable = (): Problem => plain(0, "unreachable");

/** Return the problem of whatever was thrown. */
export function problemIn(error: unknown): Problem {
  return error instanceof ProblemError ? error.problem : plain(0, "page-failed");
}

/** Whether what was asked for is not there, or not for this user. */
export const isMissing = (problem: Problem) => problem.status === 404;
export const isForbidden = (problem: Problem) => problem.status === 403;

function isProblem(body: unknown): body is Known {
  return typeof body === "object" && body !== null && "code" in body && "title" in body && "detail" in body;
}

function gatewayCode(status: number): keyof typeof texts.problems {
  if (status === 401) return "signed-out";
  if (status === 413) return "too-large";
  if (status === 429) return "too-many";
  return status >= 500 ? "away" : "page-failed";
}
