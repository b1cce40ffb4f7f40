import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { changesOf, consequences } from "../runs/comparison";
import { texts } from "../texts";

const { run: words } = texts;

/** What an upload adds, removes and changes in each of Apple's files, and what that means there. */
export function Comparison({ counts }: { counts: Record<string, number> }) {
  const changes = changesOf(counts);
  if (changes.every((one) => consequences(one).length === 0))
    return <StatusIndicator>{words.noChange}</StatusIndicator>;
  return (
    <Table
      variant="embedded"
      items={changes}
      trackBy="file"
      wrapLines
      ariaLabels={{ tableLabel: words.compare }}
      columnDefinitions={[
        { id: "file", header: words.fileColumn, cell: (one) => one.file, isRowHeader: true },
        { id: "removed", header: words.removed, cell: (one) => one.removed.toLocaleString() },
        { id: "changed", header: words.changed, cell: (one) => one.changed.toLocaleString() },
        { id: "added", header: words.added, cell: (one) => one.added.toLocaleString() },
        {
          id: "apple",
          header: words.atApple,
          cell: (one) => consequences(one).map((text) => <div key={text}>{text}</div>),
          minWidth: 200,
        },
      ]}
    />
  );
}
