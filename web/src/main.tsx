import "@cloudscape-design/global-styles/index.css";
import "./main.css";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { ProblemError } from "./api/problems";
import { Notice } from "./components/states";
import { loadConfig } from "./config";
import { Middle, Session } from "./session/Session";
import { SignIn } from "./session/signIn";
import { texts } from "./texts";
import { show } from "./theme";

const RETRIES = 2;

// What the service refuses is not asked for again; what is away is
const worthAnotherTry = (failures: number, error: Error) =>
  failures < RETRIES &&
  error instanceof ProblemError &&
  (error.problem.status === 0 || error.problem.status >= 500);

/** Take the answer of the sign-in page, if this is one; return whether it came to nothing. */
async function finishSignIn(signIn: SignIn): Promise<boolean> {
  const here = new URL(window.location.href);
  if (here.pathname !== "/" || !(here.searchParams.has("code") || here.searchParams.has("error")))
    return false;
  try {
    window.history.replaceState(null, "", await signIn.finish(here));
    return false;
  } catch {
    window.history.replaceState(null, "", "/"); // the code is in no address that is kept
    return true;
  }
}

async function start() {
  show("system");
  const root = createRoot(document.getElementById("root") ?? document.body);
  const config = await loadConfig().catch(() => null);
  if (!config) {
    root.render(
      <Middle>
        <Notice title={texts.session.notSetUp} text={texts.session.notSetUpDetail} />
      </Middle>,
    );
    return;
  }
  const signIn = new SignIn(config);
  const failed = await finishSignIn(signIn);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: worthAnotherTry } } });
  root.render(
    <StrictMode>
      <I18nProvider locale="en" messages={[messages]}>
        <QueryClientProvider client={queries}>
          <Session config={config} signIn={signIn} failed={failed}>
            <App />
          </Session>
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>,
  );
}

void start();
