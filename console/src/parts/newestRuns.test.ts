import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { newestOfEach, parts } from "./newestRuns";

test("a list is cut into parts", () => {
  expect(parts([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(parts([], 2)).toEqual([]);
});

test("of runs that come newest first, the first of each tenant is its newest", () => {
  const runs = [
    { id: "3", tenant: { id: "a" } },
    { id: "2", tenant: { id: "b" } },
    { id: "1", tenant: { id: "a" } },
  ] as Schemas["OperationRun"][];
  expect([...newestOfEach(runs)].map(([tenant, run]) => [tenant, run.id])).toEqual([
    ["a", "3"],
    ["b", "2"],
  ]);
});
