import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FileDropzone from "@cloudscape-design/components/file-dropzone";
import FileInput from "@cloudscape-design/components/file-input";
import FileTokenGroup from "@cloudscape-design/components/file-token-group";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { answered, type Schemas } from "../api/client";
import { useChange, useDryRun, useFlows } from "../api/queries";
import { post } from "../api/upload";
import { Comparison } from "../components/Comparison";
import { Link } from "../components/Link";
import { Page } from "../components/Page";
import { ReportView } from "../components/ReportView";
import { Empty, Loaded, ProblemAlert } from "../components/states";
import { isComparison } from "../runs/comparison";
import { useService } from "../session/service";
import { texts } from "../texts";

const { dryRun: words } = texts;

/** What a ZIP would do, without anything being sent. */
export default function DryRun() {
  const flows = useFlows();
  const [id, setId] = useState<string | null>(null);
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={flows}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={words.emptyFlows}>
              <Link href="/">{texts.flows.create}</Link>
            </Empty>
          ) : id ? (
            <Outcome id={id} onAgain={() => setId(null)} />
          ) : (
            <Drop flows={items} onUploaded={setId} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Drop({ flows, onUploaded }: { flows: Schemas["FlowView"][]; onUploaded: (id: string) => void }) {
  const { api, organizationId } = useService();
  const options = flows.map(({ id, name }) => ({ value: id, label: name }));
  const [flow, setFlow] = useState(options[0] ?? null);
  const [file, setFile] = useState<File | null>(null);
  const [checked, setChecked] = useState(false);
  const [share, setShare] = useState(0);
  const isZip = file?.name.toLowerCase().endsWith(".zip") ?? false;
  const start = useChange(
    async () => {
      if (!file || !flow) return null;
      setShare(0);
      const made = await answered(
        api.POST("/v1/organizations/{organization_id}/dry-runs", {
          params: {
            path: { organization_id: organizationId },
            header: { "Idempotency-Key": crypto.randomUUID() },
          },
          body: { flow_id: flow.value, file_name: file.name, file_bytes: file.size },
        }),
      );
      if (made.upload) await post(made.upload, file, setShare);
      return made.id;
    },
    (id) => id && onUploaded(id),
  );
  const run = () => {
    setChecked(true);
    if (isZip) start.mutate(undefined);
  };
  return (
    <Container>
      <SpaceBetween size="l">
        <FormField label={words.flow} description={words.flowHelp}>
          <Select
            options={options}
            selectedOption={flow}
            onChange={({ detail }) =>
              setFlow(options.find((one) => one.value === detail.selectedOption.value) ?? null)
            }
          />
        </FormField>
        <FormField label={words.file} errorText={(checked || file) && !isZip && words.notZip}>
          <SpaceBetween size="s">
            <FileDropzone onChange={({ detail }) => setFile(detail.value[0] ?? null)}>
              <SpaceBetween size="xs" alignItems="center">
                <span>{words.drop}</span>
                <FileInput
                  accept=".zip"
                  value={file ? [file] : []}
                  ariaLabel={words.choose}
                  onChange={({ detail }) => setFile(detail.value[0] ?? null)}
                >
                  {words.choose}
                </FileInput>
              </SpaceBetween>
            </FileDropzone>
            {file && (
              <FileTokenGroup
                items={[{ file }]}
                showFileSize
                onDismiss={() => setFile(null)}
                i18nStrings={{
                  removeFileAriaLabel: () => words.removeFile,
                  errorIconAriaLabel: words.notZip,
                }}
              />
            )}
          </SpaceBetween>
        </FormField>
        {start.isPending && <ProgressBar value={share * 100} label={words.uploading} />}
        {start.error && <ProblemAlert error={start.error} />}
        <Button variant="primary" loading={start.isPending} onClick={run}>
          {words.start}
        </Button>
      </SpaceBetween>
    </Container>
  );
}

function Outcome({ id, onAgain }: { id: string; onAgain: () => void }) {
  const dryRun = useDryRun(id);
  return (
    <Loaded query={dryRun}>
      {(one) => (
        <SpaceBetween size="l">
          <Verdict dryRun={one} />
          {isComparison(one.counts) && (
            <Container header={<Header variant="h2">{texts.run.compare}</Header>}>
              <Comparison counts={one.counts} />
            </Container>
          )}
          {one.report && <ReportView report={one.report} />}
          <Button onClick={onAgain}>{words.again}</Button>
        </SpaceBetween>
      )}
    </Loaded>
  );
}

function Verdict({ dryRun: { status, verdict, summary } }: { dryRun: Schemas["DryRunView"] }) {
  const kind = { send: "success", hold: "warning", reject: "error" } as const;
  if (status === "failed")
    return (
      <Alert type="error" header={words.failed}>
        {summary || words.failedDetail}
      </Alert>
    );
  if (status !== "done" || !verdict)
    return (
      <span role="status">
        <StatusIndicator type="in-progress">{words.checking}</StatusIndicator>
      </span>
    );
  return (
    <Alert type={kind[verdict]} header={words.verdicts[verdict]}>
      {summary}
    </Alert>
  );
}
