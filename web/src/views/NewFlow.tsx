import Wizard from "@cloudscape-design/components/wizard";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { answered, ifMatch, type Schemas } from "../api/client";
import { useChange, useProjects, useTemplates } from "../api/queries";
import { Page } from "../components/Page";
import { Loaded, ProblemAlert } from "../components/states";
import { useService } from "../session/service";
import { texts } from "../texts";
import { Configure } from "./newFlow/Configure";
import { Connect } from "./newFlow/Connect";
import { Finish } from "./newFlow/Finish";
import { Needs } from "./newFlow/Needs";
import { SaveData } from "./newFlow/SaveData";
import { draftOf, errorsOf, type Draft } from "./newFlow/draft";
import Missing from "./Missing";

const { wizard } = texts;
const [CONNECT, CONFIGURE, FINISH] = [1, 2, 3];

/** From a template to a flow that is on, in four steps. */
export default function NewFlow() {
  const { template: id } = useParams();
  const templates = useTemplates();
  const projects = useProjects();
  return (
    <Loaded query={templates} page={texts.flows.create}>
      {({ items }) => {
        const template = items.find((one) => one.id === id);
        if (!template) return <Missing />;
        return (
          <Loaded query={projects} page={texts.flows.create}>
            {(known) => <Steps template={template} projects={known.items} />}
          </Loaded>
        );
      }}
    </Loaded>
  );
}

function Steps({
  template,
  projects,
}: {
  template: Schemas["TemplateView"];
  projects: Schemas["ProjectView"][];
}) {
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [draft, setDraft] = useState<Draft>(() => draftOf(template, projects));
  const [checked, setChecked] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const change = (changes: Partial<Draft>) => setDraft((known) => ({ ...known, ...changes }));
  const save = useSave(draft, change);
  const errors = checked ? errorsOf(draft) : {};

  const go = (to: number) => {
    const found = errorsOf(draft);
    const stays =
      (to > CONNECT && (found.fileAccount ?? found.asmAccount)) ||
      (to > CONFIGURE && (found.name ?? found.project));
    setChecked(Boolean(stays));
    if (stays) return;
    if (to < FINISH) setStep(to);
    else save.mutate(undefined, { onSuccess: () => setStep(FINISH) });
  };

  return (
    <Page bare title={wizard.title(template.name)} above={{ text: texts.templates.title, href: "/" }}>
      <Wizard
        activeStepIndex={step}
        onNavigate={({ detail }) => go(detail.requestedStepIndex)}
        onCancel={() => void navigate("/")}
        onSubmit={() => setLeaving(true)}
        isLoadingNextStep={save.isPending}
        submitButtonText={wizard.toProject}
        i18nStrings={{
          stepNumberLabel: wizard.stepNumber,
          collapsedStepsLabel: wizard.collapsed,
          navigationAriaLabel: wizard.navigation,
          cancelButton: texts.cancel,
          previousButton: wizard.previous,
          nextButton: wizard.next,
        }}
        steps={[
          { title: wizard.need, description: wizard.needLead, content: <Needs template={template} /> },
          {
            title: wizard.connect,
            description: wizard.connectLead,
            content: <Connect draft={draft} errors={errors} onChange={change} />,
          },
          {
            title: wizard.configure,
            description: wizard.configureLead,
            content: (
              <>
                <Configure
                  draft={draft}
                  errors={errors}
                  projects={projects}
                  defaults={template.options}
                  onChange={change}
                />
                {save.error && <ProblemAlert error={save.error} />}
              </>
            ),
          },
          { title: wizard.finish, description: wizard.finishLead, content: <Finish draft={draft} /> },
        ]}
      />
      {leaving && draft.saved && (
        <SaveData
          projectId={draft.saved.project_id}
          onDone={() => void navigate(`/flows/${draft.saved?.id ?? ""}`)}
        />
      )}
    </Page>
  );
}

/** Make the flow, and its project if that is new; once it is there, later changes are made to it. */
function useSave(draft: Draft, change: (changes: Partial<Draft>) => void) {
  const { api, organizationId } = useService();
  const path = { organization_id: organizationId };
  const header = { "Idempotency-Key": draft.key };
  return useChange(async () => {
    const { name, options, saved } = draft;
    if (saved) {
      const params = { path: { ...path, flow_id: saved.id }, header: ifMatch(saved) };
      const body = { name, options };
      const flow = await answered(
        api.PATCH("/v1/organizations/{organization_id}/flows/{flow_id}", { params, body }),
      );
      change({ saved: flow });
      return;
    }
    let { projectId } = draft;
    if (!projectId) {
      const body = { name: draft.newProject, save_data: false };
      const params = { path, header: { "Idempotency-Key": `${draft.key}-project` } };
      projectId = (await answered(api.POST("/v1/organizations/{organization_id}/projects", { params, body })))
        .id;
      change({ projectId }); // made once, also if the flow is refused
    }
    const created = await answered(
      api.POST("/v1/organizations/{organization_id}/flows", {
        params: { path, header },
        body: {
          name,
          options,
          project_id: projectId,
          template: draft.template,
          file_account: draft.fileAccount?.id ?? "",
          asm_account: draft.asmAccount?.id ?? "",
          enabled: true,
          time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        } as Schemas["NewFlow"], // the guard's rules are the service's own
      }),
    );
    change({ saved: created.flow, projectId });
  });
}
