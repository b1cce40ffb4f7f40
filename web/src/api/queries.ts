import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { isFinal, type RunStatus } from "../runs/status";
import { useService } from "../session/service";
import { answered } from "./client";
import { isMissing, problemIn } from "./problems";

const LIVE = 1_500; // while a run is under way; else the next upload shows up within
const QUIET = 4_000;
const TREND_RUNS = 30;

/** What the history shows; without a value, all. */
export interface RunFilter {
  flow_id?: string;
  status?: RunStatus;
  since?: string;
}

/** Return the organization's id, and the part of a call that names it. */
function useOrganization() {
  const { api, organizationId: id } = useService();
  return { api, id, path: { params: { path: { organization_id: id } } } };
}

export function useTemplates() {
  const { api } = useService();
  return useQuery({
    queryKey: ["templates"],
    staleTime: Infinity,
    queryFn: () => answered(api.GET("/v1/templates")),
  });
}

export function useOrganizationView() {
  const { api, id, path } = useOrganization();
  return useQuery({
    queryKey: [id, "self"],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}", path)),
  });
}

export function useProjects() {
  const { api, id, path } = useOrganization();
  return useQuery({
    queryKey: [id, "projects"],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/projects", path)),
  });
}

export function useUsers() {
  const { api, id, path } = useOrganization();
  return useQuery({
    queryKey: [id, "users"],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/users", path)),
  });
}

export function useFileAccounts() {
  const { api, id, path } = useOrganization();
  return useQuery({
    queryKey: [id, "file-accounts"],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/file-accounts", path)),
  });
}

export function useFileAccount(file_account_id: string) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, file_account_id } };
  return useQuery({
    queryKey: [id, "file-accounts", file_account_id],
    queryFn: () =>
      answered(api.GET("/v1/organizations/{organization_id}/file-accounts/{file_account_id}", { params })),
  });
}

export function useAsmAccounts() {
  const { api, id, path } = useOrganization();
  return useQuery({
    queryKey: [id, "asm-accounts"],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/asm-accounts", path)),
  });
}

export function useAsmAccount(asm_account_id: string) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, asm_account_id } };
  return useQuery({
    queryKey: [id, "asm-accounts", asm_account_id],
    queryFn: () =>
      answered(api.GET("/v1/organizations/{organization_id}/asm-accounts/{asm_account_id}", { params })),
  });
}

export function useFlows() {
  const { api, id, path } = useOrganization();
  return useQuery({
    queryKey: [id, "flows"],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/flows", path)),
  });
}

export function useFlow(flow_id: string) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, flow_id } };
  return useQuery({
    queryKey: [id, "flows", flow_id],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/flows/{flow_id}", { params })),
  });
}

/** The history of a project, newest first; it asks again by itself, often while something is under way. */
export function useRuns(project_id: string | undefined, filter: RunFilter) {
  const { api, id } = useOrganization();
  return useInfiniteQuery({
    queryKey: [id, "runs", project_id, filter],
    enabled: project_id !== undefined,
    initialPageParam: undefined as string | undefined,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/v1/organizations/{organization_id}/projects/{project_id}/runs", {
          params: {
            path: { organization_id: id, project_id: project_id ?? "" },
            query: { ...filter, limit: 25, ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    getNextPageParam: (page) => page.cursor ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) =>
        page.items.some((run) => !isFinal(run.status) && run.status !== "held"),
      )
        ? LIVE
        : QUIET,
  });
}

/** The last runs of a flow, for its trends. */
export function useLastRuns(project_id: string, flow_id: string) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, project_id }, query: { flow_id, limit: TREND_RUNS } };
  return useQuery({
    queryKey: [id, "runs", project_id, flow_id, "last"],
    queryFn: () =>
      answered(api.GET("/v1/organizations/{organization_id}/projects/{project_id}/runs", { params })),
  });
}

/** A run with its steps, asked again while it is under way. */
export function useRun(run_id: string) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, run_id } };
  return useQuery({
    queryKey: [id, "run", run_id],
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/runs/{run_id}", { params })),
    refetchInterval: ({ state }) => {
      if (!state.data || isFinal(state.data.status)) return false;
      return state.data.status === "held" ? QUIET : LIVE;
    },
  });
}

export function useNeighbours(run_id: string) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, run_id } };
  return useQuery({
    queryKey: [id, "run", run_id, "neighbours"],
    queryFn: () =>
      answered(api.GET("/v1/organizations/{organization_id}/runs/{run_id}/neighbours", { params })),
  });
}

/** A run's report; asked for only where ``there`` says that the run has one. */
export function useReport(run_id: string, there: boolean) {
  const { api, id } = useOrganization();
  const params = { path: { organization_id: id, run_id } };
  return useQuery({
    queryKey: [id, "run", run_id, "report"],
    enabled: there,
    staleTime: Infinity,
    queryFn: () => answered(api.GET("/v1/organizations/{organization_id}/runs/{run_id}/report", { params })),
  });
}

export function useDryRun(dry_run_id: string | null) {
  const { api, id } = useOrganization();
  return useQuery({
    queryKey: [id, "dry-run", dry_run_id],
    enabled: dry_run_id !== null,
    queryFn: () =>
      answered(
        api.GET("/v1/organizations/{organization_id}/dry-runs/{dry_run_id}", {
          params: { path: { organization_id: id, dry_run_id: dry_run_id ?? "" } },
        }),
      ),
    refetchInterval: ({ state }) =>
      state.data && ["done", "failed"].includes(state.data.status) ? false : LIVE,
  });
}

/** A change at the service: whatever it touched is read again afterwards. */
export function useChange<V, R>(change: (value: V) => Promise<R>, then?: (result: R) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async (result) => {
      then?.(result);
      await queries.invalidateQueries();
    },
    onError: async (error) => {
      // what was changed by somebody else, or is gone, is shown as it is by now
      const problem = problemIn(error);
      if (isMissing(problem) || problem.code === "version-changed") await queries.invalidateQueries();
    },
  });
}
