import SpaceBetween from "@cloudscape-design/components/space-between";
import { Page } from "../components/Page";
import { Notice } from "../components/states";
import { useService } from "../session/service";
import { texts } from "../texts";
import { Notifications } from "./settings/Notifications";
import { Organizations } from "./settings/Organizations";
import { Projects } from "./settings/Projects";
import { Users } from "./settings/Users";

/** What holds for the whole organization; operators also see the organizations. */
export default function Settings() {
  const { me, organizationId } = useService();
  return (
    <Page title={texts.settings.title}>
      <SpaceBetween size="l">
        {!organizationId && (
          <Notice title={texts.session.noOrganization} text={texts.session.noOrganizationDetail} />
        )}
        {organizationId && <Projects />}
        {organizationId && <Notifications />}
        {organizationId && <Users />}
        {me.role === "operator" && <Organizations />}
      </SpaceBetween>
    </Page>
  );
}
