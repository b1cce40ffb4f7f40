import type { Schemas } from "../api/client";

export type Report = Schemas["Report"];
export type Entry = Schemas["Entry"];

/** What was found with one code; ``listed`` are in the report, ``total`` counts the rest too. */
export interface Group {
  code: string;
  severity: Entry["severity"];
  mend: string;
  entries: Entry[];
  listed: number;
  total: number;
}

export interface Filter {
  text: string;
  severity: Entry["severity"] | "all";
}

/** Return the findings grouped by code, errors before warnings, in the order in which they were found. */
export function groups(report: Report): Group[] {
  const found = new Map<string, Group>();
  for (const entry of report.entries) {
    const key = `${entry.severity} ${entry.code}`;
    const group = found.get(key) ?? {
      code: entry.code,
      severity: entry.severity,
      mend: entry.mend,
      entries: [],
      listed: 0,
      total: 0,
    };
    group.entries.push(entry);
    found.set(key, group);
  }
  for (const total of report.totals) {
    const group = found.get(`${total.severity} ${total.code}`);
    if (group) group.total += total.count;
  }
  const all = [...found.values()].map((group) => {
    const listed = group.entries.length;
    return { ...group, listed, total: Math.max(group.total, listed) };
  });
  return [
    ...all.filter((one) => one.severity === "error"),
    ...all.filter((one) => one.severity === "warning"),
  ];
}

/** Return the groups with the entries that match, and no group without any. */
export function filtered(all: Group[], { text, severity }: Filter): Group[] {
  const words = text.toLowerCase().trim();
  const matches = (entry: Entry) =>
    [entry.code, entry.file, entry.column, entry.message, entry.mend].some((value) =>
      value?.toLowerCase().includes(words),
    );
  return all
    .filter((group) => severity === "all" || group.severity === severity)
    .map((group) => ({ ...group, entries: words ? group.entries.filter(matches) : group.entries }))
    .filter((group) => group.entries.length > 0);
}
