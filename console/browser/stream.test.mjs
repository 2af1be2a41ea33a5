// What pages show without a reload: one's own runs by the one stream of a browser, and those of others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, syncButton, widgetOf } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

const SLOW = "/beta/deviceManagement/configurationPolicies";

let installation, browser;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  installation.startWorker();
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

test("two tabs follow a run to its end by one stream", async () => {
  const tenant = await installation.addTenant("Contoso");
  const member = await installation.addUser("Avery Howard", "owner", [tenant]);
  const first = await open(browser, installation, member);
  const second = await first.context().newPage();
  let streams = 0;
  first.context().on("request", (request) => {
    if (request.url().endsWith("/me/stream")) streams += 1;
  });
  await first.goto("");
  await second.goto("");
  await installation.hold(SLOW, tenant);
  await syncButton(second, tenant).waitFor();
  await syncButton(first, tenant).click();
  for (const tab of [first, second]) await widgetOf(tab).getByRole("progressbar").waitFor();
  await installation.release();
  for (const tab of [first, second]) {
    await widgetOf(tab).getByText("Succeeded", { exact: true }).waitFor();
  }
  assert.equal(streams, 1);
  assert.deepEqual(first.faults, []);
});

test("a run that somebody else starts appears on the tenant's page, and what it read at its end", async () => {
  const tenant = await installation.addTenant("Fabrikam");
  const reader = await installation.addUser("Riley Reader", "readonly", [tenant]);
  const other = await installation.addUser("Olive Other", "owner", [tenant]);
  const page = await open(browser, installation, reader);
  await page.goto(`tenants/${tenant.id}`);
  await page.getByRole("heading", { name: "Nothing is stored yet" }).waitFor();
  let loads = 0;
  page.on("load", () => {
    loads += 1;
  });
  await installation.hold(SLOW, tenant);
  await other.sync(tenant);
  const active = page.getByRole("region", { name: "Active: Inventory sync" });
  await active.getByText("started by Olive Other").waitFor();
  await active.getByRole("progressbar").waitFor();
  assert.equal(await widgetOf(page).count(), 0);
  await installation.release();
  await active.waitFor({ state: "detached" });
  await page.getByRole("rowheader").first().waitFor();
  assert.equal(loads, 0);
  assert.deepEqual(page.faults, []);
});
