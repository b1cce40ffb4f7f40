import type { Schemas } from "../../api/client";
import type { NewAccount } from "../../components/FileAccountDialog";
import type { Options } from "../../runs/options";
import { texts } from "../../texts";

/** What the wizard knows so far; ``saved`` is the flow, once it is made. */
export interface Draft {
  /** By it the service knows a repetition of the same request. */
  key: string;
  template: Schemas["FlowView"]["template"];
  name: string;
  options: Options;
  /** Null for a new one. */
  projectId: string | null;
  newProject: string;
  fileAccount: Schemas["FileAccountView"] | NewAccount | null;
  asmAccount: Schemas["AsmAccountView"] | null;
  saved: Schemas["FlowView"] | null;
}

export interface Errors {
  fileAccount?: string;
  asmAccount?: string;
  name?: string;
  project?: string;
}

/** Return what the wizard begins with: the template's options, and the project if there is only one. */
export const draftOf = (template: Schemas["TemplateView"], projects: Schemas["ProjectView"][]): Draft => ({
  key: crypto.randomUUID(),
  template: template.id,
  name: texts.wizard.flowNames[template.id],
  options: template.options,
  projectId: projects[0]?.id ?? null,
  newProject: texts.wizard.projectDefault,
  fileAccount: null,
  asmAccount: null,
  saved: null,
});

/** Return what is missing yet. */
export function errorsOf({ fileAccount, asmAccount, name, projectId, newProject }: Draft): Errors {
  return {
    ...(fileAccount ? {} : { fileAccount: texts.wizard.needFileAccount }),
    ...(asmAccount ? {} : { asmAccount: texts.wizard.needAsmAccount }),
    ...(name.trim() ? {} : { name: texts.wizard.needName }),
    ...(projectId || newProject.trim() ? {} : { project: texts.wizard.needName }),
  };
}
