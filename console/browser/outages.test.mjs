// Pages while something is away: they show what is known, say what is the matter, and go on by themselves.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, rowOf, syncButton, widgetOf } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";
import { until } from "./harness/programs.mjs";

const SLOW = "/beta/deviceManagement/configurationPolicies";

let installation, browser, tenant, member, first;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  tenant = await installation.addTenant("Contoso");
  member = await installation.addUser("Avery Howard", "operator", [tenant]);
  installation.startWorker();
  first = await member.ended(await member.sync(tenant));
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

test("the API restarts while a run is followed: the widget says so, and then goes on", async () => {
  const page = await open(browser, installation, member);
  await installation.hold(SLOW, tenant);
  const run = await member.sync(tenant);
  await page.goto("");
  const widget = widgetOf(page);
  const entry = widget.getByRole("listitem").filter({ has: page.locator(`a[href$="${run.id}"]`) });
  await entry.getByRole("progressbar").waitFor();
  await installation.api.stop("SIGKILL");
  await widget.getByText("The API cannot be reached. Runs go on without it").waitFor();
  await entry.getByRole("progressbar").waitFor();
  await installation.release();
  await installation.startApi();
  await entry.getByText("Succeeded", { exact: true }).waitFor();
  await widget.getByText("The API cannot be reached.").waitFor({ state: "detached" });
  assert.equal((await member.ended(run)).outcome, "succeeded");
});

/** What monitoring shows of the first run and of the tenant, as lines of text. */
async function monitoring(page) {
  await page.goto(`runs/${first.id}`);
  const timeline = page.getByRole("region", { name: "Timeline" });
  await timeline.getByText("Succeeded").waitFor();
  const results = page.getByRole("region", { name: "Results by policy type" });
  await results.getByRole("rowheader").first().waitFor();
  const text = [await timeline.textContent(), await results.textContent()];
  await page.goto(`tenants/${tenant.id}`);
  await page.getByRole("rowheader").first().waitFor();
  return [...text, ...(await page.getByRole("rowheader").allTextContents())];
}

test("monitoring shows the same with Microsoft Graph and Redis away", async () => {
  const page = await open(browser, installation, member);
  const before = await monitoring(page);
  installation.graph.close();
  installation.redis.close();
  try {
    assert.deepEqual(await monitoring(page), before);
  } finally {
    installation.graph.close(false);
    installation.redis.close(false);
  }
});

test("a sync while Microsoft Graph is away waits for the next attempt, and its page says so", async () => {
  const page = await open(browser, installation, member);
  installation.graph.close();
  const run = await member.sync(tenant);
  await page.goto(`runs/${run.id}`);
  const timeline = page.getByRole("region", { name: "Timeline" });
  await timeline.getByText("Queued again: the attempt failed").first().waitFor();
  await timeline.getByText("graph_unreachable").first().waitFor();
  installation.graph.close(false);
  await page.getByRole("heading", { name: "Inventory sync of Contoso Succeeded" }).waitFor();
});

test("a sync that Redis cannot carry is refused with words and a link to its run", async () => {
  const page = await open(browser, installation, member);
  await page.goto("");
  await syncButton(page, tenant).waitFor();
  installation.redis.close();
  await syncButton(page, tenant).click();
  const row = rowOf(page, tenant);
  await row.getByRole("status").getByRole("link", { name: "View run" }).click();
  await page.getByRole("heading", { name: "Inventory sync of Contoso Failed" }).waitFor();
  await page.getByText("dispatch_failed").first().waitFor();
  installation.redis.close(false);
  const again = await until("a sync to be taken again", () =>
    member.sync(tenant).catch(() => false),
  );
  assert.equal((await member.ended(again)).outcome, "succeeded");
});
