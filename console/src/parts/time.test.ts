import { expect, test } from "vitest";
import { distance, duration, tick } from "./time";

const now = Date.parse("2026-11-30T12:00:00Z");

test("near moments are distances", () => {
  expect(distance("2026-11-30T11:59:57Z", now)).toBe("just now");
  expect(distance("2026-11-30T11:55:00Z", now)).toBe("5 minutes ago");
  expect(distance("2026-11-30T09:00:00Z", now)).toBe("3 hours ago");
  expect(distance("2026-11-27T12:00:00Z", now)).toBe("3 days ago");
  expect(distance("2026-11-30T12:10:00Z", now)).toBe("in 10 minutes");
});

test("far moments are dates", () => {
  expect(distance("2026-01-02T12:00:00Z", now)).toContain("2026");
});

test("ticks of charts have 24 hours, and seconds where ticks are close", () => {
  const evening = new Date("2026-11-30T21:05:40").getTime() / 1000;
  expect(tick(evening, 300)).toBe("21:05");
  expect(tick(evening, 10)).toBe("21:05:40");
});

test("durations are short", () => {
  expect(duration(900)).toBe("1 s");
  expect(duration(64_000)).toBe("1 min 4 s");
  expect(duration(3_720_000)).toBe("1 h 2 min");
  expect(duration(-5)).toBe("0 s");
});
