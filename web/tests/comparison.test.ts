import { describe, expect, it } from "vitest";
import { changesOf, consequences, isComparison } from "../src/runs/comparison";
import { points, trends } from "../src/runs/trends";
import type { Schemas } from "../src/api/client";

const counts = {
  students_added: 0,
  students_removed: 31,
  students_changed: 5,
  classes_added: 2,
  classes_removed: 1,
  classes_changed: 0,
};

describe("a comparison", () => {
  it("speaks of each file in Apple's terms, the harm first", () => {
    expect(changesOf(counts).map(consequences)).toEqual([
      ["31 students would be deactivated", "5 students changed"],
      ["1 class removed with its Schoolwork progress", "2 new classes"],
    ]);
  });

  it("is none for the first upload, which only adds", () => {
    expect(isComparison({ students_added: 120, bytes: 7 })).toBe(false);
    expect(isComparison(counts)).toBe(true);
  });
});

describe("trends", () => {
  type Line = Schemas["RunSummaryView"];
  const run = (status: Line["status"], rows: Line["rows"] = null) => ({ status, rows }) as Line;

  it("go from the oldest to the newest run that was sent", () => {
    const runs = [
      run("rejected"),
      run("succeeded", { "students.csv": 12 }),
      run("succeeded", { "students.csv": 10 }),
    ];
    expect(trends(runs)).toEqual([{ file: "students.csv", rows: [10, 12] }]);
  });

  it("are drawn from the least to the most, and small changes small", () => {
    expect(points([0, 5, 10], 100, 20)).toBe("0.0,20.0 50.0,10.0 100.0,0.0");
    expect(points([99, 100], 100, 20)).toBe("0.0,2.0 100.0,0.0");
    expect(points([0], 100, 20)).toBe("0.0,20.0");
  });
});
