// All tenants of the caller: how old the data is, what came of the last sync, what is running.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { useMe, useTenants } from "../api/queries";
import { updates } from "../live/useActiveRuns";
import { useAddress } from "../parts/address";
import { Badge, RunBadge } from "../parts/badge";
import { Choice, Search } from "../parts/fields";
import { Icon } from "../parts/icons";
import { ScheduleWords } from "../parts/schedule";
import { Empty, Loaded } from "../parts/states";
import { SyncButton, startInventorySync } from "../parts/sync";
import { Moment } from "../parts/time";
import { useVisible } from "../parts/useVisible";
import { whyNot } from "../parts/whyNot";
import { count } from "../words";
import { filterTenants, isOld } from "./tenantFilter";

type Tenant = Schemas["Tenant"];

/** How many rows are shown at first, and how many more each time. */
const ROWS = 200;

export function TenantsPage() {
  const { get, filter } = useAddress();
  const text = get("q") ?? "";
  const show = get("show") ?? "all";
  // A search is one of all tenants, so all of them are read for it.
  const tenants = useTenants(text !== "" || show !== "all");
  const total = useMe().data?.tenant_count;
  const [most, setMost] = useState(ROWS);
  return (
    <>
      <div className="page-head">
        <h1>Tenants</h1>
      </div>
      <div className="filters">
        <Search
          label="Search"
          value={text}
          onChange={(q) => filter({ q }, true)}
          placeholder="Name or directory id"
        />
        <Choice
          label="Show"
          value={show}
          onChange={(value) => filter({ show: value === "all" ? undefined : value })}
          options={[
            ["all", "All tenants"],
            ["active", "With an active run"],
            ["old", "Data older than a day"],
            ["never", "Never synced"],
            ["cannot", "That cannot be synced"],
          ]}
        />
      </div>
      <Loaded query={tenants}>
        {({ pages }) => {
          const all = pages.flatMap((page) => page.items);
          if (all.length === 0) {
            return (
              <Empty title="You are not a member of any tenant">
                <p>
                  An owner can add you with <code>atlas member set</code>.
                </p>
              </Empty>
            );
          }
          const found = filterTenants(all, text, show, Date.now());
          const shown = found.slice(0, most);
          const unread = text === "" && show === "all" ? (total ?? 0) - all.length : 0;
          return (
            <>
              <SyncPage tenants={shown} found={found.length + Math.max(unread, 0)} />
              {shown.length === 0 ? (
                <Empty title="No tenant matches" />
              ) : (
                <TenantTable tenants={shown} />
              )}
              {(found.length > most || tenants.hasNextPage) && (
                <Button
                  className="button more-rows"
                  isPending={tenants.isFetchingNextPage}
                  onPress={() => {
                    setMost(most + ROWS);
                    if (tenants.hasNextPage) void tenants.fetchNextPage();
                  }}
                >
                  Show more tenants
                </Button>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

/** Starts a sync of every tenant that the page shows and that the caller may sync. */
function SyncPage({ tenants, found }: { tenants: Tenant[]; found: number }) {
  const can = tenants.filter((tenant) => whyNot(tenant) === undefined);
  const start = useMutation({
    mutationFn: async () => {
      const ended = await Promise.allSettled(can.map((tenant) => startInventorySync(tenant.id)));
      const started = ended.filter((one) => one.status === "fulfilled").map((one) => one.value);
      const joined = started.filter((one) => one.disposition === "joined").length;
      return { created: started.length - joined, joined, failed: ended.length - started.length };
    },
    onSettled: () => updates.wake(),
  });
  return (
    <div className="table-head">
      <span className="quiet" role="status">
        {found > tenants.length && `${tenants.length.toLocaleString()} of `}
        {count(found, "tenant")}
      </span>
      <div className="sync row">
        <span role="status" className="started">
          {start.data && (
            <>
              {start.data.created} queued, {start.data.joined} joined
              {start.data.failed > 0 && `, ${start.data.failed} failed`}.{" "}
              <Link href="/runs?initiator=me">View runs</Link>
            </>
          )}
        </span>
        {can.length > 1 && (
          <Button className="button" isPending={start.isPending} onPress={() => start.mutate()}>
            <Icon name="sync" /> Sync these {can.length}
          </Button>
        )}
      </div>
    </div>
  );
}

function TenantTable({ tenants }: { tenants: Tenant[] }) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col">Data as of</th>
          <th scope="col">Last run</th>
          <th scope="col">Schedule</th>
          <th scope="col">
            <span className="hidden">Sync</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tenants.map((tenant) => (
          <TenantRow key={tenant.id} tenant={tenant} />
        ))}
      </tbody>
    </table>
  );
}

/** Its schedule and last run are only asked for while it is on the screen: there may be a thousand. */
function TenantRow({ tenant }: { tenant: Tenant }) {
  const [row, visible] = useVisible<HTMLTableRowElement>();
  return (
    <tr ref={row}>
      <th scope="row">
        <Link href={`/tenants/${tenant.id}`}>{tenant.name}</Link>
        <span className="quiet sub">
          {tenant.role}
          {!tenant.enabled && <Badge code="failed" words="Disabled" />}
          {!tenant.connected && <Badge code="failed" words="No credentials" />}
        </span>
      </th>
      <td data-label="Data as of">
        {tenant.sync.data_as_of ? (
          <span className={isOld(tenant, Date.now()) ? "old" : ""}>
            {isOld(tenant, Date.now()) && <Icon name="warning" />}
            <Moment at={tenant.sync.data_as_of} />
          </span>
        ) : (
          <span className="quiet">Never synced</span>
        )}
      </td>
      <td data-label="Last run">
        <LastRun tenant={tenant} visible={visible} />
      </td>
      <td data-label="Schedule">
        <ScheduleWords tenantId={tenant.id} visible={visible} />
      </td>
      <td className="table-action">
        <SyncButton tenant={tenant} small />
      </td>
    </tr>
  );
}

/** The active run, else the last one that ended, with what it could not read. */
function LastRun({ tenant, visible }: { tenant: Tenant; visible: boolean }) {
  const last = useQuery({
    queryKey: ["runs", "last", tenant.id],
    enabled: visible && tenant.sync.last_attempt_at !== undefined,
    staleTime: 60_000,
    queryFn: async () => {
      const query = { tenant_id: [tenant.id], kind: ["inventory_sync" as const], limit: 1 };
      const page = await body(api.GET("/operation-runs", { params: { query } }));
      return page.items[0] ?? null;
    },
  });
  const run = last.data;
  if (!run) return <span className="quiet">{tenant.sync.last_attempt_at ? "…" : "None"}</span>;
  const unread = (run.counts?.types_failed ?? 0) + (run.counts?.types_incomplete ?? 0);
  return (
    <Link className="plain" href={`/runs/${run.id}`}>
      <RunBadge run={run} />
      {unread > 0 && <span className="quiet"> {count(unread, "type")} incomplete</span>}
    </Link>
  );
}
