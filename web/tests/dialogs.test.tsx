// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";
import { afterEach, expect, it, vi } from "vitest";
import { connect, type Schemas } from "../src/api/client";
import { ProblemError, problemOf } from "../src/api/problems";
import { FileAccountDialog } from "../src/components/FileAccountDialog";
import { ReportView } from "../src/components/ReportView";
import { ProblemAlert } from "../src/components/states";
import { type Service, ServiceContext } from "../src/session/service";
import { texts } from "../src/texts";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Show something as inside the pages; what it asks of the service goes to ``fetch``. */
function show(children: ReactNode) {
  const signIn = { token: () => Promise.resolve("token") };
  const api = connect("https://api.example", signIn, () => undefined);
  const service = { api, organizationId: "org-1", organizations: [] } as unknown as Service;
  render(
    <MemoryRouter>
      <QueryClientProvider client={new QueryClient()}>
        <ServiceContext value={service}>{children}</ServiceContext>
      </QueryClientProvider>
    </MemoryRouter>,
  );
}

it("never sends a private key anywhere", async () => {
  const user = userEvent.setup();
  const fetch = vi.fn();
  vi.stubGlobal("fetch", fetch);
  show(<FileAccountDialog onMade={() => undefined} onClose={() => undefined} />);
  await user.type(screen.getByLabelText(texts.sftp.username), "meadowlark-sis");
  await user.click(screen.getByRole("radio", { name: texts.fileAccounts.kinds.public_key }));
  await user.click(screen.getByRole("textbox", { name: texts.fileAccounts.publicKey }));
  await user.paste("-----BEGIN OPENSSH PRIVATE KEY-----");
  await user.click(screen.getByRole("button", { name: texts.create }));
  expect(screen.getByText(texts.fileAccounts.privateKey)).toBeDefined();
  expect(fetch).not.toHaveBeenCalled();
});

it("tells cause, mend and the flows that use what was to be deleted", () => {
  const body = {
    type: "about:blank",
    status: 409,
    code: "in-use",
    title: "Flows use this account.",
    detail: "Delete the flows first.",
    flows: [{ id: "flow-1", name: "Nightly roster" }],
  };
  show(<ProblemAlert error={new ProblemError(problemOf(new Response(null, { status: 409 }), body))} />);
  expect(screen.getByText("Delete the flows first.")).toBeDefined();
  expect(screen.getByRole("link", { name: "Nightly roster" }).getAttribute("href")).toBe("/flows/flow-1");
});

it("finds an entry of a report by what is written in it", async () => {
  const user = userEvent.setup();
  const entry = {
    code: "name-missing",
    severity: "error",
    mend: "Fill it in.",
    file: "users.csv",
    column: "givenName",
  } as const;
  const report = {
    accepted: false,
    entries: [
      { ...entry, line: 3, message: "Line three." },
      { ...entry, line: 9, message: "Line nine." },
    ],
    totals: [],
    counts: {},
  } as unknown as Schemas["Report"];
  show(<ReportView report={report} />);
  expect(screen.getByText("Line three.")).toBeDefined();
  await user.type(screen.getByRole("searchbox"), "nine");
  expect(screen.queryByText("Line three.")).toBeNull();
  expect(screen.getByText("Line nine.")).toBeDefined();
});
