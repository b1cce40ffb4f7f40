import { texts } from "./texts";

// Without a zone of ours: each time is shown in the viewer's
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** Return a time in the viewer's zone. */
export const moment = (iso: string | null | undefined, none: string = texts.empty) =>
  iso ? MOMENT.format(new Date(iso)) : none;

/** Return how long something took: ``0.4 s``, ``3 min 5 s``. */
export function duration(from: string, to: string | null): string {
  if (!to) return texts.empty;
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  if (seconds < 60) return `${seconds.toLocaleString(undefined, { maximumFractionDigits: 1 })} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Return a size as a person reads it: ``1.2 MB``. */
export function bytes(count: number): string {
  let unit = 0;
  let size = count;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toLocaleString(undefined, { maximumFractionDigits: unit ? 1 : 0 })} ${UNITS[unit] ?? ""}`;
}

/** Return the lines of a text, or its parts between commas, without blank ones. */
export const parts = (text: string) =>
  text
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter(Boolean);

/** Return the fingerprint of a host key, a line of OpenSSH, as clients show it: ``ED25519 SHA256:…``. */
export async function fingerprint(hostKey: string): Promise<string> {
  const [kind = "", text = ""] = hostKey.split(" ");
  const key = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  return `${kind.replace("ssh-", "").toUpperCase()} SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, "")}`;
}
