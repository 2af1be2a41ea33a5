import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { filterTenants } from "./tenantFilter";

const now = Date.parse("2026-11-30T12:00:00Z");
const tenant = (name: string, sync: Schemas["TenantSync"]) =>
  ({
    name,
    sync,
    directory_id: `${name.length}fff`,
    enabled: true,
    connected: true,
    permissions: ["can_sync_tenant"],
  }) as Schemas["Tenant"];
const tenants = [
  tenant("Contoso", { kinds: [], data_as_of: "2026-11-30T11:00:00Z", active_run_id: "r" }),
  tenant("Fabrikam", { kinds: [], data_as_of: "2026-11-20T11:00:00Z" }),
  tenant("Litware", { kinds: [], last_attempt_at: "2026-11-20T11:00:00Z" }),
];
const names = (text: string, show: string) =>
  filterTenants(tenants, text, show, now).map((one) => one.name);

test("finds names in any case, and directory ids by their beginning", () => {
  expect(names("FABRI", "all")).toEqual(["Fabrikam"]);
  expect(names("8ff", "all")).toEqual(["Fabrikam"]);
});

test("old data, never synced and active are different things", () => {
  expect(names("", "old")).toEqual(["Fabrikam"]);
  expect(names("", "never")).toEqual(["Litware"]);
  expect(names("", "problem")).toEqual(["Litware"]);
  expect(names("", "active")).toEqual(["Contoso"]);
});
