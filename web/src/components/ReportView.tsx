import BarChart from "@cloudscape-design/components/bar-chart";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { type ReactNode, useMemo, useState } from "react";
import { type Entry, type Filter, filtered, type Group, groups, type Report } from "../runs/report";
import { texts } from "../texts";
import { Empty } from "./states";

const { run: words } = texts;
const SHOWN = 20;
const BARS = [
  { kind: "sent", title: words.rowsSent, color: "light-dark(#3759ce, #8ea9ff)" },
  { kind: "left_out", title: words.rowsLeftOut, color: "light-dark(#8c8c94, #a4a4ad)" },
  { kind: "dropped", title: words.rowsDropped, color: "light-dark(#ba2e0f, #fe6e73)" },
] as const;
const SEVERITIES = ["all", "error", "warning"] as const;

/** What a check found: rows per file, and the findings by code with where they are and how to mend them. */
export function ReportView({ report, actions }: { report: Report; actions?: ReactNode }) {
  return (
    <SpaceBetween size="l">
      {Object.keys(report.counts ?? {}).length > 0 && <Rows report={report} />}
      <Findings report={report} actions={actions} />
    </SpaceBetween>
  );
}

function Rows({ report }: { report: Report }) {
  const counts = Object.entries(report.counts ?? {});
  const named = (file: string) => file.replace(".csv", "");
  return (
    <Container header={<Header variant="h2">{words.rows}</Header>}>
      <BarChart
        ariaLabel={words.rows}
        height={Math.max(90, counts.length * 34)}
        horizontalBars
        stackedBars
        hideFilter
        xScaleType="categorical"
        xDomain={counts.map(([file]) => named(file))}
        yTickFormatter={(rows: number) => rows.toLocaleString()}
        series={BARS.map(({ kind, title, color }) => ({
          type: "bar",
          title,
          color,
          data: counts.map(([file, count]) => ({ x: named(file), y: count[kind] })),
          valueFormatter: (rows: number) => rows.toLocaleString(),
        }))}
      />
    </Container>
  );
}

function Findings({ report, actions }: { report: Report; actions: ReactNode }) {
  const [filter, setFilter] = useState<Filter>({ text: "", severity: "all" });
  const all = useMemo(() => groups(report), [report]);
  const shown = filtered(all, filter);
  const total = all.reduce((sum, group) => sum + group.total, 0);
  const listed = shown.reduce((sum, group) => sum + group.entries.length, 0);
  const heading = (
    <Header
      variant="h2"
      description={total > 0 && words.findingsOf(listed, total)}
      actions={total > 0 && actions}
    >
      {words.findings}
    </Header>
  );
  if (all.length === 0)
    return (
      <Container header={heading}>
        <StatusIndicator>{words.reportClean}</StatusIndicator>
      </Container>
    );
  return (
    <section>
      <Container header={heading}>
        <Grid gridDefinition={[{ colspan: { default: 12, s: 7 } }, { colspan: { default: 12, s: 5 } }]}>
          <Input
            type="search"
            value={filter.text}
            placeholder={words.filterFindings}
            ariaLabel={words.filterFindings}
            onChange={({ detail }) => setFilter({ ...filter, text: detail.value })}
          />
          <SegmentedControl
            label={words.severity}
            selectedId={filter.severity}
            options={SEVERITIES.map((id) => ({ id, text: words.severities[id] }))}
            onChange={({ detail }) =>
              setFilter({ ...filter, severity: detail.selectedId as Filter["severity"] })
            }
          />
        </Grid>
      </Container>
      {shown.length === 0 && <Empty title={words.noFindings} />}
      {shown.map((group, index) => (
        <GroupOfFindings key={`${group.severity} ${group.code}`} group={group} open={index === 0} />
      ))}
    </section>
  );
}

function GroupOfFindings({ group, open }: { group: Group; open: boolean }) {
  const [most, setMost] = useState(SHOWN);
  const rest = group.total - group.listed;
  const differ = group.entries.some((entry) => entry.mend !== group.mend);
  return (
    <ExpandableSection
      variant="stacked"
      defaultExpanded={open}
      headingTagOverride="h3"
      headerText={group.code}
      headerCounter={`(${group.total.toLocaleString()})`}
      headerInfo={
        <StatusIndicator type={group.severity === "error" ? "error" : "warning"}>
          {words.severityOne[group.severity]}
        </StatusIndicator>
      }
      headerDescription={group.mend}
    >
      <SpaceBetween size="xs">
        <Table
          variant="embedded"
          items={group.entries.slice(0, most)}
          wrapLines
          ariaLabels={{ tableLabel: group.code }}
          columnDefinitions={[
            { id: "file", header: words.fileColumn, cell: (entry) => entry.file ?? words.inUpload },
            { id: "line", header: words.line, cell: (entry) => entry.line?.toLocaleString() ?? texts.empty },
            { id: "column", header: words.column, cell: (entry) => entry.column ?? texts.empty },
            { id: "message", header: words.message, cell: (entry) => entry.message, minWidth: 200 },
            ...(differ
              ? [{ id: "mend", header: words.mend, cell: (entry: Entry) => entry.mend, minWidth: 200 }]
              : []),
          ]}
        />
        {group.entries.length > most && <Button onClick={() => setMost(most + SHOWN)}>{texts.more}</Button>}
        {rest > 0 && <Box variant="small">{words.notListed(rest)}</Box>}
      </SpaceBetween>
    </ExpandableSection>
  );
}
