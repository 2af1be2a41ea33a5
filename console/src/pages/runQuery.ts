import type { paths } from "../api/schema";

type Query = NonNullable<paths["/operation-runs"]["get"]["parameters"]["query"]>;
const PAGE = 30;

/** What the list of runs asks for. `state` of the address stands for a status or an outcome. */
export function runQuery(search: string): Query {
  const address = new URLSearchParams(search);
  const get = (name: string) => address.get(name) ?? undefined;
  const [tenant, kind, state] = [get("tenant_id"), get("kind"), get("state")];
  const [initiator, cursor] = [get("initiator"), get("cursor")];
  return {
    limit: PAGE,
    ...(tenant ? { tenant_id: [tenant] } : {}),
    ...(kind ? { kind: [kind] as Query["kind"] & object } : {}),
    ...(state === "active" ? { status: ["queued" as const, "running" as const] } : {}),
    ...(state && state !== "active" ? { outcome: [state] as Query["outcome"] & object } : {}),
    ...(initiator ? { initiator } : {}),
    ...(cursor ? { cursor } : {}),
  };
}
