// Runs that do not simply succeed: cancelled, failed, retried, waiting for a paused queue; and two tabs.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { launch, open, rowOf, syncButton, widgetOf } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

const SLOW = "/beta/deviceManagement/configurationPolicies";

let installation, browser, member, tenant, page;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  installation.startWorker();
});

beforeEach(async ({ name }) => {
  tenant = await installation.addTenant(`Tenant of ${name.slice(0, 20)}`);
  member = await installation.addUser(`Member ${name.slice(0, 20)}`, "manager", [tenant]);
  await installation.atlas("user", "operator", member.email);
  page = await open(browser, installation, member);
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

test("a slow run is cancelled with a reason, which its page keeps", async () => {
  await installation.hold(SLOW, tenant);
  const run = await member.sync(tenant);
  await page.goto(`runs/${run.id}`);
  await page.getByRole("main").getByRole("progressbar").waitFor();
  await page.getByRole("main").getByRole("button", { name: "Cancel run" }).click();
  await page.getByLabel("Reason (optional)").fill("Started by mistake.");
  await page.getByRole("main").getByRole("button", { name: "Cancel run" }).click();
  await page.getByRole("heading", { name: /Cancelled$/ }).waitFor();
  await page.getByText("“Started by mistake.”").waitFor();
  const timeline = page.getByRole("region", { name: "Timeline" });
  await timeline.getByText("Cancel requested").waitFor();
  await timeline.getByText("Cancelled").first().waitFor();
  await installation.release();
});

test("a run that could not read everything says what is missing, and its retry reads that", async () => {
  await installation.simulate("faults", {
    path: { exact: "/beta/deviceManagement/deviceHealthScripts" },
    tenant: tenant.directoryId,
    count: null,
    effect: { kind: "forbidden", permission: "DeviceManagementScripts.Read.All" },
  });
  const run = await member.ended(await member.sync(tenant));
  await page.goto(`runs/${run.id}`);
  await page.getByRole("heading", { name: /Partly succeeded$/ }).waitFor();
  await page.getByText("Missing permission: DeviceManagementScripts.Read.All").first().waitFor();
  const failed = page.getByRole("row").filter({ hasText: "Failed" });
  await failed.getByRole("rowheader", { name: /remediation/i }).waitFor();

  await installation.simulate("faults", undefined, "DELETE");
  await page.getByRole("button", { name: "Retry failed only" }).click();
  await page.waitForURL((address) => !address.href.includes(run.id));
  await page.getByRole("link", { name: "an earlier run" }).waitFor();
  await page.getByRole("heading", { name: /[^y] [Ss]ucceeded$/ }).waitFor();
});

test("a paused queue keeps runs waiting, says so, and lets them go when it is resumed", async () => {
  await page.goto("operations");
  const queue = page.getByRole("row").filter({ hasText: "Inventory sync" });
  await queue.getByRole("button", { name: "Pause Inventory sync" }).click();
  const dialog = page.getByRole("dialog", { name: "Pause: Inventory sync" });
  await dialog.getByLabel(/^Reason/).fill("Microsoft Graph is being upgraded.");
  await dialog.getByRole("button", { name: "Pause" }).click();
  await dialog.waitFor({ state: "detached" });
  await queue.getByText("“Microsoft Graph is being upgraded.”").waitFor();

  const run = await member.sync(tenant);
  await page.goto(`runs/${run.id}`);
  const words = "Waiting: an operator has paused runs of this kind";
  await page.getByRole("main").getByText(words).waitFor();
  await page.goto("operations");
  await queue.getByRole("button", { name: "Resume Inventory sync" }).click();
  await queue.getByRole("button", { name: "Pause Inventory sync" }).waitFor();
  assert.equal((await member.ended(run)).outcome, "succeeded");
});

test("a schedule is set, shown, changed to a cron expression and removed", async () => {
  await page.goto(`tenants/${tenant.id}`);
  const dialog = page.getByRole("dialog", { name: `Schedule of ${tenant.name}` });
  const send = () => dialog.getByRole("button", { name: "Set schedule" }).click();
  await page.getByRole("button", { name: "Set a schedule" }).click();
  await dialog.getByLabel("Time", { exact: true }).fill("03:15");
  await send();
  await dialog.waitFor({ state: "detached" });
  const set = await member.get(`/tenants/${tenant.id}/schedule`);
  assert.deepEqual([set.time, set.zone], ["03:15", "Europe/Berlin"]);

  await page.getByRole("button", { name: "Change schedule" }).click();
  await dialog.getByLabel("Repeat").selectOption("cron");
  const cron = dialog.getByLabel("Minute, hour, day of month, month, day of week");
  await cron.fill("* * * * *");
  await send();
  await dialog.getByRole("alert").waitFor();
  await cron.fill("0 6 * * mon-fri");
  await send();
  await dialog.waitFor({ state: "detached" });
  assert.equal((await member.get(`/tenants/${tenant.id}/schedule`)).cron, "0 6 * * mon-fri");

  await page.getByRole("button", { name: "Change schedule" }).click();
  await dialog.getByRole("button", { name: "Remove schedule" }).click();
  await page.getByRole("button", { name: "Set a schedule" }).waitFor();
});

test("two tabs follow one run to its end, and the press in the second one joins it", async () => {
  await installation.hold(SLOW, tenant);
  const second = await page.context().newPage();
  await page.goto("");
  await second.goto("");
  await syncButton(page, tenant).click();
  await rowOf(page, tenant).getByText("Queued.").waitFor();
  await syncButton(second, tenant).click();
  await rowOf(second, tenant)
    .getByText(/^Joined the run of/)
    .waitFor();
  for (const tab of [page, second]) await widgetOf(tab).getByRole("progressbar").waitFor();
  await installation.release();
  for (const tab of [page, second]) {
    await tab.bringToFront();
    await widgetOf(tab).getByText("Succeeded", { exact: true }).waitFor();
  }
});
