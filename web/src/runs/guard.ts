import type { Schemas } from "../api/client";
import { texts } from "../texts";

export type GuardRules = Schemas["GuardRules"];
type Window = Schemas["Window"];

const { flows: words } = texts;
const SPAN = /^(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?$/;

/** The guard's rules as a person writes them. */
export interface GuardText {
  removed: string;
  changed: string;
  rows: string;
  additionsOnly: string;
  blackouts: string;
}

/** Return spans as text, one a line. */
const spansText = (windows: Window[] | undefined) =>
  (windows ?? []).map(({ first, last }) => `${first}..${last}`).join("\n");

/** Return the spans of a text, or null where a line is none; a day alone is one. */
export function spansOf(text: string): Window[] | null {
  const lines = text.split("\n").map((line) => line.trim());
  const found = lines.filter(Boolean).map((line) => SPAN.exec(line));
  if (found.some((match) => !match || (match[2] ?? "9") < (match[1] ?? ""))) return null;
  return found.flatMap((match) => (match?.[1] ? [{ first: match[1], last: match[2] ?? match[1] }] : []));
}

export const guardText = (rules: GuardRules): GuardText => ({
  removed: String(Math.round(rules.removed_share * 1000) / 10),
  changed: String(Math.round(rules.changed_share * 1000) / 10),
  rows: String(rules.least_rows),
  additionsOnly: spansText(rules.additions_only),
  blackouts: spansText(rules.blackouts),
});

/** Return what is wrong, by field. */
export function guardErrors(text: GuardText): Partial<Record<keyof GuardText, string>> {
  const share = (value: string) =>
    value.trim() && Number(value) >= 0 && Number(value) <= 100 ? {} : { error: words.shareInvalid };
  const errors = {
    removed: share(text.removed).error,
    changed: share(text.changed).error,
    rows: Number.isInteger(Number(text.rows)) && Number(text.rows) >= 1 ? undefined : words.rowsInvalid,
    additionsOnly: spansOf(text.additionsOnly) ? undefined : words.windowsInvalid,
    blackouts: spansOf(text.blackouts) ? undefined : words.windowsInvalid,
  };
  return Object.fromEntries(Object.entries(errors).filter(([, error]) => error));
}

/** Return the rules of a text without errors. */
export const guardRules = (text: GuardText): GuardRules => ({
  removed_share: Number(text.removed) / 100,
  changed_share: Number(text.changed) / 100,
  least_rows: Number(text.rows),
  additions_only: spansOf(text.additionsOnly) ?? [],
  blackouts: spansOf(text.blackouts) ?? [],
});
