import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Cards from "@cloudscape-design/components/cards";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useNavigate } from "react-router";
import type { Schemas } from "../api/client";
import { useTemplates } from "../api/queries";
import { Page } from "../components/Page";
import { Empty, Loaded } from "../components/states";
import { texts } from "../texts";

/** The two templates, each a card: the way to a new flow. */
export default function Templates() {
  const templates = useTemplates();
  const navigate = useNavigate();
  return (
    <Page title={texts.templates.title} lead={texts.templates.lead}>
      <Loaded query={templates}>
        {({ items }) => (
          <Cards
            items={items}
            trackBy="id"
            ariaLabels={{
              itemSelectionLabel: (_, item) => item.name,
              selectionGroupLabel: texts.templates.title,
            }}
            cardsPerRow={[{ cards: 1 }, { minWidth: 600, cards: 2 }]}
            empty={<Empty title={texts.templates.empty} />}
            cardDefinition={{
              header: (item) => <Box variant="h2">{item.name}</Box>,
              sections: [
                { id: "about", content: (item) => item.description },
                { id: "files", header: texts.templates.needs, content: (item) => item.files.join(", ") },
                {
                  id: "empty",
                  header: texts.templates.headersOnly,
                  content: (item) => <Archives template={item.id} />,
                },
                {
                  id: "use",
                  content: (item) => (
                    <Button
                      variant="primary"
                      href={`/templates/${item.id}`}
                      ariaLabel={`${texts.templates.use}: ${item.name}`}
                      onFollow={(event) => {
                        event.preventDefault();
                        void navigate(`/templates/${item.id}`);
                      }}
                    >
                      {texts.templates.use}
                    </Button>
                  ),
                },
              ],
            }}
          />
        )}
      </Loaded>
    </Page>
  );
}

/** The template's files with nothing in them but their headers. */
export function Archives({ template }: { template: Schemas["TemplateView"]["id"] }) {
  return (
    <SpaceBetween size="xxs">
      {texts.templates.archives[template].map(({ href, text }) => (
        // a download, which must not be taken for one of the pages
        <Link key={href} href={href} target="_blank">
          {text}
        </Link>
      ))}
    </SpaceBetween>
  );
}
