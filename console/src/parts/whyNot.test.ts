import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { whyNot } from "./whyNot";

const tenant = (over: Partial<Schemas["Tenant"]>) =>
  ({
    role: "operator",
    enabled: true,
    connected: true,
    permissions: ["can_sync_tenant"],
    ...over,
  }) as Schemas["Tenant"];

test("a member with the permission may sync", () => {
  expect(whyNot(tenant({}))).toBeUndefined();
});

test("a readonly member reads which roles may", () => {
  expect(whyNot(tenant({ role: "readonly", permissions: [] }))).toContain("readonly");
});

test("a tenant without credentials, or a disabled one, says so", () => {
  expect(whyNot(tenant({ connected: false }))).toContain("credentials");
  expect(whyNot(tenant({ enabled: false }))).toContain("disabled");
});
