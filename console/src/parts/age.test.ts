import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { behind, lastSync, olderThanDay, oldest } from "./age";

const now = Date.parse("2026-11-30T12:00:00Z");
const type = (policy_type: string, data_as_of: string | undefined, present = 1) => ({
  ...{ policy_type, label: policy_type, category: "Apps", present, missing: 0 },
  ...(data_as_of ? { data_as_of } : {}),
});
const tenant = (sync: Partial<Schemas["TenantSync"]>) =>
  ({ sync: { kinds: [], ...sync } }) as unknown as Schemas["Tenant"];

test("data is old after a day, and what was never read is not old", () => {
  expect(olderThanDay("2026-11-29T12:30:00Z", now)).toBe(false);
  expect(olderThanDay("2026-11-29T11:30:00Z", now)).toBe(true);
  expect(olderThanDay(undefined, now)).toBe(false);
});

test("types are behind that have items and were not read completely for a day", () => {
  const types = [
    type("fresh", "2026-11-30T11:00:00Z"),
    type("old", "2026-11-28T11:00:00Z"),
    type("never", undefined),
    type("without items", undefined, 0),
  ];
  expect(behind(types, now).map((one) => one.policy_type)).toEqual(["never", "old"]);
  expect(oldest(types)).toBeUndefined();
  expect(oldest(types.slice(0, 2))).toBe("2026-11-28T11:00:00Z");
});

test("the last sync is the active one, or succeeded where the last success is later than the start", () => {
  const start = { last_attempt_at: "2026-11-30T10:00:00Z" };
  expect(lastSync(tenant({}))).toBe("none");
  expect(lastSync(tenant({ ...start, active_run_id: "r" }))).toBe("active");
  expect(lastSync(tenant({ ...start, last_success_at: "2026-11-30T10:01:00Z" }))).toBe("succeeded");
  expect(lastSync(tenant({ ...start, last_success_at: "2026-11-29T10:01:00Z" }))).toBe("other");
  expect(lastSync(tenant(start))).toBe("other");
});
