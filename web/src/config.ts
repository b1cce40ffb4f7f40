/** What a deployment tells its pages: the static files are the same for all of them. */
export interface Config {
  /** The API's address, without a slash at its end. */
  api: string;
  /** Cognito's hosted sign-in page, such as https://PREFIX.auth.REGION.amazoncognito.com. */
  sign_in: string;
  region: string;
  user_pool_id: string;
  client_id: string;
}

const KEYS = ["api", "sign_in", "region", "user_pool_id", "client_id"] as const;

/** Read /config.json; throws where a deployment has none, or one that lacks something. */
export async function loadConfig(): Promise<Config> {
  const answer = await fetch("/config.json", { cache: "no-cache" });
  const found = (await answer.json()) as Partial<Config>;
  const missing = KEYS.filter((key) => !found[key]);
  if (missing.length) throw new Error(`config.json lacks ${missing.join(", ")}`);
  const config = found as Config;
  return { ...config, api: config.api.replace(/\/$/, ""), sign_in: config.sign_in.replace(/\/$/, "") };
}
