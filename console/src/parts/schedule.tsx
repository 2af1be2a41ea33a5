import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError, api, body, type Schemas } from "../api/client";
import { Badge } from "./badge";
import { Moment } from "./time";

/** Runs that move do not make a schedule old, so it is no part of what is known of the tenant. */
export const scheduleKey = (tenantId: string) => ["schedules", tenantId];

const ScheduleDialog = lazy(() => import("./scheduleDialog"));

function useSchedule(tenantId: string, enabled = true) {
  return useQuery({
    queryKey: scheduleKey(tenantId),
    enabled,
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
}

/** When a tenant is synced by itself, with a button for those who may set it. */
export function ScheduleSetting({ tenant }: { tenant: Schemas["Tenant"] }) {
  const schedule = useSchedule(tenant.id);
  const [setting, setSetting] = useState(false);
  return (
    <>
      <ScheduleWords tenantId={tenant.id} />
      {tenant.permissions.includes("can_set_schedule") && schedule.data !== undefined && (
        <>
          {" "}
          <Button className="link-button" onPress={() => setSetting(true)}>
            {schedule.data === null ? "Set a schedule" : "Change schedule"}
          </Button>
        </>
      )}
      {setting && (
        <Suspense>
          <ScheduleDialog
            tenant={tenant}
            schedule={schedule.data ?? null}
            onClose={() => setSetting(false)}
          />
        </Suspense>
      )}
    </>
  );
}

/** When a tenant is synced by itself. */
export function ScheduleWords({
  tenantId,
  visible = true,
}: {
  tenantId: string;
  visible?: boolean;
}) {
  const set = useSchedule(tenantId, visible).data;
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
