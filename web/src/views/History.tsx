import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Schemas } from "../api/client";
import { type RunFilter, useFlows, useProjects, useRuns } from "../api/queries";
import { Link } from "../components/Link";
import { Page } from "../components/Page";
import { RunStatusText } from "../components/RunStatusText";
import { Empty, Loaded, ProblemAlert } from "../components/states";
import { moment } from "../format";
import { type RunStatus, whoMustAct } from "../runs/status";
import { texts } from "../texts";
import { Filters } from "./history/Filters";

const { history: words } = texts;
const DAY = 86_400_000;

/** The runs of a project, live; the filters are part of the address. */
export default function History() {
  const projects = useProjects();
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={projects}>
        {({ items }) =>
          items.length ? <Runs projects={items} /> : <Empty title={words.empty} text={words.emptyDetail} />
        }
      </Loaded>
    </Page>
  );
}

function Runs({ projects }: { projects: Schemas["ProjectView"][] }) {
  const [address, setAddress] = useSearchParams();
  const flows = useFlows();
  const project = projects.find((one) => one.id === address.get("project")) ?? projects[0];
  const filter = useFilter(address);
  const runs = useRuns(project?.id, filter);
  const items = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const set = (name: string, value: string) =>
    setAddress(
      (known) => {
        if (value) known.set(name, value);
        else known.delete(name);
        return known;
      },
      { replace: true },
    );
  const narrowed = Object.keys(filter).length > 0;
  return (
    <SpaceBetween size="m">
      {runs.error && <ProblemAlert error={runs.error} again={() => void runs.refetch()} />}
      <Table
        items={items}
        trackBy="id"
        loading={runs.isPending}
        loadingText={texts.loading}
        wrapLines
        enableKeyboardNavigation
        ariaLabels={{ tableLabel: words.runs }}
        header={<Header counter={`(${items.length}${runs.hasNextPage ? "+" : ""})`}>{words.runs}</Header>}
        filter={
          <Filters
            projects={projects}
            flows={(flows.data?.items ?? []).filter((flow) => flow.project_id === project?.id)}
            project={project?.id ?? ""}
            address={address}
            onChange={set}
          />
        }
        empty={
          narrowed ? (
            <Empty title={words.noMatch}>
              <Button onClick={() => setAddress({}, { replace: true })}>{words.clear}</Button>
            </Empty>
          ) : (
            <Empty title={words.empty} text={words.emptyDetail} />
          )
        }
        columnDefinitions={[
          {
            id: "received",
            header: words.received,
            cell: (run) => <Link href={`/runs/${run.id}`}>{moment(run.received_at)}</Link>,
            isRowHeader: true,
            minWidth: 130,
          },
          {
            id: "status",
            header: words.status,
            cell: (run) => <RunStatusText status={run.status} bar />,
            minWidth: 200,
          },
          {
            id: "happened",
            header: words.happened,
            cell: (run) => run.summary || texts.empty,
            minWidth: 300,
          },
          { id: "who", header: words.who, cell: (run) => whoMustAct(run.status, run.error), minWidth: 150 },
          {
            id: "file",
            header: words.file,
            cell: (run) => (
              <>
                <div className="long">{run.file_name}</div>
                <Box variant="small">{run.flow_name}</Box>
              </>
            ),
            minWidth: 160,
          },
        ]}
        footer={
          runs.hasNextPage && (
            <Button loading={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
              {texts.more}
            </Button>
          )
        }
      />
    </SpaceBetween>
  );
}

/** Return what the address asks for; the beginning of "the last days" stays the same until the filter changes. */
function useFilter(address: URLSearchParams): RunFilter {
  const [flow, status, days] = [address.get("flow"), address.get("status"), address.get("days")];
  // eslint-disable-next-line react-hooks/purity -- a moment of the past is wanted, not the present one
  const since = useMemo(() => days && new Date(Date.now() - Number(days) * DAY).toISOString(), [days]);
  return {
    ...(flow ? { flow_id: flow } : {}),
    ...(status ? { status: status as RunStatus } : {}),
    ...(since ? { since } : {}),
  };
}
