import Alert, { type AlertProps } from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { answered, type Schemas } from "../api/client";
import { useChange, useNeighbours, useReport, useRun } from "../api/queries";
import { Dialog } from "../components/Dialog";
import { Link } from "../components/Link";
import { Page } from "../components/Page";
import { ReportView } from "../components/ReportView";
import { RunStatusText } from "../components/RunStatusText";
import { Loaded } from "../components/states";
import { bytes, duration, moment } from "../format";
import { isFinal, whoMustAct } from "../runs/status";
import { useService } from "../session/service";
import { texts } from "../texts";
import { DownloadErrors, Downloads } from "./run/Downloads";
import { Changes, Held } from "./run/Held";
import { StepDetails, Steps } from "./run/Steps";
import { Trends } from "./run/Trends";

type RunView = Schemas["RunView"];

const { run: words } = texts;
const KINDS: Partial<Record<RunView["status"], AlertProps.Type>> = {
  succeeded: "success",
  rejected: "error",
  failed: "error",
};

/** One run: what happened, what to do, and all that is kept of it. */
export default function Run() {
  const { id = "" } = useParams();
  const run = useRun(id);
  return (
    <Loaded query={run} page={texts.history.run}>
      {(one) => (
        <Page
          title={one.file_name}
          above={{ text: texts.history.title, href: `/runs?project=${one.project_id}` }}
          actions={<Actions key={one.id} run={one} />}
        >
          <SpaceBetween size="l" key={one.id}>
            {one.status === "held" && <Held run={one} />}
            <Summary run={one} />
            <Steps run={one} />
            <Changes run={one} />
            <Report run={one} />
            <Trends run={one} />
            <StepDetails run={one} />
          </SpaceBetween>
        </Page>
      )}
    </Loaded>
  );
}

function Actions({ run }: { run: RunView }) {
  const { api, organizationId } = useService();
  const navigate = useNavigate();
  const neighbours = useNeighbours(run.id).data;
  const [asking, setAsking] = useState(false);
  const [repeatable] = useState(() => crypto.randomUUID());
  const params = {
    path: { organization_id: organizationId, run_id: run.id },
    header: { "Idempotency-Key": repeatable },
  };
  const rerun = useChange(
    () => answered(api.POST("/v1/organizations/{organization_id}/runs/{run_id}/rerun", { params })),
    (made) => void navigate(`/runs/${made.id}`),
  );
  const go = (to: string | null | undefined) => to && void navigate(`/runs/${to}`);
  return (
    <SpaceBetween size="xs" direction="horizontal">
      <Button onClick={() => void navigate(`/runs?project=${run.project_id}`)}>{words.back}</Button>
      <Button disabled={!neighbours?.previous} onClick={() => go(neighbours?.previous)}>
        {words.older}
      </Button>
      <Button disabled={!neighbours?.next} onClick={() => go(neighbours?.next)}>
        {words.newer}
      </Button>
      <Button disabled={!isFinal(run.status)} onClick={() => setAsking(true)}>
        {words.rerun}
      </Button>
      {asking && (
        <Dialog
          title={words.rerun}
          action={words.rerun}
          onAction={() => rerun.mutate(undefined)}
          onClose={() => setAsking(false)}
          busy={rerun.isPending}
          error={rerun.error}
        >
          {words.rerunText}
        </Dialog>
      )}
    </SpaceBetween>
  );
}

function Summary({ run }: { run: RunView }) {
  return (
    <Container
      header={
        <Header variant="h2" actions={<Downloads run={run} />}>
          {texts.history.happened}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {run.summary && run.status !== "held" && (
          <Alert type={KINDS[run.status] ?? "info"}>{run.summary}</Alert>
        )}
        <KeyValuePairs
          columns={4}
          items={[
            { label: texts.history.status, value: <RunStatusText status={run.status} /> },
            { label: texts.history.who, value: whoMustAct(run.status, run.error) },
            { label: texts.history.flow, value: <Link href={`/flows/${run.flow_id}`}>{run.flow_name}</Link> },
            { label: texts.history.received, value: moment(run.received_at) },
            { label: words.ended, value: moment(run.ended_at) },
            { label: words.took, value: duration(run.received_at, run.ended_at) },
            { label: words.bytes, value: bytes(run.file_bytes) },
            { label: words.expires, value: moment(run.expires_at) },
            {
              label: words.deliveredTo,
              value: <span className="long">{run.delivered_to ?? texts.empty}</span>,
            },
            ...(run.rerun_of
              ? [
                  {
                    label: words.rerunOf,
                    value: <Link href={`/runs/${run.rerun_of}`}>{run.rerun_of.slice(0, 12)}</Link>,
                  },
                ]
              : []),
            ...(run.hold?.decision
              ? [
                  {
                    label: words.decision,
                    value: words.decidedBecause(words.decided[run.hold.decision], run.hold.reason),
                  },
                ]
              : []),
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}

function Report({ run }: { run: RunView }) {
  const there = "report" in run.links;
  const report = useReport(run.id, there);
  if (!there) return null;
  return (
    <Loaded query={report}>
      {(found) => <ReportView report={found} actions={<DownloadErrors run={run} />} />}
    </Loaded>
  );
}
