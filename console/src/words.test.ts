import { expect, test } from "vitest";
import {
  count,
  fieldName,
  isNamed,
  platformWords,
  readable,
  stateOf,
  valueText,
  waitWords,
} from "./words";

test("a code without words is still readable", () => {
  expect(readable("quota_left")).toBe("Quota left");
  expect(readable("roleScopeTagIds")).toBe("Role Scope Tag Ids");
  expect(waitWords("solar_flare")).toBe("Solar flare");
});

test("a completed run is shown by its outcome", () => {
  expect(stateOf({ status: "completed", outcome: "partially_succeeded" })).toBe(
    "partially_succeeded",
  );
  expect(stateOf({ status: "queued" })).toBe("queued");
});

test("a pointer becomes a name with its escapes resolved", () => {
  expect(fieldName("/templateReference/templateId")).toBe("Template Reference › Template Id");
  expect(fieldName("/a~1b")).toBe("A/b");
});

test("values are shown by the names of their options", () => {
  const options = [{ id: "x_0", name: "Block" }];
  expect(valueText("x_0", options)).toBe("Block");
  expect(valueText(["x_0", "x_1"], options)).toBe("Block, x_1");
  expect(valueText(false)).toBe("No");
  expect(valueText([])).toBe("None");
  expect(valueText("")).toBe("Empty");
  expect(valueText("withheld, 52e0")).toBe("Redacted (52e0)");
});

test("an object is an outline", () => {
  expect(valueText([{ actionType: "block", configurations: [{ hours: 24 }], ccList: [] }])).toBe(
    "1\n   Action Type: block\n   Configurations\n      1\n         Hours: 24\n   Cc List: None",
  );
});

test("platforms have their makers' spelling, and an identifier is no name", () => {
  expect(platformWords("windows")).toBe("Windows");
  expect(platformWords("android,iOS,cloud")).toBe("Android, iOS, Cloud");
  expect(isNamed({ name: "Kiosk", external_id: "8f" })).toBe(true);
  expect(isNamed({ name: "8f", external_id: "8f" })).toBe(false);
});

test("one is singular", () => {
  expect(count(1, "run")).toBe("1 run");
  expect(count(2, "entry", "entries")).toBe("2 entries");
});
