import createClient, { type Client } from "openapi-fetch";
import type { SignIn } from "../session/signIn";
import { ProblemError, problemOf, unreachable } from "./problems";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Api = Client<paths>;

/** Return a client of the API that signs each request; ``signedOut`` is called where no token is left. */
export function connect(address: string, signIn: Pick<SignIn, "token">, signedOut: () => void): Api {
  const api = createClient<paths>({ baseUrl: address });
  api.use({
    async onRequest({ request }) {
      const token = await signIn.token();
      if (token) request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
    onResponse({ response }) {
      if (response.status === 401) signedOut();
    },
  });
  return api;
}

/** Return what a call answers; throws ProblemError, whatever went wrong. */
export async function answered<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    throw new ProblemError(unreachable(), { cause });
  });
  if (!response.ok) throw new ProblemError(problemOf(response, error));
  return data as T;
}

/** Return the headers of a change: the version that it is a change of. */
export const ifMatch = (thing: { version: number }) => ({ "If-Match": `"${thing.version}"` });
