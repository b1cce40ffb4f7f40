import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Schemas } from "../../api/client";
import { texts } from "../../texts";
import { Archives } from "../Templates";

/** The first step: what to have at hand. */
export function Needs({ template }: { template: Schemas["TemplateView"] }) {
  return (
    <SpaceBetween size="l">
      <Container>
        <ul>
          {template.needs.map((need) => (
            <li key={need}>{need}</li>
          ))}
        </ul>
      </Container>
      <Container header={<Header variant="h2">{texts.templates.needs}</Header>}>
        <SpaceBetween size="m">
          <ul>
            {template.files.map((file) => (
              <li key={file}>
                <Box variant="code">{file}</Box>
              </li>
            ))}
          </ul>
          <SpaceBetween size="xxs">
            <b>{texts.templates.headersOnly}</b>
            <Archives template={template.id} />
          </SpaceBetween>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
