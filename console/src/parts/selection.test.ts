import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { byCategory, selectionOf } from "./selection";

const type = (key: string, category: string, foundation = false) =>
  ({ key, category, foundation, label: key }) as Schemas["PolicyType"];
const types = [type("b", "Two"), type("a", "One"), type("c", "One"), type("tags", "Two", true)];
const options = { foundations: true, dependencies: true, verify: false };

test("foundations are not listed among the policy types", () => {
  expect(byCategory(types).map(([name, of]) => [name, of.map((one) => one.key)])).toEqual([
    ["One", ["a", "c"]],
    ["Two", ["b"]],
  ]);
});

test("everything is the default selection, so that the start joins one", () => {
  expect(selectionOf(new Set(["a", "b", "c"]), types, options)).toEqual({
    include_foundations: true,
    include_dependencies: true,
  });
});

test("a part lists its keys", () => {
  const chosen = selectionOf(new Set(["c"]), types, { ...options, verify: true });
  expect(chosen).toMatchObject({ policy_types: ["c"], verify: "all" });
});
