import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { answered, type Schemas } from "../../api/client";
import { useChange } from "../../api/queries";
import { Dialog } from "../../components/Dialog";
import { Empty } from "../../components/states";
import { ThingTable } from "../../components/ThingTable";
import { moment } from "../../format";
import { useService } from "../../session/service";
import { texts } from "../../texts";

const { settings: words } = texts;

/** The organizations of a deployment, which operators alone see. */
export function Organizations() {
  const { organizations } = useService();
  const [creating, setCreating] = useState(false);
  return (
    <>
      <ThingTable
        title={words.organizations}
        lead={words.organizationsLead}
        items={organizations}
        actions={<Button onClick={() => setCreating(true)}>{words.newOrganization}</Button>}
        empty={<Empty title={texts.session.noOrganization} />}
        columns={[
          {
            id: "name",
            header: texts.name,
            cell: (one) => one.name,
            sortingField: "name",
            isRowHeader: true,
          },
          {
            id: "created",
            header: texts.created,
            cell: (one) => moment(one.created_at),
            sortingField: "created_at",
          },
          { id: "use", header: texts.actions, cell: (one) => <Use organization={one} /> },
        ]}
      />
      {creating && <Create onClose={() => setCreating(false)} />}
    </>
  );
}

function Use({ organization: { id, name, erasing_since } }: { organization: Schemas["OrganizationView"] }) {
  const { organizationId, choose } = useService();
  if (erasing_since) return <StatusIndicator type="in-progress">{words.erasing}</StatusIndicator>;
  if (id === organizationId) return <StatusIndicator>{words.inUse}</StatusIndicator>;
  return (
    <Button variant="inline-link" ariaLabel={`${words.use}: ${name}`} onClick={() => choose(id)}>
      {words.use}
    </Button>
  );
}

function Create({ onClose }: { onClose: () => void }) {
  const { api, choose } = useService();
  const [repeatable] = useState(() => crypto.randomUUID());
  const [name, setName] = useState("");
  const [checked, setChecked] = useState(false);
  const create = useChange(
    () =>
      answered(
        api.POST("/v1/organizations", {
          params: { header: { "Idempotency-Key": repeatable } },
          body: { name },
        }),
      ),
    ({ id }) => {
      choose(id);
      onClose();
    },
  );
  const missing = name.trim() ? undefined : texts.wizard.needName;
  return (
    <Dialog
      title={words.newOrganization}
      action={texts.create}
      onAction={() => {
        setChecked(true);
        if (!missing) create.mutate(undefined);
      }}
      onClose={onClose}
      busy={create.isPending}
      error={create.error}
    >
      <FormField label={words.organizationName} errorText={checked && missing}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus />
      </FormField>
    </Dialog>
  );
}
