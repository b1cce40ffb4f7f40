import { describe, expect, it } from "vitest";
import { filtered, groups, type Entry, type Report } from "../src/runs/report";

const entry = (code: string, severity: Entry["severity"], line: number): Entry => ({
  code,
  severity,
  line,
  file: "users.csv",
  column: "email",
  message: `Line ${line} is wrong.`,
  mend: "Mend it.",
});

const report: Report = {
  accepted: false,
  format: "oneroster-1.1",
  summary: "",
  entries: [
    entry("email-odd", "warning", 2),
    entry("name-missing", "error", 3),
    entry("name-missing", "error", 9),
  ],
  totals: [
    { code: "email-odd", severity: "warning", file: "users.csv", count: 1 },
    { code: "name-missing", severity: "error", file: "users.csv", count: 1500 },
    { code: "name-missing", severity: "error", file: "orgs.csv", count: 2 },
  ],
  skipped: [],
  unchanged: false,
};

describe("the findings", () => {
  it("are grouped by code, errors first, and counted beyond what is listed", () => {
    expect(groups(report).map(({ code, listed, total }) => [code, listed, total])).toEqual([
      ["name-missing", 2, 1502],
      ["email-odd", 1, 1],
    ]);
  });

  it("are filtered by severity and by each part of an entry", () => {
    const all = groups(report);
    expect(filtered(all, { text: "", severity: "warning" }).map(({ code }) => code)).toEqual(["email-odd"]);
    expect(filtered(all, { text: "LINE 9", severity: "all" })).toMatchObject([
      { listed: 2, entries: [{ line: 9 }] },
    ]);
    expect(filtered(all, { text: "users.csv", severity: "all" })).toHaveLength(2);
    expect(filtered(all, { text: "nothing like it", severity: "all" })).toEqual([]);
  });
});
