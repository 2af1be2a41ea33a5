// How the last inventory sync of each tenant of a list ended. Tenants themselves say whether it is active
// or succeeded; only for those where it did not, runs are read, a hundred tenants at a time.

import { useQueries } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { useActiveRuns } from "../live/useActiveRuns";
import { count } from "../words";
import { lastSync } from "./age";
import { Badge, RunBadge } from "./badge";
import { newestOfEach, parts } from "./newestRuns";

type Tenant = Schemas["Tenant"];
type Run = Schemas["OperationRun"];

/** As many tenants as a request may name, and as many runs as an answer may have. */
const TENANTS_AT_ONCE = 100;
const RUNS = 200;

export function useLastProblems(tenants: Tenant[]): Map<string, Run> {
  const ids = tenants.filter((tenant) => lastSync(tenant) === "other").map(({ id }) => id);
  return useQueries({
    queries: parts(ids, TENANTS_AT_ONCE).map((tenant_id) => ({
      queryKey: ["runs", "problems", tenant_id],
      staleTime: 60_000,
      queryFn: () => {
        const query = {
          tenant_id,
          kind: ["inventory_sync" as const],
          outcome: ["partially_succeeded" as const, "failed" as const, "cancelled" as const],
          limit: RUNS,
        };
        return body(api.GET("/operation-runs", { params: { query } }));
      },
    })),
    combine: (pages) => newestOfEach(pages.flatMap((page) => page.data?.items ?? [])),
  });
}

export function LastSyncWords({ tenant, problem }: { tenant: Tenant; problem: Run | undefined }) {
  const { runs } = useActiveRuns();
  const { active_run_id: activeId } = tenant.sync;
  const last = lastSync(tenant);
  if (last === "none") return <span className="quiet">None</span>;
  if (last === "active") {
    const active = runs.find((run) => run.id === activeId && run.status !== "completed");
    return (
      <Link className="plain" href={`/runs/${activeId}`}>
        {active ? <RunBadge run={active} /> : <Badge code="running" words="Active" />}
      </Link>
    );
  }
  const all = `/runs?tenant_id=${tenant.id}&kind=inventory_sync`;
  if (last === "succeeded") {
    return (
      <Link className="plain" href={all}>
        <Badge code="succeeded" />
      </Link>
    );
  }
  const unread = (problem?.counts?.types_failed ?? 0) + (problem?.counts?.types_incomplete ?? 0);
  return (
    <Link className="plain" href={problem ? `/runs/${problem.id}` : all}>
      {problem ? <RunBadge run={problem} /> : <Badge code="failed" words="Did not succeed" />}
      {unread > 0 && <span className="quiet"> {count(unread, "type")} incomplete</span>}
    </Link>
  );
}
