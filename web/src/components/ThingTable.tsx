import { useCollection } from "@cloudscape-design/collection-hooks";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import type { ReactNode } from "react";
import { texts } from "../texts";
import { Empty } from "./states";

interface Props<T> {
  title: string;
  lead?: string;
  items: readonly T[];
  columns: TableProps.ColumnDefinition<T>[];
  actions?: ReactNode;
  filter?: string;
  empty: ReactNode;
}

const PAGE = 25;

/** A table of things that are all here: it filters, sorts and turns pages by itself. */
export function ThingTable<T extends { id: string }>({
  title,
  lead,
  items,
  columns,
  actions,
  filter,
  empty,
}: Props<T>) {
  const {
    items: shown,
    collectionProps,
    filterProps,
    filteredItemsCount,
    paginationProps,
  } = useCollection(items, {
    filtering: { empty, noMatch: <Empty title={texts.run.noFindings} /> },
    pagination: { pageSize: PAGE },
    sorting: {},
  });
  return (
    <Table
      {...collectionProps}
      trackBy="id"
      items={shown}
      columnDefinitions={columns}
      wrapLines
      enableKeyboardNavigation
      ariaLabels={{ tableLabel: title }}
      header={
        <Header description={lead} counter={`(${items.length})`} actions={actions}>
          {title}
        </Header>
      }
      filter={
        filter &&
        items.length > 5 && (
          <TextFilter
            {...filterProps}
            filteringPlaceholder={filter}
            filteringAriaLabel={filter}
            countText={texts.matches(filteredItemsCount ?? 0)}
          />
        )
      }
      pagination={items.length > PAGE && <Pagination {...paginationProps} />}
    />
  );
}
