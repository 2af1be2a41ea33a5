// All tenants of the caller: how old the data is, what came of the last sync, what is running.

import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import type { Schemas } from "../api/client";
import { useMe, useTenants } from "../api/queries";
import { updates } from "../live/useActiveRuns";
import { useAddress } from "../parts/address";
import { isOld } from "../parts/age";
import { Badge } from "../parts/badge";
import { Choice, Search } from "../parts/fields";
import { Icon } from "../parts/icons";
import { inTurns } from "../parts/inTurns";
import { LastSyncWords, useLastProblems } from "../parts/lastSync";
import { ScheduleWords } from "../parts/schedule";
import { Empty, Loaded } from "../parts/states";
import { SyncButton, startInventorySync } from "../parts/sync";
import { Moment } from "../parts/time";
import { useVisible } from "../parts/useVisible";
import { whyNot } from "../parts/whyNot";
import { count, readable } from "../words";
import { filterTenants } from "./tenantFilter";

type Tenant = Schemas["Tenant"];

/** How many rows are shown at first, and how many more each time. */
const ROWS = 200;

export function TenantsPage() {
  const { get, filter } = useAddress();
  const text = get("q") ?? "";
  const show = get("show") ?? "all";
  // A search is one of all tenants, so all of them are read for it.
  const tenants = useTenants({ all: text !== "" || show !== "all", live: true });
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
            ["problem", "Last sync did not succeed"],
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
              {show !== "old" && <OldTenants tenants={all} more={tenants.hasNextPage} />}
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

/** How many tenants have old data, and the way to those, where one button syncs them. */
function OldTenants({ tenants, more }: { tenants: Tenant[]; more: boolean }) {
  const { withParameters } = useAddress();
  const old = tenants.filter((tenant) => isOld(tenant, Date.now())).length;
  if (old === 0) return null;
  const them = old === 1 && !more ? "it" : "them";
  return (
    <section className="notice warning old-data" aria-label="Old data">
      <Icon name="warning" />
      <p>
        The data of {more && "at least "}
        {count(old, "tenant")} is older than a day.{" "}
        <Link href={withParameters({ show: "old" })}>Show {them}</Link> to sync {them}.
      </p>
    </section>
  );
}

/** Starts a sync of every tenant that the page shows and that the caller may sync. */
function SyncPage({ tenants, found }: { tenants: Tenant[]; found: number }) {
  const can = tenants.filter((tenant) => whyNot(tenant) === undefined);
  const start = useMutation({
    mutationFn: async () => {
      const ended = await inTurns(can, (tenant) => startInventorySync(tenant.id));
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
            <Icon name="sync" /> Sync these {can.length.toLocaleString()}
          </Button>
        )}
      </div>
    </div>
  );
}

function TenantTable({ tenants }: { tenants: Tenant[] }) {
  const problems = useLastProblems(tenants);
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col">Data as of</th>
          <th scope="col">Last sync</th>
          <th scope="col">Schedule</th>
          <th scope="col">
            <span className="hidden">Sync</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tenants.map((tenant) => (
          <TenantRow key={tenant.id} tenant={tenant} problem={problems.get(tenant.id)} />
        ))}
      </tbody>
    </table>
  );
}

/** Its schedule is only asked for while it is on the screen: there may be a thousand. */
function TenantRow({
  tenant,
  problem,
}: {
  tenant: Tenant;
  problem: Schemas["OperationRun"] | undefined;
}) {
  const [row, visible] = useVisible<HTMLTableRowElement>();
  return (
    <tr ref={row}>
      <th scope="row">
        <Link href={`/tenants/${tenant.id}`}>{tenant.name}</Link>
        <span className="quiet sub">
          {readable(tenant.role)}
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
      <td data-label="Last sync">
        <LastSyncWords tenant={tenant} problem={problem} />
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
