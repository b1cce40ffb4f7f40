import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Table from "@cloudscape-design/components/table";
import type { Schemas } from "../../api/client";
import { useLastRuns } from "../../api/queries";
import { Empty, Loaded } from "../../components/states";
import { points, trends } from "../../runs/trends";
import { texts } from "../../texts";

const { run: words } = texts;
const [WIDTH, HEIGHT] = [180, 28];
const COLOUR = "light-dark(#3759ce, #8ea9ff)";

/** How the rows of each file went over the last runs of the flow. */
export function Trends({ run }: { run: Schemas["RunView"] }) {
  const runs = useLastRuns(run.project_id, run.flow_id);
  return (
    <Container
      header={
        <Header variant="h2" description={words.trendsLead}>
          {words.trends}
        </Header>
      }
    >
      <Loaded query={runs}>
        {({ items }) => (
          <Table
            variant="embedded"
            items={trends(items)}
            trackBy="file"
            wrapLines
            ariaLabels={{ tableLabel: words.trends }}
            empty={<Empty title={words.trendsNone} />}
            columnDefinitions={[
              { id: "file", header: words.fileColumn, cell: (one) => one.file, isRowHeader: true },
              {
                id: "trend",
                header: words.trend,
                cell: (one) => <Sparkline file={one.file} rows={one.rows} />,
              },
              {
                id: "then",
                header: words.then,
                cell: (one) => one.rows.at(-2)?.toLocaleString() ?? texts.empty,
              },
              {
                id: "now",
                header: words.now,
                cell: (one) => one.rows.at(-1)?.toLocaleString() ?? texts.empty,
              },
            ]}
          />
        )}
      </Loaded>
    </Container>
  );
}

function Sparkline({ file, rows }: { file: string; rows: number[] }) {
  const label = words.trendOf(file, rows[0] ?? 0, rows.at(-1) ?? 0, rows.length);
  const line = points(rows, WIDTH, HEIGHT);
  const [x, y] = line.split(" ").at(-1)?.split(",") ?? [];
  return (
    <svg
      role="img"
      aria-label={label}
      className="sparkline"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
    >
      <polyline points={line} fill="none" stroke={COLOUR} strokeWidth={1.5} />
      <circle cx={x} cy={y} r={2.5} fill={COLOUR} />
    </svg>
  );
}
