import { expect, test } from "vitest";
import { assignmentText } from "./difference";

test("known targets are words, others are shown as they are", () => {
  const target = (members: object) => assignmentText({ target: members });
  expect(target({ "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget" })).toBe(
    "All devices",
  );
  expect(
    target({ "@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget", groupId: "7" }),
  ).toBe("Excluded group 7");
  const named = { target: { "@odata.type": "#groupAssignmentTarget", groupId: "7" } };
  expect(assignmentText(named, new Map([["7", "Pilots"]]))).toBe("Group Pilots");
  expect(assignmentText({ users: 3 })).toBe('{"users":3}');
});
