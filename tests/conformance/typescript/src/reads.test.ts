// Every GET of the document is asked, by a member and by a stranger.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { operations, validate } from "./answers.js";
import { connect } from "./front-ends.js";
import { contoso, fabrikam, url } from "./installation.js";
import { synced } from "./synced.js";

/** Parameters that an operation cannot do without here. */
const QUERIES: Record<string, string> = {
  // An item whose content did not change has one version only.
  compare_inventory_item_versions: "?against=1",
  list_inventory_settings: "?q=bitlocker",
};

const ids = new Map<string, string>([
  ["tenant_id", contoso.tenant],
  ["version_number", "1"],
]);

async function get(path: string, token: string): Promise<Response> {
  return fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
}

function filled(path: string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids.get(name);
    assert.ok(id, `${path}: no ${name} is known here`);
    return id;
  });
}

before(async () => {
  const api = connect(url, contoso.token);
  const run = await synced(api, contoso.tenant);
  ids.set("run_id", run);
  const path = { tenant_id: contoso.tenant };
  const items = await api.GET("/tenants/{tenant_id}/inventory-items", { params: { path, query: { limit: 1 } } });
  const item = items.data?.items[0];
  assert.ok(item, "the sync found no items");
  ids.set("item_id", item.id);
  const body = { time: "02:30", zone: "Europe/Berlin" };
  const set = await api.PUT("/tenants/{tenant_id}/schedule", { params: { path }, body });
  assert.ok(set.data);
  // A worker publishes the key for secrets of webhooks when it starts, and one has synced.
  const webhook = await api.POST("/webhooks", {
    body: { url: "https://receiver.example/hook", tenant_id: contoso.tenant },
  });
  assert.ok(webhook.data);
  ids.set("webhook_id", webhook.data.webhook.id);
});

const reads = operations().filter(({ method }) => method === "GET");

for (const { id, method, path } of reads) {
  test(`${id} answers as described`, async () => {
    const address = filled(path) + (QUERIES[id] ?? "");
    const response = await get(address, contoso.token);
    assert.equal(response.status, 200, `${response.status} of ${address}`);
    const tag = response.headers.get("etag");
    await validate(method, path, response);
    if (tag !== null) {
      const headers = { Authorization: `Bearer ${contoso.token}`, "If-None-Match": tag };
      // What happens meanwhile is news.
      const again = await fetch(`${url}${address}`, { headers });
      assert.ok([200, 304].includes(again.status), `${again.status}`);
      await validate(method, path, again);
    }
  });

  test(`${id} refuses as described`, async () => {
    const anonymous = await get(filled(path), "nobody");
    assert.equal(anonymous.status, 401);
    await validate(method, path, anonymous);
    const mistyped = await get(`${filled(path)}?nonsense=1`, contoso.token);
    assert.equal(mistyped.status, 400);
    await validate(method, path, mistyped);
    if (path.includes("{tenant_id}") || path.includes("{run_id}") || path.includes("{webhook_id}")) {
      const foreign = await get(filled(path), fabrikam.token);
      assert.equal(foreign.status, 404);
      await validate(method, path, foreign);
    }
  });
}
