import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ApiError, api, body, type Schemas } from "../api/client";
import { useInventorySummary, usePolicyTypeLabels } from "../api/queries";
import { Actors } from "../parts/actors";
import { useAddress } from "../parts/address";
import { olderThanDay } from "../parts/age";
import { Badge } from "../parts/badge";
import { assignmentText, DifferenceView } from "../parts/difference";
import { Icon } from "../parts/icons";
import { ItemLinks } from "../parts/itemLinks";
import { Loaded } from "../parts/states";
import { day, Moment, useNow } from "../parts/time";
import { Values } from "../parts/values";
import { isNamed, platformWords } from "../words";
import { endOfDay } from "./inventoryQuery";

type Tenant = Schemas["Tenant"];

export default function ItemPage({ tenant, itemId }: { tenant: Tenant; itemId: string }) {
  const { get } = useAddress();
  const label = usePolicyTypeLabels();
  const asOf = endOfDay(get("day"), Date.now());
  const params = {
    path: { tenant_id: tenant.id, item_id: itemId },
    query: asOf ? { as_of: asOf } : {},
  };
  const item = useQuery({
    queryKey: ["inventory", tenant.id, "item", itemId, get("day")],
    queryFn: () => body(api.GET("/tenants/{tenant_id}/inventory-items/{item_id}", { params })),
  });
  const content = useQuery({
    queryKey: ["inventory", tenant.id, "content", itemId, get("day")],
    queryFn: async () => {
      try {
        return await body(
          api.GET("/tenants/{tenant_id}/inventory-items/{item_id}/content", { params }),
        );
      } catch (error) {
        if (error instanceof ApiError && error.problem?.status === 404) return null;
        throw error;
      }
    },
  });
  return (
    <Loaded query={item}>
      {(data) => (
        <>
          <div className="item-head">
            <h2>{isNamed(data) ? data.name : label(data.policy_type)}</h2>
            {data.missing_since && <Badge code="gone" words="Deleted" />}
            <p className="quiet">
              {label(data.policy_type)}
              {data.platform && ` · ${platformWords(data.platform)}`} · changed{" "}
              <Moment at={data.changed_at} />
              {data.missing_since && (
                <>
                  {" "}
                  · not found since <Moment at={data.missing_since} />
                </>
              )}
            </p>
            <ItemAge tenantId={tenant.id} item={data} />
            <p className="quiet">
              Id in Microsoft Graph: <code>{data.external_id}</code>
            </p>
            {asOf && (
              <p className="notice busy">
                As it was known at the end of {day(asOf)}.{" "}
                <Link href={`/tenants/${tenant.id}/items/${itemId}`}>Show today</Link>
              </p>
            )}
          </div>
          <div className="columns">
            <section aria-labelledby="values">
              <h3 id="values">Values</h3>
              <Loaded query={content}>
                {(found) =>
                  found ? (
                    <Values content={found} tenantId={tenant.id} />
                  ) : (
                    <p className="quiet">The content of this item is not stored.</p>
                  )
                }
              </Loaded>
            </section>
            <div>
              {asOf ? (
                <Loaded query={content} rows={2}>
                  {(found) => <AssignmentsThen content={found} />}
                </Loaded>
              ) : (
                <ItemLinks tenantId={tenant.id} itemId={itemId} />
              )}
              <Versions tenantId={tenant.id} itemId={itemId} />
            </div>
          </div>
        </>
      )}
    </Loaded>
  );
}

/** When it was last read, and whether its policy type was read completely since. */
function ItemAge({ tenantId, item }: { tenantId: string; item: Schemas["InventoryItem"] }) {
  const now = useNow(60_000);
  const summary = useInventorySummary(tenantId).data;
  const type = summary?.types.find((one) => one.policy_type === item.policy_type);
  const complete = item.reading ? item.reading.completed_at : type?.data_as_of;
  const partly = item.reading
    ? !item.reading.complete
    : type !== undefined && (complete === undefined || complete < item.last_seen_at);
  const old = !item.reading && !item.missing_since && olderThanDay(item.last_seen_at, now);
  return (
    <p className={old || partly ? "old" : "quiet"}>
      {(old || partly) && <Icon name="warning" />}
      Last read <Moment at={item.last_seen_at} />
      {partly && ", when its policy type could not be read completely"}
      {!partly && complete && !item.missing_since && "; its policy type was read completely"}
      {old && ". It may have changed since: sync the tenant to read it again"}.
    </p>
  );
}

/** Assignments as they were known at an earlier time. */
function AssignmentsThen({ content }: { content: Schemas["InventoryItemContent"] | null }) {
  const names = new Map(content?.assignment_targets.map((one) => [one.id, one.name]));
  const assignments = content?.assignments;
  return (
    <section>
      <h3>Assignments</h3>
      {assignments === undefined && <p className="quiet">Not known at that time.</p>}
      {assignments?.length === 0 && <p className="quiet">Not assigned.</p>}
      {assignments !== undefined && assignments.length > 0 && (
        <ul className="links card">
          {assignments.map((one) => (
            <li key={JSON.stringify(one)}>{assignmentText(one, names)}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Versions({ tenantId, itemId }: { tenantId: string; itemId: string }) {
  const { get, withParameters } = useAddress();
  const path = { tenant_id: tenantId, item_id: itemId };
  const versions = useQuery({
    queryKey: ["inventory", tenantId, "versions", itemId],
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-items/{item_id}/versions", {
          params: { path, query: { limit: 50 } },
        }),
      ),
  });
  const open = get("version");
  return (
    <section aria-labelledby="versions">
      <h3 id="versions">Versions</h3>
      <Loaded query={versions} rows={2}>
        {({ items }) => (
          <ol className="versions card">
            {items.map((version) => (
              <li key={version.number}>
                <div className="version-head">
                  <strong>Version {version.number}</strong>
                  <span className="quiet">
                    <Moment at={version.valid_from} />
                  </span>
                  {version.operation_run_id && (
                    <Link href={`/runs/${version.operation_run_id}`}>Run</Link>
                  )}
                  {version.number > 1 && (
                    <Link
                      href={withParameters({
                        version:
                          open === String(version.number) ? undefined : String(version.number),
                      })}
                    >
                      {open === String(version.number) ? "Hide difference" : "What changed"}
                    </Link>
                  )}
                </div>
                <Actors attributed={version.attributed} actors={version.actors} />
                {open === String(version.number) && (
                  <Difference path={path} number={version.number} />
                )}
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </section>
  );
}

function Difference({
  path,
  number,
}: {
  path: { tenant_id: string; item_id: string };
  number: number;
}) {
  const difference = useQuery({
    queryKey: ["inventory", path.tenant_id, "difference", path.item_id, number],
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-items/{item_id}/versions/{version_number}/diff", {
          params: {
            path: { ...path, version_number: number },
            query: { against: String(number - 1) },
          },
        }),
      ),
  });
  return (
    <Loaded query={difference} rows={2}>
      {(found) => (
        <DifferenceView
          tenantId={path.tenant_id}
          content={found.content}
          assignments={found.assignments}
        />
      )}
    </Loaded>
  );
}
