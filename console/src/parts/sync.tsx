// The sync button, its picker, and what the API answered to a start.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Button } from "react-aria-components/Button";
import { DialogTrigger } from "react-aria-components/Dialog";
import { Link } from "wouter";
import { ApiError, api, body, type Schemas } from "../api/client";
import { rememberJoined, updates } from "../live/useActiveRuns";
import { Icon } from "./icons";
import { lacksPermission, whyNot } from "./whyNot";

const SelectionDialog = lazy(() => import("./selection"));

export type SelectionRequest = Schemas["SelectionRequest"];
type Tenant = Schemas["Tenant"];

export function startInventorySync(tenantId: string, selection?: SelectionRequest) {
  return body(
    api.POST("/tenants/{tenant_id}/inventory-sync", {
      params: { path: { tenant_id: tenantId } },
      ...(selection ? { body: selection } : {}),
    }),
  );
}

function startGroupsSync(tenantId: string) {
  return body(
    api.POST("/tenants/{tenant_id}/directory-groups-sync", {
      params: { path: { tenant_id: tenantId } },
    }),
  );
}

function useStart(start: (selection?: SelectionRequest) => Promise<Schemas["StartedRun"]>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: start,
    onSuccess: ({ disposition, run }) => {
      if (disposition === "joined") rememberJoined(run.id);
    },
    onSettled: () => {
      updates.wake();
      void queries.invalidateQueries({ queryKey: ["tenants"] });
    },
  });
}

/** Syncs the default selection at once, or opens the picker. */
export function SyncButton({ tenant, small = false }: { tenant: Tenant; small?: boolean }) {
  const start = useStart((selection) => startInventorySync(tenant.id, selection));
  const [picking, setPicking] = useState(false);
  const reason = whyNot(tenant);
  const size = small ? "button small" : "button primary";
  return (
    <div className="sync">
      <div className="split">
        <Button
          className={size}
          isDisabled={reason !== undefined}
          isPending={start.isPending}
          aria-label={`Sync ${tenant.name}`}
          onPress={() => start.mutate(undefined)}
        >
          <Icon name="sync" /> Sync
        </Button>
        <DialogTrigger isOpen={picking} onOpenChange={setPicking}>
          <Button
            className={`${size} split-more`}
            isDisabled={reason !== undefined}
            aria-label={`Choose what to sync in ${tenant.name}`}
          >
            <Icon name="down" />
          </Button>
          {picking && (
            <Suspense>
              <SelectionDialog
                name={tenant.name}
                onStart={(selection) => {
                  setPicking(false);
                  start.mutate(selection);
                }}
              />
            </Suspense>
          )}
        </DialogTrigger>
      </div>
      {reason && !small && <p className="quiet">{reason}</p>}
      {reason && small && (
        <span className={lacksPermission(tenant) ? "why" : "hidden"} title={reason}>
          <span className="hidden">Cannot sync: {reason}</span>
          <span aria-hidden="true">No permission</span>
        </span>
      )}
      <Started start={start} />
    </div>
  );
}

export function GroupsSyncButton({ tenant }: { tenant: Tenant }) {
  const start = useStart(() => startGroupsSync(tenant.id));
  const reason = whyNot(tenant);
  return (
    <div className="sync">
      <Button
        className="button"
        isDisabled={reason !== undefined}
        isPending={start.isPending}
        onPress={() => start.mutate(undefined)}
      >
        <Icon name="sync" /> Sync groups
      </Button>
      {reason && <p className="quiet">{reason}</p>}
      <Started start={start} />
    </div>
  );
}

function Started({ start }: { start: ReturnType<typeof useStart> }) {
  return (
    <div className="started" role="status">
      {start.data && <StartedWords started={start.data} />}
      {start.isError && (
        <>
          <Icon name="warning" /> {start.error.message}
          {start.error instanceof ApiError && start.error.problem?.run_id && (
            <Link href={`/runs/${start.error.problem.run_id}`}>View run</Link>
          )}
        </>
      )}
    </div>
  );
}

export function StartedWords({
  started: { disposition, run },
}: {
  started: Schemas["StartedRun"];
}) {
  return (
    <>
      <span>
        {disposition === "created" ? "Queued." : `Joined the run of ${run.initiator.display}.`}
      </span>{" "}
      <Link href={`/runs/${run.id}`}>View run</Link>
    </>
  );
}
