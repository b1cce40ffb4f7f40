import type { TableProps } from "@cloudscape-design/components/table";
import type { ReactNode } from "react";
import { Page } from "./Page";
import { type Asked, Empty, Loaded } from "./states";
import { ThingTable } from "./ThingTable";

interface Props<T> {
  words: { title: string; lead: string; filter: string; empty: string; emptyDetail: string };
  query: Asked<{ items: readonly T[] }>;
  columns: TableProps.ColumnDefinition<T>[];
  /** The button that makes a new one. */
  create: ReactNode;
  /** The dialog that is open, if one is. */
  children?: ReactNode;
}

/** The page that lists all the things of one kind. */
export function ThingsPage<T extends { id: string }>({ words, query, columns, create, children }: Props<T>) {
  return (
    <Page title={words.title} lead={words.lead}>
      <Loaded query={query}>
        {({ items }) => (
          <ThingTable
            title={words.title}
            items={items}
            actions={create}
            filter={words.filter}
            empty={<Empty title={words.empty} text={words.emptyDetail} />}
            columns={columns}
          />
        )}
      </Loaded>
      {children}
    </Page>
  );
}
