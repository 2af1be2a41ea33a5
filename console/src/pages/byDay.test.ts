import { expect, test } from "vitest";
import { byDay } from "./byDay";

test("changes of a day are together, in their order", () => {
  const at = (occurred_at: string) => ({ occurred_at });
  const days = byDay([
    at("2026-11-30T12:00:00Z"),
    at("2026-11-30T11:00:00Z"),
    at("2026-11-27T12:00:00Z"),
  ]);
  expect(days.map(([, of]) => of.length)).toEqual([2, 1]);
});
