// One tenant: what is known of it, and how old that is, above the pages of its parts.

import { lazy, Suspense } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import type { Schemas } from "../api/client";
import { useTenant } from "../api/queries";
import { Icon } from "../parts/icons";
import { ScheduleSetting } from "../parts/schedule";
import { Empty, Loaded, Loading } from "../parts/states";
import { SyncButton } from "../parts/sync";
import { Moment } from "../parts/time";
import InventoryPage from "./InventoryPage";
import { isOld } from "./tenantFilter";

const ItemPage = lazy(() => import("./ItemPage"));
const ChangesPage = lazy(() => import("./ChangesPage"));
const SettingsPage = lazy(() => import("./SettingsPage"));
const GroupsPage = lazy(() => import("./GroupsPage"));

export default function TenantPage({ tenantId }: { tenantId: string }) {
  const tenant = useTenant(tenantId);
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

function Age({ tenant }: { tenant: Schemas["Tenant"] }) {
  const { data_as_of: known, active_run_id: active } = tenant.sync;
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
      {active && <Link href={`/runs/${active}`}>A run is active</Link>}
      <span className="quiet">
        Schedule: <ScheduleSetting tenant={tenant} />
      </span>
      <span className="quiet">Your role: {tenant.role}</span>
    </p>
  );
}
