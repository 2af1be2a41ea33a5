// Changes as a feed by day, in the reader's zone.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { usePolicyTypeLabels } from "../api/queries";
import { Actors } from "../parts/actors";
import { useAddress } from "../parts/address";
import { Badge } from "../parts/badge";
import { DifferenceView } from "../parts/difference";
import { Choice, Search } from "../parts/fields";
import { Pager } from "../parts/pager";
import { Empty, Loaded } from "../parts/states";
import { Moment } from "../parts/time";
import { changeWords, count } from "../words";
import { byDay } from "./byDay";

type Change = Schemas["InventoryChange"];
type Kind = "created" | "changed" | "reassigned" | "gone" | "back";
const KINDS: Kind[] = ["created", "changed", "reassigned", "gone", "back"];
const PAGE = 50;

export default function ChangesPage({ tenant }: { tenant: Schemas["Tenant"] }) {
  const { get, filter } = useAddress();
  const [kind, actor, cursor] = [get("kind"), get("actor"), get("cursor")];
  const changes = useQuery({
    queryKey: ["inventory", tenant.id, "changes", kind, actor, cursor],
    placeholderData: (before) => before,
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-changes", {
          params: {
            path: { tenant_id: tenant.id },
            query: {
              limit: PAGE,
              ...(kind ? { kind: [kind as Kind] } : {}),
              ...(actor ? { actor } : {}),
              ...(cursor ? { cursor } : {}),
            },
          },
        }),
      ),
  });
  return (
    <>
      <div className="filters">
        <Choice
          label="Kind"
          value={kind ?? ""}
          onChange={(value) => filter({ kind: value })}
          options={[
            ["", "All changes"],
            ...KINDS.map((one): [string, string] => [one, changeWords(one)]),
          ]}
        />
        <Search
          label="Changed by"
          value={actor ?? ""}
          placeholder="Full name or id"
          onChange={(value) => filter({ actor: value }, true)}
        />
      </div>
      <Loaded query={changes}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty title="No changes">
              <p>Changes appear when a sync finds that something differs from the one before.</p>
            </Empty>
          ) : (
            <>
              {byDay(items).map(([date, ofDay], at, days) => (
                <section key={date} aria-label={date}>
                  <h2 className="day">
                    {date}{" "}
                    <span className="quiet">
                      {count(ofDay.length, "change")}
                      {next_cursor && at === days.length - 1 && " on this page"}
                    </span>
                  </h2>
                  <ul className="feed card">
                    {ofDay.map((change) => (
                      <ChangeRow key={change.id} change={change} tenantId={tenant.id} />
                    ))}
                  </ul>
                </section>
              ))}
              <Pager next={next_cursor} shown={count(items.length, "change")} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function ChangeRow({ change, tenantId }: { change: Change; tenantId: string }) {
  const label = usePolicyTypeLabels();
  const compared = change.content !== undefined || change.assignments !== undefined;
  return (
    <li>
      <div className="feed-head">
        <Badge code={change.kind} words={changeWords(change.kind)} />
        <Link href={`/tenants/${tenantId}/items/${change.item.id}`}>
          {change.item.name || change.item.external_id}
        </Link>
        <span className="quiet">{label(change.item.policy_type)}</span>
        <span className="quiet feed-when">
          <Moment at={change.occurred_at} /> ·{" "}
          <Link href={`/runs/${change.operation_run_id}`}>Run</Link>
        </span>
      </div>
      <Actors attributed={change.attributed} actors={change.actors} />
      {compared && (
        <DifferenceView
          tenantId={tenantId}
          content={change.content}
          assignments={change.assignments}
        />
      )}
    </li>
  );
}
