import { useRouteError } from "react-router";
import { ProblemAlert } from "../components/states";
import { Middle } from "../session/Session";

/** What is shown in place of a page that met an error of its own. */
export function PageFailed() {
  const error = useRouteError();
  return (
    <Middle>
      <ProblemAlert error={error} again={() => window.location.reload()} />
    </Middle>
  );
}
