import { useQuery } from "@tanstack/react-query";
import { ApiError, api, body } from "../api/client";
import { Badge } from "./badge";
import { Moment } from "./time";

/** When a tenant is synced by itself. */
export function ScheduleWords({ tenantId }: { tenantId: string }) {
  const schedule = useQuery({
    queryKey: ["tenants", tenantId, "schedule"],
    staleTime: 5 * 60_000,
    queryFn: async () => {
      try {
        return await body(
          api.GET("/tenants/{tenant_id}/schedule", { params: { path: { tenant_id: tenantId } } }),
        );
      } catch (error) {
        if (error instanceof ApiError && error.problem?.status === 404) return null;
        throw error;
      }
    },
  });
  const set = schedule.data;
  if (set === undefined) return <span className="quiet">…</span>;
  if (set === null) return <span className="quiet">None</span>;
  if (set.stopped) return <Badge code="failed" words="Stopped" />;
  const next = set.next_due[0];
  return (
    <span title={`${set.time ?? set.cron} ${set.zone}, set by ${set.set_by.display}`}>
      {next ? (
        <>
          Next <Moment at={next} />
        </>
      ) : (
        (set.time ?? set.cron)
      )}
    </span>
  );
}
