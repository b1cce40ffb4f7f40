import * as oauth from "oauth4webapi";
import type { Config } from "../config";
import { store, type Tokens } from "./store";

const EARLY = 60_000; // a token is renewed before it ends, since an answer takes its time too

/** The sign-in by authorization code with PKCE at Cognito's page, and the tokens that it gives. */
export class SignIn {
  private readonly server: oauth.AuthorizationServer;
  private readonly client: oauth.Client;
  private renewing: Promise<string | null> | null = null;

  constructor(
    private readonly config: Config,
    private readonly origin = window.location.origin,
  ) {
    const { sign_in: page, region, user_pool_id: pool } = config;
    this.server = {
      issuer: `https://cognito-idp.${region}.amazonaws.com/${pool}`,
      authorization_endpoint: `${page}/oauth2/authorize`,
      token_endpoint: `${page}/oauth2/token`,
      revocation_endpoint: `${page}/oauth2/revoke`,
    };
    this.client = { client_id: config.client_id };
  }

  /** Return the page to which the browser must go; ``path`` is where the user comes back to. */
  async begin(path: string): Promise<URL> {
    const [verifier, state, nonce] = [
      oauth.generateRandomCodeVerifier(),
      oauth.generateRandomState(),
      oauth.generateRandomNonce(),
    ];
    store.keepAttempt({ verifier, state, nonce, path });
    const page = new URL(this.server.authorization_endpoint ?? "");
    page.search = new URLSearchParams({
      response_type: "code",
      client_id: this.client.client_id,
      redirect_uri: this.callback,
      scope: "openid email",
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).toString();
    return page;
  }

  /** Take the answer that the sign-in page sent the browser back with; return where the user wanted to go. */
  async finish(address: URL): Promise<string> {
    const attempt = store.attempt();
    store.forgetAttempt(); // an attempt counts once
    if (!attempt) throw new Error("nobody began to sign in here");
    const answer = oauth.validateAuthResponse(this.server, this.client, address, attempt.state);
    const response = await oauth.authorizationCodeGrantRequest(
      this.server,
      this.client,
      oauth.None(),
      answer,
      this.callback,
      attempt.verifier,
      this.options,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(this.server, this.client, response, {
      expectedNonce: attempt.nonce,
      requireIdToken: true,
    });
    this.keep(tokens, null);
    return attempt.path;
  }

  /** Return a token that is good for a while yet, or null where the user has to sign in again. */
  async token(): Promise<string | null> {
    const tokens = store.tokens();
    if (!tokens) return null;
    if (Date.now() < tokens.expiresAt - EARLY) return tokens.idToken;
    this.renewing ??= this.renew(tokens).finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  /** Forget the session here and at Cognito, and return the page at which it ends. */
  async end(): Promise<URL> {
    const token = store.tokens()?.refreshToken;
    store.forget();
    if (token)
      await oauth
        .revocationRequest(this.server, this.client, oauth.None(), token, this.options)
        .catch(() => null);
    const page = new URL(`${this.config.sign_in}/logout`);
    page.search = new URLSearchParams({
      client_id: this.client.client_id,
      logout_uri: this.callback,
    }).toString();
    return page;
  }

  private get callback(): string {
    return `${this.origin}/`;
  }

  private get options() {
    // a local deployment listens on loopback, without TLS
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is only marked so that it stands out
    return { [oauth.allowInsecureRequests]: new URL(this.config.sign_in).hostname === "127.0.0.1" };
  }

  private async renew({ refreshToken }: Tokens): Promise<string | null> {
    if (!refreshToken) return null;
    try {
      const { server, client } = this;
      const response = await oauth.refreshTokenGrantRequest(
        server,
        client,
        oauth.None(),
        refreshToken,
        this.options,
      );
      return this.keep(await oauth.processRefreshTokenResponse(server, client, response), refreshToken);
    } catch (error) {
      if (!(error instanceof oauth.ResponseBodyError)) throw error; // no answer: the session may still be good
      store.forget();
      return null;
    }
  }

  private keep(answer: oauth.TokenEndpointResponse, refreshToken: string | null): string {
    const idToken = answer.id_token ?? "";
    const expiresAt = Date.now() + (answer.expires_in ?? 0) * 1000;
    store.keepTokens({ idToken, refreshToken: answer.refresh_token ?? refreshToken, expiresAt });
    return idToken;
  }
}
