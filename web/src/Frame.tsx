import AppLayoutToolbar from "@cloudscape-design/components/app-layout-toolbar";
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { lazy, Suspense, useState } from "react";
import { Outlet, useLocation, useNavigate } from "react-router";
import { CrumbsPlace } from "./components/Page";
import { Loading } from "./components/states";
import { useService } from "./session/service";
import { texts } from "./texts";
import { type Appearance, show } from "./theme";

const Settings = lazy(() => import("./views/Settings"));
const { nav, session } = texts;
const ITEMS: SideNavigationProps.Item[] = [
  { type: "link", text: nav.templates, href: "/" },
  { type: "link", text: nav.flows, href: "/flows" },
  { type: "link", text: nav.history, href: "/runs" },
  { type: "link", text: nav.dryRun, href: "/dry-run" },
  { type: "divider" },
  { type: "link", text: nav.fileAccounts, href: "/file-accounts" },
  { type: "link", text: nav.asmAccounts, href: "/asm-accounts" },
  { type: "divider" },
  { type: "link", text: nav.settings, href: "/settings" },
];

/** What stands around each page: the bar at the top, the navigation at the side. */
export function Frame() {
  const { organizationId } = useService();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [open, setOpen] = useState(() => window.innerWidth > 900);
  const [crumbs, setCrumbs] = useState<HTMLElement | null>(null);
  const [, section = ""] = pathname.split("/");
  const follow = (event: CustomEvent<{ href?: string; external?: boolean }>) => {
    event.preventDefault();
    if (event.detail.href) void navigate(event.detail.href);
    if (window.innerWidth <= 900) setOpen(false);
  };
  return (
    <>
      <div id="top">
        <Top />
      </div>
      <AppLayoutToolbar
        headerSelector="#top"
        toolsHide
        breadcrumbs={<div ref={setCrumbs} />}
        navigationOpen={open}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        navigationWidth={220}
        ariaLabels={{ navigation: nav.label, navigationToggle: nav.open, navigationClose: nav.close }}
        navigation={
          <SideNavigation
            activeHref={section === "templates" ? "/" : `/${section}`}
            items={ITEMS}
            onFollow={follow}
          />
        }
        content={
          <CrumbsPlace value={crumbs}>
            <Suspense fallback={<Loading />}>
              {/* without an organization there is nothing but the place to create one */}
              {organizationId ? <Outlet key={organizationId} /> : <Settings />}
            </Suspense>
          </CrumbsPlace>
        }
      />
    </>
  );
}

function Top() {
  const { me, organizations, organizationId, choose, signIn } = useService();
  const navigate = useNavigate();
  const leave = async () => window.location.assign(await signIn.end());
  const chosen = organizations.find((one) => one.id === organizationId);
  const isOperator = me.role === "operator";
  const organization: TopNavigationProps.Utility = {
    type: "menu-dropdown",
    text: chosen?.name ?? session.noOrganization,
    ariaLabel: `${session.organization}: ${chosen?.name ?? session.noOrganization}`,
    items: organizations.map(({ id, name }) => ({ id, text: name })),
    onItemClick: ({ detail }) => {
      choose(detail.id);
      void navigate("/");
    },
  };
  const appearance: TopNavigationProps.Utility = {
    type: "menu-dropdown",
    iconName: "settings",
    ariaLabel: nav.appearance,
    title: nav.appearance,
    items: (["system", "light", "dark"] as const).map((id) => ({ id, text: nav[id] })),
    onItemClick: ({ detail }) => show(detail.id as Appearance),
  };
  const user: TopNavigationProps.Utility = {
    type: "menu-dropdown",
    iconName: "user-profile",
    text: session.roles[me.role],
    description: isOperator ? undefined : chosen?.name,
    items: [{ id: "sign-out", text: session.signOut }],
    onItemClick: () => void leave(),
  };
  return (
    <TopNavigation
      identity={{
        href: "/",
        title: texts.product,
        onFollow: (event) => {
          event.preventDefault();
          void navigate("/");
        },
      }}
      utilities={[...(isOperator ? [organization] : []), appearance, user]}
      i18nStrings={{ overflowMenuTriggerText: nav.menu, overflowMenuTitleText: nav.menu }}
    />
  );
}
