import { expect, test } from "vitest";
import type { OperationRun } from "../live/updates";
import { mine } from "./mine";

const run = (id: string, user: string, tenant: string) =>
  ({ id, initiator: { id: user, display: "" }, tenant: { id: tenant, name: "" } }) as OperationRun;
const runs = [
  run("1", "me", "a"),
  run("2", "other", "a"),
  run("3", "other", "b"),
  run("4", "me", "b"),
];

test("shows what the caller started or joined, and nobody else's", () => {
  expect(mine(runs, "me", ["3"]).map((one) => one.id)).toEqual(["1", "3", "4"]);
});

test("shows a tenant's runs on its pages", () => {
  expect(mine(runs, "me", ["3"], "a").map((one) => one.id)).toEqual(["1"]);
});
