import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { eventWords } from "./timeline";

const event = (type: string, data: Schemas["EventData"] = {}) =>
  ({ type, data }) as Schemas["Event"];

test("an attempt is counted from the second one on", () => {
  expect(eventWords(event("operation_run.claimed", { attempt: 1 })).words).toBe("Taken up");
  expect(eventWords(event("operation_run.claimed", { attempt: 3 })).words).toBe(
    "Taken up again, attempt 3",
  );
});

test("a run that was queued again says why, with the code of the error", () => {
  const data = { reason: "retried", error_code: "graph_unavailable" };
  expect(eventWords(event("operation_run.requeued", data))).toEqual({
    words: "Queued again: the attempt failed",
    code: "graph_unavailable",
  });
});

test("types and reasons of later versions are readable", () => {
  expect(eventWords(event("operation_run.budget_exceeded")).words).toBe("Budget exceeded");
  expect(eventWords(event("operation_run.requeued", { reason: "new_reason" })).words).toBe(
    "Queued again: New reason",
  );
});
