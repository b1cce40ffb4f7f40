import type { Schemas } from "../api/client";

/** How many rows of a file Apple got, from the oldest run to the newest. */
export interface Trend {
  file: string;
  rows: number[];
}

/** Return a trend for each file of the runs that were sent; ``runs`` are newest first, as the history lists them. */
export function trends(runs: Schemas["RunSummaryView"][]): Trend[] {
  const sent = runs.filter((run) => run.status === "succeeded" && run.rows).reverse();
  const files = [...new Set(sent.flatMap((run) => Object.keys(run.rows ?? {})))];
  return files.map((file) => ({ file, rows: sent.map((run) => run.rows?.[file] ?? 0) }));
}

/** Return the points of a line through the rows, in a box of that size; a tenth of the most fills it at least. */
export function points(rows: number[], width: number, height: number): string {
  const most = Math.max(...rows, 1);
  const least = Math.min(...rows, most * 0.9);
  const step = rows.length > 1 ? width / (rows.length - 1) : 0;
  const up = (count: number) => height - ((count - least) / (most - least)) * height;
  return rows.map((count, index) => `${(index * step).toFixed(1)},${up(count).toFixed(1)}`).join(" ");
}
