import type { Schemas } from "../api/client";
import type { paths } from "../api/schema";

type Query = NonNullable<
  paths["/tenants/{tenant_id}/inventory-items"]["get"]["parameters"]["query"]
>;
const PAGE = 50;
const SHORTEST_SEARCH = 3;

/** The last moment of a day in the reader's zone, or now if the day has not ended. */
export function endOfDay(day: string | undefined, now: number): string | undefined {
  if (!day || !/^\d{4}-\d\d-\d\d$/.test(day)) return undefined;
  const end = new Date(`${day}T23:59:59.999`).getTime();
  // A minute before now: the clocks of browser and API differ.
  return new Date(Math.min(end, now - 60_000)).toISOString();
}

/** What the list of items asks for, from the address. */
export function itemQuery(search: string, now: number): Query {
  const address = new URLSearchParams(search);
  const get = (name: string) => address.get(name) || undefined;
  const q = get("q")?.trim();
  const [type, category, platform, cursor] = [
    get("policy_type"),
    get("category"),
    get("platform"),
    get("cursor"),
  ];
  const asOf = endOfDay(get("day"), now);
  const show = get("show");
  return {
    limit: PAGE,
    ...(q && q.length >= SHORTEST_SEARCH ? { q } : {}),
    ...(type ? { policy_type: [type] } : {}),
    ...(category ? { category } : {}),
    ...(platform ? { platform } : {}),
    ...(cursor ? { cursor } : {}),
    ...(asOf ? { as_of: asOf } : {}),
    ...(show === "policies" ? { foundation: false } : {}),
    ...(show === "foundations" ? { foundation: true } : {}),
    ...(show === "all" || asOf ? {} : { missing: show === "deleted" }),
  };
}

export function summaryByCategory(types: Schemas["PolicyTypeSummary"][]) {
  const sums = new Map<string, number>();
  for (const type of types) {
    sums.set(type.category, (sums.get(type.category) ?? 0) + type.present);
  }
  return [...sums]
    .map(([category, present]) => ({ category, present }))
    .filter(({ present }) => present > 0)
    .sort((left, right) => right.present - left.present);
}

export function incomplete(readings: Schemas["PolicyTypeReading"][]): number {
  return readings.filter((reading) => !reading.complete).length;
}
