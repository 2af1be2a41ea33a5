// The verification of docs/INTEGRATORS.md, with the examples that the libraries of Standard Webhooks and
// this project's own sender are tested with.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { verify } from "./webhooks.js";

interface Delivery {
  name: string;
  secret: string;
  headers: Record<string, string>;
  body: string;
  now: number;
  genuine: boolean;
}

const deliveries = JSON.parse(readFileSync("deliveries.json", "utf8")) as Delivery[];

for (const { name, secret, headers, body, now, genuine } of deliveries) {
  test(`${name} is ${genuine ? "genuine" : "refused"}`, () => {
    assert.equal(verify(secret, headers, Buffer.from(body), now), genuine);
  });
}
