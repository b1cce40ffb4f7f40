import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import { createContext, type ReactNode, useContext, useEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { useLocation, useNavigate } from "react-router";
import { useService } from "../session/service";
import { texts } from "../texts";

/** Where the frame wants a page to say where it is. */
export const CrumbsPlace = createContext<HTMLElement | null>(null);

interface Props {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  /** The page above this one. */
  above?: { text: string; href: string };
  /** Whether what is on the page has its own headings. */
  bare?: boolean;
  children: ReactNode;
}

/** A page with its heading, which is also the browser's title. */
export function Page({ title, lead, actions, above, bare, children }: Props) {
  useEffect(() => {
    document.title = `${title} – ${texts.product}`;
  }, [title]);
  const here = useFocusAfterChange();
  return (
    <div ref={here}>
      <ContentLayout
        header={
          !bare && (
            <Header variant="h1" description={lead} actions={actions}>
              <span className="long">{title}</span>
            </Header>
          )
        }
      >
        <Crumbs above={above} title={title} />
        {children}
      </ContentLayout>
    </div>
  );
}

/** Take the focus to the page's heading when the user has come from another page, so that it is read out. */
function useFocusAfterChange() {
  const here = useRef<HTMLDivElement>(null);
  const { key, pathname } = useLocation();
  const cameHere = key !== "default"; // which is what the first page has
  useEffect(() => {
    const heading = here.current?.querySelector("h1");
    if (!cameHere || !heading) return;
    heading.tabIndex = -1;
    heading.focus();
  }, [cameHere, pathname]);
  return here;
}

function Crumbs({ above, title }: Pick<Props, "above" | "title">) {
  const place = useContext(CrumbsPlace);
  const { organizations, organizationId } = useService();
  const navigate = useNavigate();
  const organization = organizations.find((one) => one.id === organizationId)?.name ?? texts.product;
  const crumbs = (
    <BreadcrumbGroup
      ariaLabel={texts.nav.breadcrumbs}
      items={[{ text: organization, href: "/" }, ...(above ? [above] : []), { text: title, href: "#" }]}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(event.detail.href);
      }}
    />
  );
  return place && createPortal(crumbs, place);
}
