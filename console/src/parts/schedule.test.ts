import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { chosenOf, requestOf } from "./scheduleDialog";

test("a schedule that is opened and set again stays the same", () => {
  const set = {
    cron: "0 6 * * mon-fri",
    zone: "Europe/Berlin",
    jitter_minutes: 45,
    catch_up: "none",
  } as Schemas["Schedule"];
  expect(requestOf(chosenOf(set, "UTC"))).toEqual({
    cron: "0 6 * * mon-fri",
    zone: "Europe/Berlin",
    jitter_minutes: 45,
    catch_up: "none",
  });
});

test("a new one is daily in the reader's zone", () => {
  expect(requestOf(chosenOf(null, "Asia/Tokyo"))).toEqual({
    time: "02:30",
    zone: "Asia/Tokyo",
    jitter_minutes: 0,
    catch_up: "latest",
  });
});
