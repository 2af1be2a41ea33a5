import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { ordered } from "./results";

const result = (policy_type: string, status: string, moved = 0) =>
  ({
    policy_type,
    status,
    created: moved,
    changed: 0,
    reassigned: 0,
    missing: 0,
    back: 0,
    ...(status === "failed" ? { error: { code: "x" } } : {}),
  }) as unknown as Schemas["OperationRunResult"];
const results = [result("a", "succeeded"), result("b", "failed"), result("c", "succeeded", 1)];
const keys = (show: string) => ordered(results, show).map((one) => one.policy_type);

test("what needs a look comes first", () => {
  expect(keys("all")).toEqual(["b", "a", "c"]);
});

test("problems and changes can be shown alone", () => {
  expect(keys("problems")).toEqual(["b"]);
  expect(keys("moved")).toEqual(["c"]);
});
