import type { Schemas } from "../api/client";

type Tenant = Schemas["Tenant"];

/** Whether the member's role is what is missing. */
export function lacksPermission(tenant: Tenant): boolean {
  return !tenant.permissions.includes("can_sync_tenant");
}

/** Why this member cannot sync this tenant; undefined if they can. */
export function whyNot(tenant: Tenant): string | undefined {
  if (lacksPermission(tenant)) {
    return `Your role here is ${tenant.role}. Operators, managers and owners can sync.`;
  }
  if (!tenant.enabled) return "This tenant is disabled.";
  if (!tenant.connected) return "This tenant has no credentials for Microsoft Graph.";
  return undefined;
}
