// What a page says when all that it shows is older than a day: how old it is, and what to do.

import { Link } from "wouter";
import type { Schemas } from "../api/client";
import { isOld, lastSync } from "./age";
import { Icon } from "./icons";
import { Moment, useNow } from "./time";
import { whyNot } from "./whyNot";

export function OldData({ tenant }: { tenant: Schemas["Tenant"] }) {
  const now = useNow(60_000);
  const { data_as_of: known } = tenant.sync;
  if (!known || !isOld(tenant, now)) return null;
  return (
    <section className="notice warning old-data" aria-label="Old data">
      <Icon name="warning" />
      <div>
        <p>
          <strong>
            This data is older than a day: it is from <Moment at={known} />.
          </strong>{" "}
          What has changed in the tenant since then is not shown.
        </p>
        <p>
          <WhatToDo tenant={tenant} />
        </p>
      </div>
    </section>
  );
}

function WhatToDo({ tenant }: { tenant: Schemas["Tenant"] }) {
  const last = lastSync(tenant);
  const reason = whyNot(tenant);
  const runs = `/runs?tenant_id=${tenant.id}&kind=inventory_sync`;
  if (last === "active") {
    return (
      <>
        A sync is active, and brings it up to date.{" "}
        <Link href={`/runs/${tenant.sync.active_run_id}`}>View run</Link>
      </>
    );
  }
  return (
    <>
      {last === "other" && (
        <>
          The last sync did not succeed: <Link href={runs}>see why</Link>.{" "}
        </>
      )}
      {reason ?? "Press Sync to read it again; a schedule keeps it up to date."}
    </>
  );
}
