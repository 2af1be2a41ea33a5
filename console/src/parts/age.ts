// How old data may be before a page warns of it.

import type { Schemas } from "../api/client";

type Tenant = Schemas["Tenant"];
type TypeSummary = Schemas["PolicyTypeSummary"];
const DAY = 86_400_000;

/** Whether it was known more than a day ago. */
export function olderThanDay(at: string | undefined, now: number): boolean {
  return at !== undefined && now - new Date(at).getTime() > DAY;
}

export function isOld(tenant: Tenant, now: number): boolean {
  return olderThanDay(tenant.sync.data_as_of, now);
}

/** The policy types with items that no sync has read completely within a day, the oldest first. */
export function behind(types: TypeSummary[], now: number): TypeSummary[] {
  return types
    .filter(({ present, missing }) => present + missing > 0)
    .filter(({ data_as_of: at }) => at === undefined || olderThanDay(at, now))
    .sort((left, right) => (left.data_as_of ?? "").localeCompare(right.data_as_of ?? ""));
}

/** When the oldest of the policy types with items was last read completely. */
export function oldest(types: TypeSummary[]): string | undefined {
  const read = types.filter(({ present, missing }) => present + missing > 0);
  return read.map((type) => type.data_as_of ?? "").sort()[0] || undefined;
}

/** How the last inventory sync of a tenant ended, as far as the tenant says. */
export type LastSync = "active" | "succeeded" | "other" | "none";

export function lastSync({ sync }: Tenant): LastSync {
  if (sync.active_run_id) return "active";
  if (!sync.last_attempt_at) return "none";
  const succeeded =
    sync.last_success_at !== undefined && sync.last_success_at >= sync.last_attempt_at;
  return succeeded ? "succeeded" : "other";
}
