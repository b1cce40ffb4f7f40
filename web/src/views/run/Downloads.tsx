import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { answered, type Schemas } from "../../api/client";
import { useChange } from "../../api/queries";
import { ProblemAlert } from "../../components/states";
import { useService } from "../../session/service";
import { texts } from "../../texts";

type RunView = Schemas["RunView"];
type FileName = keyof typeof texts.run.files;

const { run: words } = texts;

/** Return what fetches a file of a run: the link is made when it is asked for, since it is good for five minutes. */
function useDownload(run: RunView) {
  const { api, organizationId } = useService();
  return useChange(
    (what: FileName) =>
      answered(
        api.GET("/v1/organizations/{organization_id}/runs/{run_id}/downloads/{what}", {
          params: { path: { organization_id: organizationId, run_id: run.id, what } },
        }),
      ),
    ({ url }) => window.location.assign(url),
  );
}

/** The files that there are of a run. */
export function Downloads({ run }: { run: RunView }) {
  const download = useDownload(run);
  const there = (Object.keys(words.files) as FileName[]).filter((what) => what in run.links);
  if (there.length === 0) return null;
  return (
    <SpaceBetween size="xs">
      <ButtonDropdown
        loading={download.isPending}
        items={there.map((id) => ({ id, text: words.files[id] }))}
        onItemClick={({ detail }) => download.mutate(detail.id as FileName)}
      >
        {words.downloads}
      </ButtonDropdown>
      {download.error && <ProblemAlert error={download.error} />}
    </SpaceBetween>
  );
}

/** The report for a spreadsheet. */
export function DownloadErrors({ run }: { run: RunView }) {
  const download = useDownload(run);
  return (
    <SpaceBetween size="xs">
      <Button iconName="download" loading={download.isPending} onClick={() => download.mutate("errors")}>
        {words.files.errors}
      </Button>
      {download.error && <ProblemAlert error={download.error} />}
    </SpaceBetween>
  );
}
