import { describe, expect, it } from "vitest";
import { isPrivateKey, keyError } from "../src/components/KeyField";
import { bytes, duration, fingerprint, parts } from "../src/format";
import { guardErrors, guardRules, guardText, spansOf } from "../src/runs/guard";
import { makeKeyPair } from "../src/keyPair";
import { fromChoice, toChoice } from "../src/runs/options";

describe("a pasted key", () => {
  it("that is private is refused before it is sent anywhere", () => {
    expect(isPrivateKey("-----BEGIN OPENSSH PRIVATE KEY-----")).toBe(true);
    expect(isPrivateKey("PuTTY-User-Key-File-3: ssh-ed25519")).toBe(true);
    expect(keyError("ssh-ed25519 AAAA somebody@example")).toBeUndefined();
    expect(keyError(" ")).toBeDefined();
  });

  it("may be made here, with a private half that holds it", async () => {
    const { publicKey, privateKey } = await makeKeyPair();
    const [, blob = ""] = publicKey.split(" ");
    const kept = atob(privateKey.replace(/-----.*-----|\n/g, ""));

    expect(keyError(publicKey)).toBeUndefined();
    expect(isPrivateKey(privateKey)).toBe(true);
    expect(kept.startsWith("openssh-key-v1\0")).toBe(true);
    expect(kept.split(atob(blob))).toHaveLength(3); // in the clear, and beside the secret
    expect((await makeKeyPair()).publicKey).not.toBe(publicKey);
  });

  it("has the fingerprint that clients show", async () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFZNBvXaLWjGN0PbwcBbftKqfc9l1b7ya0PPkrz98KFF";
    expect(await fingerprint(key)).toMatch(/^ED25519 SHA256:[A-Za-z0-9+/]{43}$/);
  });
});

describe("the guard's rules", () => {
  const rules = {
    removed_share: 0.1,
    changed_share: 0.75,
    least_rows: 20,
    additions_only: [],
    blackouts: [{ first: "2026-12-21", last: "2027-01-08" }],
  };

  it("come back as they were", () => {
    expect(guardErrors(guardText(rules))).toEqual({});
    expect(guardRules(guardText(rules))).toEqual(rules);
  });

  it("take a day alone, and refuse what is no span", () => {
    expect(spansOf("2026-10-01\n\n2026-12-21..2027-01-08")).toHaveLength(2);
    expect(spansOf("2027-01-08..2026-12-21")).toBeNull();
    expect(spansOf("Christmas")).toBeNull();
    expect(
      Object.keys(guardErrors({ removed: "", changed: "101", rows: "0", additionsOnly: "x", blackouts: "" })),
    ).toEqual(["removed", "changed", "rows", "additionsOnly"]);
  });
});

it("knows each choice of the option that has three", () => {
  for (const value of [null, true, false]) expect(fromChoice("repair", toChoice(value))).toBe(value);
  expect(fromChoice("profile", toChoice("strict"))).toBe("strict");
});

it("writes sizes, times and lists as a person reads them", () => {
  expect(bytes(999)).toBe("999 bytes");
  expect(bytes(7233)).toBe("7.2 kB");
  expect(duration("2026-11-29T12:00:00Z", "2026-11-29T12:03:05Z")).toBe("3 min 5 s");
  expect(parts(" 09, 10\n11,,")).toEqual(["09", "10", "11"]);
});
