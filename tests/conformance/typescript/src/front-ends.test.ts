// The button, widget, bell and monitor of docs/FRONT-ENDS.md at a live server. Each answer is validated.

import assert from "node:assert/strict";
import { test } from "node:test";
import { validating } from "./answers.js";
import { bell, cancel, connect, press, readAll, watch, widget } from "./front-ends.js";
import { contoso, fabrikam, url } from "./installation.js";

const api = connect(url, contoso.token);
api.use(validating);
const other = connect(url, fabrikam.token);
other.use(validating);

test("a run that is pressed once or twice is followed to its end", async () => {
  const key = crypto.randomUUID();
  const run = await press(api, contoso.tenant, key);
  const again = await press(api, contoso.tenant, key);
  assert.equal(again.id, run.id);
  const types: string[] = [];
  let outcome: string | undefined;
  for await (const event of watch(api, run.id)) {
    types.push(event.type);
    outcome = event.data.outcome;
  }
  assert.equal(types[0], "operation_run.queued");
  assert.ok(types.includes("operation_run.claimed"), types.join(", "));
  assert.equal(types.at(-1), "operation_run.completed");
  assert.equal(outcome, "succeeded");
  const shown = await widget(api, contoso.tenant);
  assert.ok(shown.dataAsOf);
  assert.equal(shown.canPress, true);
  const path = { run_id: run.id };
  const ended = await api.GET("/operation-runs/{run_id}", { params: { path } });
  assert.equal(ended.data?.status, "completed");
  assert.equal(ended.response.headers.get("retry-after"), null);
  const results = await api.GET("/operation-runs/{run_id}/results", { params: { path } });
  assert.ok(results.data?.items.length);
  await assert.rejects(cancel(api, run.id), { status: 409, code: "run_already_terminal" });
});

test("a run is cancelled", async () => {
  const run = await press(api, contoso.tenant, crypto.randomUUID());
  const cancelled = await cancel(api, run.id);
  assert.equal(cancelled.id, run.id);
  let outcome: string | undefined;
  for await (const event of watch(api, run.id)) {
    outcome = event.data.outcome;
  }
  assert.equal(outcome, "cancelled");
});

test("the bell counts what is not read", async () => {
  const rings = bell(api);
  const first = await rings.next();
  assert.ok(first.value > 0, "runs that ended notify their initiator");
  await readAll(api);
  await rings.return(undefined);
  const after = await bell(api).next();
  assert.equal(after.value, 0);
});

test("nothing of one tenant is shown to the user of another", async () => {
  const run = await press(api, contoso.tenant, crypto.randomUUID());
  const refused = { status: 404, code: "not_found" };
  await assert.rejects(press(other, contoso.tenant, crypto.randomUUID()), refused);
  await assert.rejects(cancel(other, run.id), refused);
  await assert.rejects(widget(other, contoso.tenant), refused);
  await assert.rejects(watch(other, run.id).next(), refused);
  // What is started next must not join a run that is being cancelled.
  await cancel(api, run.id);
  for await (const _ of watch(api, run.id));
});
