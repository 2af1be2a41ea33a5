// One tenant: what is known of it, and how old that is, above the pages of its parts.

import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import type { Schemas } from "../api/client";
import { useRun, useTenant } from "../api/queries";
import { isOld } from "../parts/age";
import { RunBadge } from "../parts/badge";
import { Icon } from "../parts/icons";
import { OldData } from "../parts/oldData";
import { ProgressLine } from "../parts/progress";
import { ScheduleSetting } from "../parts/schedule";
import { Empty, Loaded, Loading } from "../parts/states";
import { SyncButton } from "../parts/sync";
import { Moment } from "../parts/time";
import { kindWords, readable } from "../words";
import InventoryPage from "./InventoryPage";

const ItemPage = lazy(() => import("./ItemPage"));
const ChangesPage = lazy(() => import("./ChangesPage"));
const SettingsPage = lazy(() => import("./SettingsPage"));
const GroupsPage = lazy(() => import("./GroupsPage"));

type Tenant = Schemas["Tenant"];

export default function TenantPage({ tenantId }: { tenantId: string }) {
  const tenant = useTenant(tenantId);
  useRefresh(tenant.data);
  const [path] = useLocation();
  const base = `/tenants/${tenantId}`;
  const tabs = [
    { href: base, words: "Inventory", also: `${base}/items` },
    { href: `${base}/changes`, words: "Changes" },
    { href: `${base}/settings`, words: "Settings" },
    { href: `${base}/groups`, words: "Groups" },
  ];
  return (
    <Loaded query={tenant} page>
      {(data) => (
        <>
          <nav className="crumbs" aria-label="Breadcrumb">
            <Link href="/">Tenants</Link>
          </nav>
          <div className="page-head">
            <div>
              <h1>{data.name}</h1>
              <Age tenant={data} />
            </div>
            <SyncButton tenant={data} />
          </div>
          {activeRuns(data).map((run) => (
            <ActiveRun key={run} runId={run} />
          ))}
          <OldData tenant={data} />
          <nav className="tabs" aria-label="Tenant">
            {tabs.map(({ href, words, also }) => (
              <Link
                key={href}
                href={href}
                aria-current={path === href || (also && path.startsWith(also)) ? "page" : undefined}
              >
                {words}
              </Link>
            ))}
            <Link href={`/runs?tenant_id=${tenantId}`}>Runs</Link>
          </nav>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path={base}>
                <InventoryPage tenant={data} />
              </Route>
              <Route path={`${base}/items/:item`}>
                {({ item }) => <ItemPage key={item} tenant={data} itemId={item} />}
              </Route>
              <Route path={`${base}/changes`}>
                <ChangesPage tenant={data} />
              </Route>
              <Route path={`${base}/settings`}>
                <SettingsPage tenant={data} />
              </Route>
              <Route path={`${base}/groups`}>
                <GroupsPage tenant={data} />
              </Route>
              <Route>
                <Empty title="There is no such page" />
              </Route>
            </Switch>
          </Suspense>
        </>
      )}
    </Loaded>
  );
}

const activeRuns = (tenant: Tenant) =>
  tenant.sync.kinds.flatMap(({ active_run_id: id }) => (id ? [id] : []));

/** What is stored of a tenant is read again when one of its runs starts or ends, whoever started it. */
function useRefresh(tenant: Tenant | undefined) {
  const queries = useQueryClient();
  const state = tenant && JSON.stringify([activeRuns(tenant), tenant.sync.data_as_of]);
  const before = useRef(state);
  useEffect(() => {
    if (before.current !== undefined && before.current !== state) {
      for (const key of ["inventory", "groups", "runs"]) {
        void queries.invalidateQueries({ queryKey: [key] });
      }
    }
    before.current = state;
  }, [queries, state]);
}

/** A run that is active in this tenant, with who started it. */
function ActiveRun({ runId }: { runId: string }) {
  const run = useRun(runId).data?.data;
  if (!run || run.status === "completed") return null;
  return (
    <section className="card active-run" aria-label={`Active: ${kindWords(run.kind)}`}>
      <p className="active-run-head">
        <strong>{kindWords(run.kind)}</strong>
        <RunBadge run={run} />
        <span className="quiet">
          started by {run.initiator.display}
          {run.scheduled && " by schedule"}, <Moment at={run.created_at} />
        </span>
        <Link href={`/runs/${run.id}`}>View run</Link>
      </p>
      <ProgressLine run={run} />
    </section>
  );
}

function Age({ tenant }: { tenant: Tenant }) {
  const { data_as_of: known } = tenant.sync;
  return (
    <p className="age">
      {known ? (
        <span className={isOld(tenant, Date.now()) ? "old" : ""}>
          {isOld(tenant, Date.now()) && <Icon name="warning" />}
          Data as of <Moment at={known} />
        </span>
      ) : (
        <span>Never synced: nothing is known of this tenant yet.</span>
      )}
      <span className="quiet">
        Schedule: <ScheduleSetting tenant={tenant} />
      </span>
      <span className="quiet">Your role: {readable(tenant.role)}</span>
    </p>
  );
}
