import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { answered, ifMatch, type Schemas } from "../../api/client";
import { useChange, useOrganizationView } from "../../api/queries";
import { Loaded, ProblemAlert } from "../../components/states";
import { parts } from "../../format";
import { useService } from "../../session/service";
import { texts } from "../../texts";

const { settings: words } = texts;

/** The addresses that hear of what went wrong. */
export function Notifications() {
  const organization = useOrganizationView();
  return <Loaded query={organization}>{(one) => <Addresses organization={one} />}</Loaded>;
}

function Addresses({ organization }: { organization: Schemas["OrganizationView"] }) {
  const { api } = useService();
  const [text, setText] = useState(organization.notify.join("\n"));
  const params = { path: { organization_id: organization.id }, header: ifMatch(organization) };
  const save = useChange(() =>
    answered(api.PATCH("/v1/organizations/{organization_id}", { params, body: { notify: parts(text) } })),
  );
  return (
    <Container
      header={
        <Header variant="h2" description={words.notificationsLead}>
          {words.notifications}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField label={words.addresses} constraintText={words.addressesHelp}>
          <Textarea
            value={text}
            onChange={({ detail }) => setText(detail.value)}
            rows={3}
            spellcheck={false}
          />
        </FormField>
        {save.error && <ProblemAlert error={save.error} />}
        <SpaceBetween size="s" direction="horizontal" alignItems="center">
          <Button loading={save.isPending} onClick={() => save.mutate(undefined)}>
            {texts.save}
          </Button>
          <span role="status">
            {save.isSuccess && <StatusIndicator>{texts.flows.saved}</StatusIndicator>}
          </span>
        </SpaceBetween>
      </SpaceBetween>
    </Container>
  );
}
