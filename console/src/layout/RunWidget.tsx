// Progress of the caller's runs, at the bottom right of every page. On a tenant's page only that
// tenant's. An ended run stays for a minute, as long as the API lists it.

import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Disclosure, DisclosurePanel } from "react-aria-components/Disclosure";
import { Link, useLocation } from "wouter";
import { api, body } from "../api/client";
import { useMe } from "../api/queries";
import type { OperationRun } from "../live/updates";
import { joinedRuns, updates, useActiveRuns } from "../live/useActiveRuns";
import { RunBadge } from "../parts/badge";
import { CloseButton } from "../parts/fields";
import { Icon } from "../parts/icons";
import { ProgressLine } from "../parts/progress";
import { Took } from "../parts/time";
import { count, kindWords, stateOf, stateWords } from "../words";
import { mine } from "./mine";

/** On screens up to this width, in pixels, it is closed at first, because it would hide the page. */
const NARROW = 720;

export function RunWidget() {
  const { runs, reachable } = useActiveRuns();
  const me = useMe();
  const [path] = useLocation();
  const [closed, setClosed] = useState<string[]>([]);
  const tenantId = path.match(/^\/tenants\/([^/]+)/)?.[1];
  const shown = mine(runs, me.data?.id, joinedRuns(), tenantId).filter(
    (run) => run.status !== "completed" || !closed.includes(run.id),
  );
  if (shown.length === 0 && reachable) return null;
  const active = shown.filter((run) => run.status !== "completed").length;
  return (
    <aside className="widget" aria-label="Progress of your runs">
      <Disclosure defaultExpanded={window.innerWidth > NARROW}>
        <Button slot="trigger" className="widget-head">
          <Icon name="sync" />
          <span>{active > 0 ? count(active, "active run") : "Ended within the last minute"}</span>
          <Icon name="down" />
        </Button>
        <DisclosurePanel className="widget-body">
          {!reachable && (
            <p className="notice warning" role="status">
              The API cannot be reached. Runs go on without it; trying again.
            </p>
          )}
          <ul>
            {shown.map((run) => (
              <WidgetRun
                key={run.id}
                run={run}
                close={() => setClosed((others) => [...others, run.id])}
              />
            ))}
          </ul>
        </DisclosurePanel>
      </Disclosure>
      <div className="hidden" role="status">
        {shown
          .filter((run) => run.status === "completed")
          .map(
            (run) => `${kindWords(run.kind)} of ${run.tenant.name}: ${stateWords(stateOf(run))}.`,
          )
          .join(" ")}
      </div>
    </aside>
  );
}

function WidgetRun({ run, close }: { run: OperationRun; close: () => void }) {
  const cancel = useMutation({
    mutationFn: () =>
      body(
        api.POST("/operation-runs/{run_id}/cancel", {
          params: { path: { run_id: run.id } },
          body: {},
        }),
      ),
    onSettled: () => updates.wake(),
  });
  const ended = run.status === "completed";
  return (
    <li className="widget-run">
      <div className="widget-title">
        <Link href={`/runs/${run.id}`}>
          <strong>{run.tenant.name}</strong> <span>{kindWords(run.kind)}</span>
        </Link>
        <RunBadge run={run} />
        {ended && <CloseButton label={`Close: ${run.tenant.name}`} onPress={close} />}
      </div>
      <ProgressLine run={run} />
      {!ended && (
        <div className="widget-foot">
          <span className="quiet">
            <Took from={run.started_at ?? run.created_at} to={run.completed_at} />
          </span>
          <Link href={`/runs/${run.id}`}>View run</Link>
          {run.cancel && <span className="quiet">Cancelling…</span>}
          {run.actions.includes("cancel") && !run.cancel && (
            <Button
              className="link-button"
              aria-label={`Cancel the run of ${run.tenant.name}`}
              isPending={cancel.isPending}
              onPress={() => cancel.mutate()}
            >
              Cancel
            </Button>
          )}
        </div>
      )}
    </li>
  );
}
