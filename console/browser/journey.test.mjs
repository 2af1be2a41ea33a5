// What a person does first: sign in, press Sync, follow the run to its end, read the notification, open
// the run, find an item, and read what it sets and what changed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, rowOf, syncButton, widgetOf } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

let installation, browser, page, tenant, member;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  tenant = await installation.addTenant("Contoso");
  member = await installation.addUser("Avery Howard", "operator", [tenant]);
  installation.startWorker();
  page = await open(browser, installation);
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

const mainNavigation = (name) =>
  page.getByRole("navigation", { name: "Main" }).getByRole("link", { name });

test("a wrong token is refused with words, and the right one is kept through a reload", async () => {
  await page.goto("");
  await page.getByLabel("API token").fill("tap_0000000000000000000000000000");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("API token").fill(member.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Tenants" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Tenants" }).waitFor();
});

test("two presses make one run, which the widget follows through a reload to its end", async () => {
  const path = "/beta/deviceManagement/configurationPolicies";
  await installation.hold(path, tenant);
  await syncButton(page, tenant).click();
  const row = rowOf(page, tenant);
  await row.getByText("Queued.").waitFor();
  await syncButton(page, tenant).click();
  await row.getByText("Joined the run of Avery Howard.").waitFor();
  const { items } = await member.get(`/operation-runs?tenant_id=${tenant.id}`);
  assert.equal(items.length, 1);

  const widget = widgetOf(page);
  await widget.getByText(tenant.name).waitFor();
  await page.reload();
  await widget.getByRole("progressbar").waitFor();
  await widget.getByRole("link", { name: "View run" }).click();
  await page.getByRole("heading", { name: "Inventory sync of Contoso" }).waitFor();
  await installation.release();
  await widget.getByText("Succeeded", { exact: true }).waitFor();
});

test("the run's page lists what it read of each type, and what happened in order", async () => {
  await page.getByRole("heading", { name: "Inventory sync of Contoso Succeeded" }).waitFor();
  const results = page.getByRole("region", { name: "Results by policy type" });
  await results.getByRole("rowheader", { name: "Settings catalog policy" }).waitFor();
  const timeline = page.getByRole("region", { name: "Timeline" });
  await timeline.getByText("Succeeded").waitFor();
  const words = await timeline.getByRole("listitem").allInnerTexts();
  const order = ["Queued", "Taken up", "Reading from Microsoft Graph", "Succeeded"];
  const places = order.map((one) => words.findIndex((text) => text.startsWith(one)));
  assert.ok(
    places.every((place, at) => place > (places[at - 1] ?? -1)),
    `${words}`,
  );
});

test("the bell counts the run's two notifications until they are read", async () => {
  await page.getByRole("button", { name: "Notifications, 2 unread" }).click();
  const list = page.getByRole("dialog", { name: "Notifications" });
  await list.getByRole("listitem").nth(1).waitFor();
  assert.equal(await list.getByRole("listitem").count(), 2);
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await page.getByRole("button", { name: "Mark all as read" }).waitFor({ state: "detached" });
  assert.equal((await member.get("/me/notifications/unread-count")).count, 0);
  await list.getByRole("link").first().click();
  await page.waitForURL(/\/runs\//);
});

test("an item is found by its name, with what it sets and what a second run found changed", async () => {
  await installation.simulate(`mutate/${tenant.directoryId}`, {
    seed: 3,
    edit_value: 3,
    keys: ["settingsCatalogPolicy"],
  });
  await member.ended(await member.sync(tenant));
  const { items } = await member.get(`/tenants/${tenant.id}/inventory-changes?kind=changed`);
  const change = items.find((one) => one.content?.fields[0]?.setting);
  assert.ok(change, "the second run found no changed setting");
  const setting = change.content.fields[0].setting.name;

  await page.goto(`tenants/${tenant.id}/changes`);
  const entry = page.getByRole("listitem").filter({ hasText: change.item.name });
  await entry.getByText(setting).first().waitFor();

  await page.goto(`tenants/${tenant.id}`);
  await page.getByRole("searchbox").first().fill(change.item.name);
  await page.waitForURL(/q=/);
  await page.getByRole("link", { name: change.item.name }).first().click();
  await page.getByRole("heading", { name: change.item.name }).waitFor();
  await page.getByRole("region", { name: "Values" }).getByText(setting).first().waitFor();
  const versions = page.getByRole("region", { name: "Versions" });
  await versions.getByRole("link", { name: "What changed" }).first().click();
  await versions.getByText(setting).first().waitFor();
});

test("filters are in the address, and the back button undoes them", async () => {
  await mainNavigation("Runs").click();
  await page.getByLabel("State").selectOption("failed");
  await page.waitForURL(/state=failed/);
  await page.goBack();
  assert.equal(await page.getByLabel("State").inputValue(), "");
});

test("signing out leaves no token behind, and nothing broke the page's own policy", async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to TenantAtlas" }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("tenantatlas.token")), null);
  assert.deepEqual(page.faults, []);
});
