import type { Schemas } from "../api/client";

/** Why this member cannot sync this tenant; undefined if they can. */
export function whyNot(tenant: Schemas["Tenant"]): string | undefined {
  if (!tenant.permissions.includes("can_sync_tenant")) {
    return `Your role here is ${tenant.role}. Operators, managers and owners can sync.`;
  }
  if (!tenant.enabled) return "This tenant is disabled.";
  if (!tenant.connected) return "This tenant has no credentials for Microsoft Graph.";
  return undefined;
}
