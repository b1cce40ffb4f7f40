import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SignIn } from "../src/session/signIn";
import { store } from "../src/session/store";
import { tabStorage } from "./browser";

const config = {
  api: "https://api.example",
  sign_in: "https://sign-in.example",
  region: "eu-west-1",
  user_pool_id: "eu-west-1_Pool",
  client_id: "client",
};
const ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool";
const asked: URLSearchParams[] = [];
let nonce = "";

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function idToken() {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: "client", sub: "user", iat: now, exp: now + 900, nonce };
  return `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** Stands where Cognito's token endpoint is, and checks what Cognito checks. */
function cognito(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input instanceof Request ? input : input.toString(), init);
  return request.text().then((body) => {
    asked.push(new URLSearchParams(body));
    const tokens = { access_token: "access", token_type: "Bearer", expires_in: 900, id_token: idToken() };
    const refresh = asked.at(-1)?.get("grant_type") === "refresh_token" ? {} : { refresh_token: "refresh" };
    return Response.json({ ...tokens, ...refresh });
  });
}

describe("the sign-in", () => {
  beforeEach(() => {
    vi.stubGlobal("sessionStorage", tabStorage());
    asked.length = 0;
    vi.stubGlobal("fetch", cognito);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  async function begin(path = "/runs?status=held") {
    const signIn = new SignIn(config, "https://console.example");
    const page = await signIn.begin(path);
    nonce = page.searchParams.get("nonce") ?? "";
    const back = (changes = {}) =>
      new URL(
        `https://console.example/?${new URLSearchParams({ code: "code", state: page.searchParams.get("state") ?? "", ...changes }).toString()}`,
      );
    return { signIn, page, back };
  }

  it("proves by PKCE that whoever comes back is who went, and returns to where the user was", async () => {
    const { signIn, page, back } = await begin();
    expect(page.origin + page.pathname).toBe("https://sign-in.example/oauth2/authorize");
    expect(page.searchParams.get("redirect_uri")).toBe("https://console.example/");
    expect(await signIn.finish(back())).toBe("/runs?status=held");
    const verifier = asked[0]?.get("code_verifier") ?? "";
    expect(createHash("sha256").update(verifier).digest("base64url")).toBe(
      page.searchParams.get("code_challenge"),
    );
    expect(await signIn.token()).toBe(store.tokens()?.idToken);
    expect(sessionStorage).toHaveLength(1);
  });

  it("refuses an answer to a question that it did not ask", async () => {
    const { signIn, back } = await begin();
    await expect(signIn.finish(back({ state: "another" }))).rejects.toThrow();
    await expect(signIn.finish(back())).rejects.toThrow(); // an attempt counts once
    expect(store.tokens()).toBeNull();
    expect(asked).toHaveLength(0);
  });

  it("refuses a token that was made for another sign-in", async () => {
    const { signIn, back } = await begin();
    nonce = "another";
    await expect(signIn.finish(back())).rejects.toThrow();
    expect(store.tokens()).toBeNull();
  });

  it("renews a token before it ends, once for all who ask", async () => {
    const { signIn, back } = await begin();
    await signIn.finish(back());
    vi.setSystemTime(Date.now() + 880_000);
    const tokens = await Promise.all([signIn.token(), signIn.token(), signIn.token()]);
    expect(new Set(tokens).size).toBe(1);
    expect(asked.map((body) => body.get("grant_type"))).toEqual(["authorization_code", "refresh_token"]);
    expect(store.tokens()?.refreshToken).toBe("refresh"); // Cognito gives none anew
  });

  it("ends where Cognito takes nothing back any more", async () => {
    const { signIn, back } = await begin();
    await signIn.finish(back());
    vi.setSystemTime(Date.now() + 880_000);
    vi.stubGlobal("fetch", () => Promise.resolve(Response.json({ error: "invalid_grant" }, { status: 400 })));
    expect(await signIn.token()).toBeNull();
    expect(store.tokens()).toBeNull();
  });

  it("leaves nothing behind in the browser when it is ended", async () => {
    const { signIn, back } = await begin();
    await signIn.finish(back());
    const page = await signIn.end();
    expect(page.href).toContain("https://sign-in.example/logout?client_id=client");
    expect(asked.at(-1)?.get("token")).toBe("refresh");
    expect(sessionStorage).toHaveLength(0);
  });
});
