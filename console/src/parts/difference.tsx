// A readable before and after: settings and options by name, the pointer on hover.

import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";
import { count, fieldName, valueText } from "../words";

export function DifferenceView({
  content,
  assignments: compared,
  tenantId,
}: {
  tenantId: string;
  content: Schemas["ContentDifference"] | undefined;
  assignments: Schemas["AssignmentsDifference"] | undefined;
}) {
  // Absent is unknown; present without entries is known to be the same.
  const assignments =
    compared && compared.added_count + compared.removed_count > 0 ? compared : undefined;
  const names = useGroupNames(tenantId, [
    ...(assignments?.added ?? []),
    ...(assignments?.removed ?? []),
  ]);
  return (
    <div className="difference">
      {content?.fields.map((field) => (
        <div className="field-change" key={field.field}>
          <p title={field.field}>{field.setting?.name ?? fieldName(field.field)}</p>
          {"old" in field && (
            <del>
              <span className="hidden">Before: </span>
              {valueText(field.old, field.options)}
            </del>
          )}
          {"new" in field && (
            <ins>
              <span className="hidden">After: </span>
              {valueText(field.new, field.options)}
            </ins>
          )}
        </div>
      ))}
      {content && content.field_count > content.fields.length && (
        <p className="quiet">
          and {count(content.field_count - content.fields.length, "more field")}
        </p>
      )}
      {assignments && (
        <div className="field-change">
          <p>Assignments</p>
          {assignments.removed.map((one) => (
            <del key={JSON.stringify(one)}>
              <span className="hidden">Removed: </span>
              {assignmentText(one, names)}
            </del>
          ))}
          {assignments.added.map((one) => (
            <ins key={JSON.stringify(one)}>
              <span className="hidden">Added: </span>
              {assignmentText(one, names)}
            </ins>
          ))}
        </div>
      )}
      {!content && !assignments && <p className="quiet">Nothing that is compared differs.</p>}
    </div>
  );
}

function groupId(assignment: unknown): string | undefined {
  const { target } = assignment as { target?: { groupId?: unknown } };
  return typeof target?.groupId === "string" ? target.groupId : undefined;
}

/** Names of the assigned groups, from what is stored of the directory. */
function useGroupNames(tenantId: string, assignments: unknown[]): Map<string, string> {
  const ids = [...new Set(assignments.map(groupId))].filter((id) => id !== undefined).sort();
  const resolved = useQuery({
    queryKey: ["groups", tenantId, "names", ids],
    enabled: ids.length > 0,
    staleTime: 5 * 60_000,
    queryFn: () =>
      body(
        api.POST("/tenants/{tenant_id}/directory-groups/resolve", {
          params: { path: { tenant_id: tenantId } },
          body: { ids: ids.slice(0, 100) },
        }),
      ),
  });
  return new Map(resolved.data?.items.map((group) => [group.id, group.name]));
}

/** An assignment of Microsoft Graph in words, as far as its members are known. */
export function assignmentText(
  assignment: unknown,
  names: Map<string, string> = new Map(),
): string {
  const target = (assignment as { target?: Record<string, unknown> }).target;
  const type = String(target?.["@odata.type"] ?? "");
  const group = groupId(assignment);
  if (type.includes("allDevices")) return "All devices";
  if (type.includes("allLicensedUsers")) return "All users";
  if (group)
    return `${type.includes("exclusion") ? "Excluded group" : "Group"} ${names.get(group) ?? group}`;
  return JSON.stringify(assignment);
}
