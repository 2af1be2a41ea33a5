// Presses Sync twice as a person does and follows the run to its notification. Fails where the console
// shows something else than it promises.
//
//   ATLAS_CONSOLE=http://127.0.0.1:8080/console ATLAS_TOKEN=tap_… npm run journey

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const base = process.env.ATLAS_CONSOLE ?? "http://127.0.0.1:8080/console";
const token = process.env.ATLAS_TOKEN;
assert(token, "ATLAS_TOKEN is not set");
const origin = new URL(base).origin;
const get = async (path) => {
  const response = await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
  return response.json();
};
const tenants = (await get("/tenants")).items;
const able = tenants.find((one) => one.permissions.includes("can_sync_tenant") && one.connected);
const unable = tenants.find((one) => one.role === "readonly");
assert(able, "no tenant that the caller may sync");

mkdirSync("shots", { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
page.setDefaultTimeout(60_000);

// Sign-in: a wrong token is refused with words, the right one is kept through a reload.
await page.goto(`${base}/`);
await page.getByLabel("API token").fill("tap_0000000000000000000000000000");
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("alert").waitFor();
await page.getByLabel("API token").fill(token);
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("heading", { name: "Tenants" }).waitFor();
await page.reload();
await page.getByRole("heading", { name: "Tenants" }).waitFor();

if (unable) {
  assert(await page.getByRole("button", { name: `Sync ${unable.name}`, exact: true }).isDisabled());
}

// Two presses, one run.
const before = (await get(`/operation-runs?tenant_id=${able.id}`)).items.map((run) => run.id);
const button = page.getByRole("button", { name: `Sync ${able.name}`, exact: true });
await button.click();
const row = page.getByRole("row").filter({ hasText: able.name });
await row.getByText("Queued.").waitFor();
await button.click();
await row.getByText(/^Joined the run of/).waitFor();
const after = (await get(`/operation-runs?tenant_id=${able.id}`)).items;
const created = after.filter((run) => !before.includes(run.id));
assert.equal(created.length, 1, "two presses made more than one run");

// The widget follows it, through a reload and onto another page.
const widget = page.getByRole("complementary", { name: "Progress of your runs" });
await widget.getByText(able.name).waitFor();
await page.reload();
await widget.getByRole("progressbar").waitFor();
await page.screenshot({ path: "shots/widget.png" });
await widget.getByRole("link", { name: "View run" }).first().click();
await page.getByRole("heading", { name: new RegExp(`Inventory sync of ${able.name}`) }).waitFor();
await page.screenshot({ path: "shots/run-active.png" });
await widget
  .locator(".badge", { hasText: /ucceeded|Failed/ })
  .first()
  .waitFor();
await page.screenshot({ path: "shots/widget-ended.png" });

// Two notifications of the run, and the bell counts them until they are read.
const bell = page.getByRole("button", { name: /^Notifications, \d+\+? unread/ });
await bell.click();
const notes = (await get("/me/notifications")).items;
assert.equal(notes.filter((note) => note.operation_run_id === created[0].id).length, 2);
await page.screenshot({ path: "shots/bell-unread.png" });
await page.getByRole("button", { name: "Mark all as read" }).click();
await page.getByRole("button", { name: "Mark all as read" }).waitFor({ state: "detached" });
assert.equal((await get("/me/notifications/unread-count")).count, 0);

// Filters are in the address, and the back button undoes them.
await page.keyboard.press("Escape");
await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Runs" }).click();
await page.getByLabel("State").selectOption("failed");
await page.waitForURL(/state=failed/);
await page.goBack();
assert.equal(await page.getByLabel("State").inputValue(), "");

await page.getByRole("button", { name: "Sign out" }).click();
await page.getByRole("heading", { name: "Sign in to TenantAtlas" }).waitFor();
assert.equal(await page.evaluate(() => sessionStorage.getItem("tenantatlas.token")), null);
await browser.close();
console.log("The journey is as promised.");
