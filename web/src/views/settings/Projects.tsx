import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Toggle from "@cloudscape-design/components/toggle";
import { useState } from "react";
import { answered, ifMatch, type Schemas } from "../../api/client";
import { useChange, useProjects } from "../../api/queries";
import { Dialog } from "../../components/Dialog";
import { Empty, Loaded, ProblemAlert } from "../../components/states";
import { ThingTable } from "../../components/ThingTable";
import { moment } from "../../format";
import { useService } from "../../session/service";
import { texts } from "../../texts";

type Project = Schemas["ProjectView"];

const { settings: words } = texts;
const ALL = "/v1/organizations/{organization_id}/projects";

/** The projects, each with the switch that saves request and response data. */
export function Projects() {
  const projects = useProjects();
  const [naming, setNaming] = useState<Project | "new" | null>(null);
  return (
    <Loaded query={projects}>
      {({ items }) => (
        <>
          <ThingTable
            title={words.projects}
            lead={words.projectsLead}
            items={items}
            actions={<Button onClick={() => setNaming("new")}>{words.newProject}</Button>}
            empty={<Empty title={words.noProject} />}
            columns={[
              { id: "name", header: texts.name, cell: (one) => one.name, isRowHeader: true },
              { id: "save", header: words.saveData, cell: (one) => <SaveData project={one} /> },
              { id: "created", header: texts.created, cell: (one) => moment(one.created_at) },
              {
                id: "edit",
                header: texts.actions,
                cell: (one) => (
                  <Button
                    variant="inline-link"
                    ariaLabel={`${texts.edit} ${one.name}`}
                    onClick={() => setNaming(one)}
                  >
                    {texts.edit}
                  </Button>
                ),
              },
            ]}
          />
          {naming && <Name project={naming === "new" ? null : naming} onClose={() => setNaming(null)} />}
        </>
      )}
    </Loaded>
  );
}

function useUpdate(project: Project | null, then?: () => void) {
  const { api, organizationId } = useService();
  const path = { organization_id: organizationId };
  const [repeatable] = useState(() => crypto.randomUUID());
  return useChange((body: { name?: string; save_data?: boolean }) => {
    if (project) {
      const params = { path: { ...path, project_id: project.id }, header: ifMatch(project) };
      return answered(api.PATCH(`${ALL}/{project_id}`, { params, body }));
    }
    const params = { path, header: { "Idempotency-Key": repeatable } };
    return answered(api.POST(ALL, { params, body: { name: body.name ?? "", save_data: false } }));
  }, then);
}

function SaveData({ project }: { project: Project }) {
  const update = useUpdate(project);
  return (
    <>
      <Toggle
        checked={project.save_data}
        disabled={update.isPending}
        ariaLabel={`${words.saveData}: ${project.name}`}
        onChange={({ detail }) => update.mutate({ save_data: detail.checked })}
      >
        {project.save_data ? words.saveDataSince(moment(project.save_data_since)) : texts.off}
      </Toggle>
      {update.error && <ProblemAlert error={update.error} />}
    </>
  );
}

function Name({ project, onClose }: { project: Project | null; onClose: () => void }) {
  const [name, setName] = useState(project?.name ?? "");
  const [checked, setChecked] = useState(false);
  const update = useUpdate(project, onClose);
  const missing = name.trim() ? undefined : texts.wizard.needName;
  return (
    <Dialog
      title={project?.name ?? words.newProject}
      action={project ? texts.save : texts.create}
      onAction={() => {
        setChecked(true);
        if (!missing) update.mutate({ name });
      }}
      onClose={onClose}
      busy={update.isPending}
      error={update.error}
    >
      <FormField label={texts.name} errorText={checked && missing}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus />
      </FormField>
    </Dialog>
  );
}
