// One stream of a browser, which all of its tabs follow.

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
