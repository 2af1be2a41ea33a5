import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ApiError, api, body, type Schemas } from "../api/client";
import { usePolicyTypeLabels } from "../api/queries";
import { Actors } from "../parts/actors";
import { useAddress } from "../parts/address";
import { Badge } from "../parts/badge";
import { DifferenceView } from "../parts/difference";
import { ItemLinks } from "../parts/itemLinks";
import { Loaded } from "../parts/states";
import { day, Moment } from "../parts/time";
import { Values } from "../parts/values";
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
            <h2>{data.name || data.external_id}</h2>
            {data.missing_since && <Badge code="gone" words="Deleted" />}
            <p className="quiet">
              {label(data.policy_type)}
              {data.platform && ` · ${data.platform}`} · changed <Moment at={data.changed_at} /> ·
              last seen <Moment at={data.last_seen_at} />
              {data.reading && !data.reading.complete && " · the last reading was not complete"}
              {data.missing_since && (
                <>
                  {" "}
                  · not found since <Moment at={data.missing_since} />
                </>
              )}
            </p>
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
              <ItemLinks tenantId={tenant.id} itemId={itemId} />
              <Versions tenantId={tenant.id} itemId={itemId} />
            </div>
          </div>
        </>
      )}
    </Loaded>
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
