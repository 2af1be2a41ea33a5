// A readable before and after: settings and options by name, the pointer on hover.

import type { Schemas } from "../api/client";
import { count, fieldName, valueText } from "../words";

export function DifferenceView({
  content,
  assignments,
}: {
  content: Schemas["ContentDifference"] | undefined;
  assignments: Schemas["AssignmentsDifference"] | undefined;
}) {
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
              {assignmentText(one)}
            </del>
          ))}
          {assignments.added.map((one) => (
            <ins key={JSON.stringify(one)}>
              <span className="hidden">Added: </span>
              {assignmentText(one)}
            </ins>
          ))}
        </div>
      )}
      {!content && !assignments && <p className="quiet">Nothing that is compared differs.</p>}
    </div>
  );
}

/** An assignment of Microsoft Graph in words, as far as its members are known. */
export function assignmentText(assignment: unknown): string {
  const target = (assignment as { target?: Record<string, unknown> }).target;
  const type = String(target?.["@odata.type"] ?? "");
  const group = target?.groupId;
  if (type.includes("allDevices")) return "All devices";
  if (type.includes("allLicensedUsers")) return "All users";
  if (group) return `${type.includes("exclusion") ? "Excluded group" : "Group"} ${String(group)}`;
  return JSON.stringify(assignment);
}
