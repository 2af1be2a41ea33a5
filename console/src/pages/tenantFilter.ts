import type { Schemas } from "../api/client";
import { isOld, lastSync } from "../parts/age";
import { whyNot } from "../parts/whyNot";

type Tenant = Schemas["Tenant"];

/** The tenants whose name or directory id contains the text, of one of the page's kinds. */
export function filterTenants(
  tenants: Tenant[],
  text: string,
  show: string,
  now: number,
): Tenant[] {
  const wanted = text.trim().toLowerCase();
  return tenants.filter((tenant) => {
    const named =
      tenant.name.toLowerCase().includes(wanted) || tenant.directory_id.startsWith(wanted);
    if (!named) return false;
    switch (show) {
      case "active":
        return tenant.sync.active_run_id !== undefined;
      case "old":
        return isOld(tenant, now);
      case "never":
        return tenant.sync.data_as_of === undefined;
      case "problem":
        return lastSync(tenant) === "other";
      case "cannot":
        return whyNot(tenant) !== undefined;
      default:
        return true;
    }
  });
}
