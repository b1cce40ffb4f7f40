import { answered, ifMatch } from "../../api/client";
import { useChange, useProjects } from "../../api/queries";
import { Dialog } from "../../components/Dialog";
import { useService } from "../../session/service";
import { texts } from "../../texts";

/** Asks whether request and response of each step are to be kept from now on. */
export function SaveData({ projectId, onDone }: { projectId: string; onDone: () => void }) {
  const { api, organizationId } = useService();
  const project = useProjects().data?.items.find((one) => one.id === projectId);
  const start = useChange(async () => {
    if (!project || project.save_data) return;
    const params = {
      path: { organization_id: organizationId, project_id: projectId },
      header: ifMatch(project),
    };
    const body = { save_data: true };
    await answered(api.PATCH("/v1/organizations/{organization_id}/projects/{project_id}", { params, body }));
  }, onDone);
  return (
    <Dialog
      title={texts.wizard.saveData}
      action={texts.wizard.start}
      cancel={texts.wizard.notNow}
      onAction={() => start.mutate(undefined)}
      onClose={onDone}
      busy={start.isPending || !project}
      error={start.error}
    >
      {texts.wizard.saveDataText}
    </Dialog>
  );
}
