/** What the browser keeps until its tab is closed, and nothing else: tokens and an operator's organization. */
export interface Tokens {
  idToken: string;
  refreshToken: string | null;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** A sign-in under way: what the answer is checked by, and where the user wanted to go. */
export interface Attempt {
  verifier: string;
  state: string;
  nonce: string;
  path: string;
}

const TOKENS = "rosterbridge.tokens";
const ATTEMPT = "rosterbridge.sign-in";
const ORGANIZATION = "rosterbridge.organization";

function read(key: string): unknown {
  const text = sessionStorage.getItem(key);
  return text === null ? null : JSON.parse(text);
}

export const store = {
  tokens: () => read(TOKENS) as Tokens | null,
  keepTokens: (tokens: Tokens) => sessionStorage.setItem(TOKENS, JSON.stringify(tokens)),
  attempt: () => read(ATTEMPT) as Attempt | null,
  keepAttempt: (attempt: Attempt) => sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt)),
  forgetAttempt: () => sessionStorage.removeItem(ATTEMPT),
  organization: () => read(ORGANIZATION) as string | null,
  keepOrganization: (id: string) => sessionStorage.setItem(ORGANIZATION, JSON.stringify(id)),
  forget: () => [TOKENS, ATTEMPT, ORGANIZATION].forEach((key) => sessionStorage.removeItem(key)),
};
