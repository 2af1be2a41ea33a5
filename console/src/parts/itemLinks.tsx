// Links of an item both ways, assignments first.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { usePolicyTypeLabels } from "../api/queries";
import { count, readable } from "../words";
import { Badge } from "./badge";
import { Loaded } from "./states";

type InventoryLink = Schemas["InventoryLink"];
const PAGE = 200;
/** A scope tag is used by thousands of items. */
const USED_BY = 50;
const ASSIGNMENTS = ["assigned_to", "excluded_from"];

/** Groups that stand for everybody have words for identifiers. */
export function targetName(target: Schemas["LinkTarget"]): string {
  return target.name ?? (target.kind === "virtual_group" ? readable(target.id) : target.id);
}

function useLinks(tenantId: string, itemId: string, direction: "out" | "in", limit: number) {
  return useQuery({
    queryKey: ["inventory", tenantId, "links", itemId, direction],
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-items/{item_id}/links", {
          params: { path: { tenant_id: tenantId, item_id: itemId }, query: { direction, limit } },
        }),
      ),
  });
}

export function ItemLinks({ tenantId, itemId }: { tenantId: string; itemId: string }) {
  const links = useLinks(tenantId, itemId, "out", PAGE);
  const usedBy = useLinks(tenantId, itemId, "in", USED_BY);
  return (
    <>
      <Loaded query={links} rows={3}>
        {({ items, next_cursor }) => {
          const assignments = items.filter((link) => ASSIGNMENTS.includes(link.kind));
          const uses = items.filter((link) => !ASSIGNMENTS.includes(link.kind));
          return (
            <>
              <LinkList
                title="Assignments"
                none="Not assigned."
                links={assignments}
                tenantId={tenantId}
              />
              {uses.length > 0 && <LinkList title="Uses" links={uses} tenantId={tenantId} />}
              {next_cursor && <First of={PAGE} />}
            </>
          );
        }}
      </Loaded>
      <Loaded query={usedBy} rows={2}>
        {({ items, next_cursor }) =>
          items.length > 0 && (
            <>
              <LinkList title="Used by" links={items} tenantId={tenantId} inward />
              {next_cursor && <First of={USED_BY} />}
            </>
          )
        }
      </Loaded>
    </>
  );
}

function First({ of }: { of: number }) {
  return <p className="quiet">Only the first {count(of, "link")} are shown.</p>;
}

function LinkList({
  title,
  none,
  links,
  tenantId,
  inward = false,
}: {
  title: string;
  none?: string;
  links: InventoryLink[];
  tenantId: string;
  /** Whether they are links of other items to this one. */
  inward?: boolean;
}) {
  const label = usePolicyTypeLabels();
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {links.length === 0 && <p className="quiet">{none}</p>}
      {links.length > 0 && (
        <ul className="links card">
          {links.map((link) => {
            const id = inward ? link.item.id : link.target.item_id;
            const name = inward ? link.item.name || link.item.external_id : targetName(link.target);
            const type = inward ? label(link.item.policy_type) : readable(link.target.kind);
            return (
              <li key={link.id}>
                <span>
                  {id ? <Link href={`/tenants/${tenantId}/items/${id}`}>{name}</Link> : name}
                  <span className="quiet sub">{type}</span>
                </span>
                {link.dangling && <Badge code="failed" words="Does not exist" />}
                {link.kind === "excluded_from" && (
                  <Badge code="partially_succeeded" words="Excluded" />
                )}
                {!ASSIGNMENTS.includes(link.kind) && (
                  <span className="quiet">{readable(link.kind)}</span>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
