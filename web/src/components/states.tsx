import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import type { ReactNode } from "react";
import { Link } from "./Link";
import { Page } from "./Page";
import { isForbidden, isMissing, problemIn } from "../api/problems";
import { texts } from "../texts";

export interface Asked<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

interface LoadedProps<T> {
  query: Asked<T>;
  /** The title of the page that this is all of, until what is there has its own. */
  page?: string;
  children: (data: T) => ReactNode;
}

/** Shows what was asked for once it is there, and until then that it is loading or why it cannot be seen. */
export function Loaded<T>({ query, page, children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  const state = query.error ? (
    <ProblemAlert error={query.error} again={() => void query.refetch()} />
  ) : (
    <Loading />
  );
  return page ? <Page title={page}>{state}</Page> : state;
}

export function Loading() {
  return (
    <Box textAlign="center" padding="xxl">
      <span role="status">
        <Spinner size="large" /> <Box display="inline">{texts.loading}</Box>
      </span>
    </Box>
  );
}

/** Says what went wrong and how to mend it; ``again`` offers to try once more. */
export function ProblemAlert({ error, again }: { error: unknown; again?: () => void }) {
  const problem = problemIn(error);
  if (isForbidden(problem) && problem.code !== "no-role")
    return <Notice title={texts.problem.forbidden} text={`${problem.title} ${problem.detail}`} />;
  if (isMissing(problem) && again)
    return (
      <Notice title={texts.problem.missing} text={texts.problem.missingDetail}>
        <Link href="/">{texts.problem.toStart}</Link>
      </Notice>
    );
  return (
    <Alert
      type="error"
      header={problem.title}
      action={again && <Button onClick={again}>{texts.again}</Button>}
    >
      <SpaceBetween size="xxs">
        <span>{problem.detail}</span>
        {problem.fields.map((one) => (
          <span key={one.field}>
            <b>{one.field}</b>: {one.message}
          </span>
        ))}
        {problem.flows.length > 0 && (
          <span>
            {texts.problem.usedBy}:{" "}
            {problem.flows.map((flow, index) => (
              <span key={flow.id}>
                {index > 0 && ", "}
                <Link href={`/flows/${flow.id}`}>{flow.name}</Link>
              </span>
            ))}
          </span>
        )}
        <Box variant="small">{texts.problem.code(problem.code)}</Box>
      </SpaceBetween>
    </Alert>
  );
}

/** Tells something that is no error of the service's. */
export function Notice({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <Alert type="warning" header={title}>
      <SpaceBetween size="xs">
        <span>{text}</span>
        {children}
      </SpaceBetween>
    </Alert>
  );
}

/** What a list shows that has nothing in it. */
export function Empty({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <Box textAlign="center" color="inherit" padding={{ vertical: "l" }}>
      <SpaceBetween size="s" alignItems="center">
        <b>{title}</b>
        {text && <Box color="inherit">{text}</Box>}
        {children}
      </SpaceBetween>
    </Box>
  );
}
