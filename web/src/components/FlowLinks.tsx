import SpaceBetween from "@cloudscape-design/components/space-between";
import type { Schemas } from "../api/client";
import { texts } from "../texts";
import { Link } from "./Link";

/** The flows that use an account, each by its name. */
export function FlowLinks({ ids, flows }: { ids: string[]; flows: Schemas["FlowView"][] | undefined }) {
  if (ids.length === 0) return texts.empty;
  const nameOf = (id: string) => flows?.find((flow) => flow.id === id)?.name ?? id;
  return (
    <SpaceBetween size="xxs">
      {ids.map((id) => (
        <Link key={id} href={`/flows/${id}`}>
          {nameOf(id)}
        </Link>
      ))}
    </SpaceBetween>
  );
}
