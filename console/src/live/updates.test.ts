import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Look, type OperationRun, PollingUpdates, type Snapshot } from "./updates";

const run = (id: string) => ({ id, status: "running" }) as OperationRun;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function polling(looks: (Look | Error)[], visible = () => true) {
  let asked = 0;
  const updates = new PollingUpdates(async () => {
    const look = looks[Math.min(asked, looks.length - 1)];
    asked += 1;
    if (look instanceof Error) throw look;
    return look as Look;
  }, visible);
  const seen: Snapshot[] = [];
  const stop = updates.subscribe((snapshot) => seen.push(snapshot));
  return { updates, seen, stop, asked: () => asked };
}

test("asks again after the seconds that the answer says, and not before", async () => {
  const { asked } = polling([{ runs: [], etag: "a", retryAfter: 3 }]);
  await vi.advanceTimersByTimeAsync(2900);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(asked()).toBe(2);
});

test("publishes an unchanged answer once", async () => {
  const { seen, asked } = polling([{ runs: [run("1")], etag: "a", retryAfter: 1 }]);
  await vi.advanceTimersByTimeAsync(3500);
  expect(asked()).toBe(4);
  expect(seen.map((one) => one.runs.length)).toEqual([0, 1]);
});

test("keeps the last runs while the API is away and recovers by itself", async () => {
  const { seen } = polling([
    { runs: [run("1")], etag: "a", retryAfter: 1 },
    new Error("away"),
    { runs: [run("1")], etag: "a", retryAfter: 1 },
  ]);
  await vi.advanceTimersByTimeAsync(1100);
  expect(seen.at(-1)).toMatchObject({ reachable: false, runs: [{ id: "1" }] });
  await vi.advanceTimersByTimeAsync(2100);
  expect(seen.at(-1)).toMatchObject({ reachable: true, runs: [{ id: "1" }] });
});

test("a stream's progress is shown at once, and an event makes it look again", async () => {
  const active = { ...run("1"), progress: { completed: 1, total: 9 } } as OperationRun;
  const { updates, seen, asked } = polling([{ runs: [active], etag: "a", retryAfter: 2 }]);
  await vi.advanceTimersByTimeAsync(10);
  updates.apply({ event: "snapshot", data: { operation_runs: [{ id: "1" }] } });
  await vi.advanceTimersByTimeAsync(10);
  expect(asked()).toBe(2);
  updates.apply({ event: "progress", data: { operation_run_id: "1", completed: 5 } });
  expect(seen.at(-1)?.runs[0]?.progress).toMatchObject({ completed: 5, total: 9 });
  updates.apply({ event: "message", data: { operation_run_id: "1" } });
  await vi.advanceTimersByTimeAsync(10);
  expect(asked()).toBe(3);
});

test("asks seldom while a stream reports all active runs, and often again when it is lost", async () => {
  const { updates, asked } = polling([{ runs: [run("1")], etag: "a", retryAfter: 2 }]);
  updates.apply({ event: "snapshot", data: { operation_runs: [{ id: "1" }] } });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(asked()).toBe(2);
  updates.apply({ event: "lost", data: undefined });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked()).toBeGreaterThan(6);
});

test("a start during a request is looked at right after it", async () => {
  const { updates, asked } = polling([{ runs: [], etag: "a", retryAfter: 60 }]);
  updates.wake();
  await vi.advanceTimersByTimeAsync(10);
  expect(asked()).toBe(2);
});

test("whoever listens after the last listener sees nothing of before", async () => {
  const { updates, stop } = polling([{ runs: [run("1")], etag: "a", retryAfter: 60 }]);
  await vi.advanceTimersByTimeAsync(10);
  stop();
  const seen: Snapshot[] = [];
  updates.subscribe((snapshot) => seen.push(snapshot));
  expect(seen[0]?.runs).toEqual([]);
  await vi.advanceTimersByTimeAsync(10);
  expect(seen.at(-1)?.runs).toHaveLength(1);
});

test("does not ask for a tab that nobody sees, or after the last listener", async () => {
  let visible = false;
  const { updates, stop, asked } = polling([{ runs: [], retryAfter: 1 }], () => visible);
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked()).toBe(0);
  visible = true;
  updates.wake();
  await vi.advanceTimersByTimeAsync(10);
  expect(asked()).toBe(1);
  stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked()).toBe(1);
});
