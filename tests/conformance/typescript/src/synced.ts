// A sync that has ended.

import assert from "node:assert/strict";
import type { Api } from "./front-ends.js";
import { press, watch } from "./front-ends.js";

/** Syncs the tenant to its end, and gives the run. */
export async function synced(api: Api, tenant: string): Promise<string> {
  const run = await press(api, tenant, crypto.randomUUID());
  let outcome: string | undefined;
  for await (const event of watch(api, run.id)) {
    outcome = event.data.outcome;
  }
  assert.equal(outcome, "succeeded");
  return run.id;
}
