import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { endOfDay, itemQuery, summaryByCategory } from "./inventoryQuery";

const now = Date.parse("2026-11-30T12:00:00Z");

test("what exists is listed unless the address says otherwise", () => {
  expect(itemQuery("", now)).toEqual({ limit: 50, missing: false });
  expect(itemQuery("show=deleted", now)).toMatchObject({ missing: true });
  expect(itemQuery("show=all", now)).not.toHaveProperty("missing");
});

test("a search of two letters is not sent", () => {
  expect(itemQuery("q=ab", now)).not.toHaveProperty("q");
  expect(itemQuery("q=abc", now)).toMatchObject({ q: "abc" });
});

test("a day is its end, and today is a moment ago", () => {
  expect(endOfDay("2026-11-30", now)).toBe("2026-11-30T11:59:00.000Z");
  const past = endOfDay("2026-11-01", now);
  expect(new Date(past ?? 0).getDate()).toBe(1);
  expect(endOfDay("yesterday", now)).toBeUndefined();
});

test("a past day is not asked together with missing items", () => {
  expect(itemQuery("day=2026-11-01&show=deleted", now)).not.toHaveProperty("missing");
});

test("categories are summed, the largest first", () => {
  const type = (category: string, present: number) =>
    ({ category, present, missing: 0 }) as Schemas["PolicyTypeSummary"];
  expect(summaryByCategory([type("A", 1), type("B", 5), type("A", 2), type("C", 0)])).toEqual([
    { category: "B", present: 5 },
    { category: "A", present: 3 },
  ]);
});
