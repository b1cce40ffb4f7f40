import { lazy } from "react";
import { createBrowserRouter, RouterProvider } from "react-router";
import { Frame } from "./Frame";
import { PageFailed } from "./views/PageFailed";

// Each view comes when it is first looked at
const Templates = lazy(() => import("./views/Templates"));
const NewFlow = lazy(() => import("./views/NewFlow"));
const Flows = lazy(() => import("./views/Flows"));
const Flow = lazy(() => import("./views/Flow"));
const History = lazy(() => import("./views/History"));
const Run = lazy(() => import("./views/Run"));
const DryRun = lazy(() => import("./views/DryRun"));
const FileAccounts = lazy(() => import("./views/FileAccounts"));
const FileAccount = lazy(() => import("./views/FileAccount"));
const AsmAccounts = lazy(() => import("./views/AsmAccounts"));
const AsmAccount = lazy(() => import("./views/AsmAccount"));
const Settings = lazy(() => import("./views/Settings"));
const Missing = lazy(() => import("./views/Missing"));

const router = createBrowserRouter([
  {
    Component: Frame,
    ErrorBoundary: PageFailed,
    children: [
      { index: true, Component: Templates },
      { path: "templates/:template", Component: NewFlow },
      { path: "flows", Component: Flows },
      { path: "flows/:id", Component: Flow },
      { path: "runs", Component: History },
      { path: "runs/:id", Component: Run },
      { path: "dry-run", Component: DryRun },
      { path: "file-accounts", Component: FileAccounts },
      { path: "file-accounts/:id", Component: FileAccount },
      { path: "asm-accounts", Component: AsmAccounts },
      { path: "asm-accounts/:id", Component: AsmAccount },
      { path: "settings", Component: Settings },
      { path: "*", Component: Missing },
    ],
  },
]);

/** All pages of a signed-in user. */
export const App = () => <RouterProvider router={router} />;
