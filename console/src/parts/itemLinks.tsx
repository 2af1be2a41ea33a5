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
const ASSIGNMENTS = ["assigned_to", "excluded_from"];

/** Groups that stand for everybody have words for identifiers. */
export function targetName(target: Schemas["LinkTarget"]): string {
  return target.name ?? (target.kind === "virtual_group" ? readable(target.id) : target.id);
}

export function grouped(links: InventoryLink[]) {
  const out = links.filter((link) => link.direction !== "in");
  return {
    assignments: out.filter((link) => ASSIGNMENTS.includes(link.kind)),
    uses: out.filter((link) => !ASSIGNMENTS.includes(link.kind)),
    usedBy: links.filter((link) => link.direction === "in"),
  };
}

export function ItemLinks({ tenantId, itemId }: { tenantId: string; itemId: string }) {
  const links = useQuery({
    queryKey: ["inventory", tenantId, "links", itemId],
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-items/{item_id}/links", {
          params: { path: { tenant_id: tenantId, item_id: itemId }, query: { limit: PAGE } },
        }),
      ),
  });
  return (
    <Loaded query={links} rows={3}>
      {({ items, next_cursor }) => {
        const { assignments, uses, usedBy } = grouped(items);
        return (
          <>
            <LinkList
              title="Assignments"
              none="Not assigned."
              links={assignments}
              tenantId={tenantId}
            />
            {uses.length > 0 && <LinkList title="Uses" links={uses} tenantId={tenantId} />}
            {usedBy.length > 0 && <LinkList title="Used by" links={usedBy} tenantId={tenantId} />}
            {next_cursor && (
              <p className="quiet">Only the first {count(PAGE, "link")} are shown.</p>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function LinkList({
  title,
  none,
  links,
  tenantId,
}: {
  title: string;
  none?: string;
  links: InventoryLink[];
  tenantId: string;
}) {
  const label = usePolicyTypeLabels();
  return (
    <section>
      <h3>{title}</h3>
      {links.length === 0 && <p className="quiet">{none}</p>}
      {links.length > 0 && (
        <ul className="links card">
          {links.map((link) => {
            const inward = link.direction === "in";
            const id = inward ? link.item.id : link.target.item_id;
            const name = inward ? link.item.name : targetName(link.target);
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
