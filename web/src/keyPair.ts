/** A key pair of OpenSSH: the line for the service, and the file for its owner. */
export interface KeyPair {
  publicKey: string;
  privateKey: string;
}

const KIND = "ssh-ed25519";
const BLOCK = 8; // the private half is filled up to a multiple of this
const LINE = 70;
const SECRET_BYTES = 32;

const text = (value: string) => new TextEncoder().encode(value);
const base64 = (value: Uint8Array) => btoa(String.fromCharCode(...value));

function join(...chunks: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function number(value: number): Uint8Array {
  const written = new Uint8Array(4);
  new DataView(written.buffer).setUint32(0, value);
  return written;
}

/** Return a string of SSH's: its length, then itself. */
const string = (value: Uint8Array | string) => {
  const content = typeof value === "string" ? text(value) : value;
  return join(number(content.length), content);
};

/** Make an Ed25519 key pair here, in the browser; throws where the browser knows no such keys. */
export async function makeKeyPair(): Promise<KeyPair> {
  const made = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const open = new Uint8Array(await crypto.subtle.exportKey("raw", made.publicKey));
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", made.privateKey));
  const secret = pkcs8.slice(-SECRET_BYTES); // RFC 8410: it is the last of the structure
  const blob = join(string(KIND), string(open));
  return { publicKey: `${KIND} ${base64(blob)}`, privateKey: privateFile(blob, join(secret, open)) };
}

/** Return a private key as OpenSSH keeps it (PROTOCOL.key), without a passphrase. */
function privateFile(blob: Uint8Array, secret: Uint8Array): string {
  const check = crypto.getRandomValues(new Uint8Array(4));
  const content = join(check, check, blob, string(secret), string(""));
  const filling = Uint8Array.from({ length: -content.length & (BLOCK - 1) }, (_, index) => index + 1);
  const whole = join(
    text("openssh-key-v1\0"),
    ...["none", "none", ""].map(string),
    number(1),
    string(blob),
    string(join(content, filling)),
  );
  const lines = base64(whole).match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
}
