import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { answered, ifMatch, type Schemas } from "../api/client";
import { useAsmAccounts, useFileAccounts, useFlow, useTemplates } from "../api/queries";
import { Confirm } from "../components/Confirm";
import { Dialog } from "../components/Dialog";
import { Link } from "../components/Link";
import { OnOff } from "../components/OnOff";
import { OptionsForm } from "../components/OptionsForm";
import { Page } from "../components/Page";
import { Loaded } from "../components/states";
import { moment } from "../format";
import { useService } from "../session/service";
import { texts } from "../texts";
import { General } from "./flow/General";
import { Guard } from "./flow/Guard";
import { Saving, useFlowChange } from "./flow/saving";

type FlowView = Schemas["FlowView"];

const { flows: words } = texts;

/** A flow: what it joins, and all that may be set of it. */
export default function Flow() {
  const { id = "" } = useParams();
  const flow = useFlow(id);
  const [dialog, setDialog] = useState<"switch" | "delete" | null>(null);
  return (
    <Loaded query={flow} page={words.one}>
      {(one) => (
        <Page
          title={one.name}
          above={{ text: words.title, href: "/flows" }}
          actions={
            <SpaceBetween size="xs" direction="horizontal">
              <Button onClick={() => setDialog("switch")}>
                {one.enabled ? words.switchOff : words.switchOn}
              </Button>
              <Button onClick={() => setDialog("delete")}>{texts.delete}</Button>
            </SpaceBetween>
          }
        >
          {/* each part keeps what is being written in it until another version is there */}
          <SpaceBetween size="l" key={one.version}>
            <About flow={one} />
            <General flow={one} />
            <Options flow={one} />
            <Guard flow={one} />
          </SpaceBetween>
          {dialog === "switch" && <Switch flow={one} onClose={() => setDialog(null)} />}
          {dialog === "delete" && <Delete flow={one} onClose={() => setDialog(null)} />}
        </Page>
      )}
    </Loaded>
  );
}

function About({ flow }: { flow: FlowView }) {
  const from = useFileAccounts().data?.items.find(({ id }) => id === flow.file_account_id);
  const to = useAsmAccounts().data?.items.find(({ id }) => id === flow.asm_account_id);
  return (
    <Container header={<Header variant="h2">{words.one}</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: words.state, value: <OnOff on={flow.enabled} /> },
          { label: words.template, value: words.kinds[flow.template] },
          {
            label: texts.history.title,
            value: <Link href={`/runs?flow=${flow.id}&project=${flow.project_id}`}>{words.runs}</Link>,
          },
          {
            label: texts.fileAccounts.one,
            value: (
              <Link href={`/file-accounts/${flow.file_account_id}`}>
                {from?.username ?? flow.file_account_id}
              </Link>
            ),
          },
          {
            label: texts.asmAccounts.one,
            value: (
              <Link href={`/asm-accounts/${flow.asm_account_id}`}>{to?.name ?? flow.asm_account_id}</Link>
            ),
          },
          { label: texts.created, value: moment(flow.created_at) },
        ]}
      />
    </Container>
  );
}

function Options({ flow }: { flow: FlowView }) {
  const templates = useTemplates();
  const [options, setOptions] = useState(flow.options);
  const save = useFlowChange(flow);
  const usual = templates.data?.items.find((one) => one.id === flow.template)?.options;
  if (!usual) return null;
  return (
    <ExpandableSection variant="container" headerText={words.options} headerDescription={words.optionsLead}>
      <SpaceBetween size="l">
        <OptionsForm template={flow.template} value={options} defaults={usual} onChange={setOptions} />
        <Saving change={save} onSave={() => save.mutate({ options })} />
      </SpaceBetween>
    </ExpandableSection>
  );
}

function Switch({ flow, onClose }: { flow: FlowView; onClose: () => void }) {
  const change = useFlowChange(flow, onClose);
  const title = flow.enabled ? words.switchOff : words.switchOn;
  return (
    <Dialog
      title={`${title}: ${flow.name}`}
      action={title}
      onAction={() => change.mutate({ enabled: !flow.enabled })}
      onClose={onClose}
      busy={change.isPending}
      error={change.error}
    >
      {flow.enabled && words.switchOffText}
    </Dialog>
  );
}

function Delete({ flow, onClose }: { flow: FlowView; onClose: () => void }) {
  const { api, organizationId } = useService();
  const navigate = useNavigate();
  const params = { path: { organization_id: organizationId, flow_id: flow.id }, header: ifMatch(flow) };
  return (
    <Confirm
      title={`${texts.delete}: ${flow.name}`}
      action={texts.delete}
      run={() => answered(api.DELETE("/v1/organizations/{organization_id}/flows/{flow_id}", { params }))}
      onDone={() => void navigate("/flows")}
      onClose={onClose}
    >
      {words.deleteText}
    </Confirm>
  );
}
