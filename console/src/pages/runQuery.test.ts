import { expect, test } from "vitest";
import { runQuery } from "./runQuery";

test("the state of the address is a status or an outcome", () => {
  expect(runQuery("state=active")).toMatchObject({ status: ["queued", "running"] });
  expect(runQuery("state=failed")).toMatchObject({ outcome: ["failed"] });
  expect(runQuery("state=failed")).not.toHaveProperty("status");
});

test("what is not asked for is absent", () => {
  expect(Object.keys(runQuery(""))).toEqual(["limit"]);
});
