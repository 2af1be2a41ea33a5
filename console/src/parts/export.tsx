// A download with the caller's credential, which a link could not carry.

import { useMutation } from "@tanstack/react-query";
import { Button } from "react-aria-components/Button";
import { api, body, type Schemas } from "../api/client";

export function ExportButton({
  tenant,
  policyType,
  asOf,
}: {
  tenant: Schemas["Tenant"];
  policyType: string | undefined;
  asOf: string | undefined;
}) {
  const download = useMutation({
    mutationFn: async () => {
      const lines = await body(
        api.GET("/tenants/{tenant_id}/inventory-export", {
          params: {
            path: { tenant_id: tenant.id },
            query: {
              ...(policyType ? { policy_type: [policyType] } : {}),
              ...(asOf ? { as_of: asOf } : {}),
            },
          },
          parseAs: "blob",
        }),
      );
      await requireEnd(lines as unknown as Blob);
      save(
        lines as unknown as Blob,
        `${tenant.name}-${(asOf ?? new Date().toISOString()).slice(0, 10)}.ndjson`,
      );
    },
  });
  return (
    <div className="field">
      <Button className="button" isPending={download.isPending} onPress={() => download.mutate()}>
        {policyType ? "Export this type" : "Export all"}
      </Button>
      {download.isError && (
        <span className="old" role="alert">
          {download.error.message}
        </span>
      )}
    </div>
  );
}

const LAST_LINE = 1000;

/** An export without its last line is not complete. */
export async function requireEnd(lines: Blob): Promise<void> {
  const tail = await lines.slice(Math.max(0, lines.size - LAST_LINE)).text();
  const last = tail.trimEnd().split("\n").at(-1) ?? "";
  if (!last.includes('"line":"end"')) throw new Error("The export broke off. Try again.");
}

function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
