import { atApple, told } from "../texts";

/** What an upload adds, removes and changes in one of Apple's files. */
export interface FileChanges {
  file: string;
  added: number;
  removed: number;
  changed: number;
}

const FILES = ["students", "staff", "courses", "classes", "rosters", "locations"];

/** Return the changes by file from the counts of the guard's step, ``students_removed`` and so on. */
export function changesOf(counts: Record<string, number>): FileChanges[] {
  const count = (file: string, what: string) => counts[`${file}_${what}`] ?? 0;
  return FILES.filter((file) => `${file}_added` in counts).map((file) => ({
    file: `${file}.csv`,
    added: count(file, "added"),
    removed: count(file, "removed"),
    changed: count(file, "changed"),
  }));
}

/** Whether the counts are a comparison at all: the first upload of a flow only adds. */
export const isComparison = (counts: Record<string, number>) =>
  Object.keys(counts).some((key) => key.endsWith("_removed"));

/** Return what the changes mean at Apple's side, the harm first. */
export function consequences({ file, added, removed, changed }: FileChanges): string[] {
  const words = atApple[file.replace(".csv", "")];
  if (!words) return [];
  return [
    ...(removed ? [told(removed, words.removed)] : []),
    ...(changed ? [told(changed, words.changed)] : []),
    ...(added ? [told(added, words.added)] : []),
  ];
}
