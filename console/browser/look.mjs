// Opens every page in Chromium, wide and narrow, light and dark; writes pictures to shots/, and fails
// on anything that axe finds, on errors of the console, on requests elsewhere and on sideways scrolling.
//
//   ATLAS_CONSOLE=http://127.0.0.1:8080/console ATLAS_TOKEN=tap_… npm run look

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const base = process.env.ATLAS_CONSOLE ?? "http://127.0.0.1:8080/console";
const token = process.env.ATLAS_TOKEN;
if (!token) throw new Error("ATLAS_TOKEN is not set");
const only = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const origin = new URL(base).origin;
const get = async (path) => {
  const response = await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
};

const runs = (await get("/operation-runs?limit=50")).items;
const run = runs.find((one) => one.outcome === "partially_succeeded") ?? runs[0];
const tenant = run.tenant.id;
const changes = (await get(`/tenants/${tenant}/inventory-changes?kind=changed&limit=1`)).items;
const items = (
  await get(`/tenants/${tenant}/inventory-items?policy_type=settingsCatalogPolicy&limit=1`)
).items;
const item = changes[0]?.item.id ?? items[0]?.id;
const pages = {
  "sign-in": null,
  tenants: "/",
  runs: "/runs",
  run: `/runs/${run.id}`,
  notifications: "/notifications",
  inventory: `/tenants/${tenant}`,
  item: `/tenants/${tenant}/items/${item}?version=2`,
  settings: `/tenants/${tenant}/settings?q=setting1`,
  changes: `/tenants/${tenant}/changes`,
  groups: `/tenants/${tenant}/groups`,
  operations: "/operations",
  nothing: "/no-such-page",
  bell: "/",
  picker: `/tenants/${tenant}`,
};

mkdirSync("shots", { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const faults = [];
for (const [width, scheme] of [
  [1360, "light"],
  [1360, "dark"],
  [360, "light"],
  [360, "dark"],
]) {
  const context = await browser.newContext({
    viewport: { width, height: width > 500 ? 860 : 740 },
    colorScheme: scheme,
    // axe is put into the page by the test; the page's own policy is watched through its violations.
    reducedMotion: "reduce",
  });
  for (const [name, path] of Object.entries(pages)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const fault = (text) => faults.push(`${name} ${width} ${scheme}: ${text}`);
    const page = await context.newPage();
    page.on("console", (message) => {
      const expected =
        message.text().includes("status of 404") || message.text().includes("status of 403");
      if (message.type() === "error" && !expected) fault(message.text());
    });
    page.on("pageerror", (error) => fault(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith("blob:"))
        fault(`asks ${request.url()}`);
    });
    if (path !== null) {
      await page.addInitScript((kept) => sessionStorage.setItem("tenantatlas.token", kept), token);
    }
    await page.goto(base + (path ?? "/"), { waitUntil: "load" });
    await page.locator("h1, h2").first().waitFor();
    await page.locator(".loading").first().waitFor({ state: "detached" });
    await page.waitForTimeout(700);
    if (name === "bell") {
      await page.getByRole("button", { name: /^Notifications/ }).click();
      await page.locator(".note, .bell-empty").first().waitFor();
    }
    if (name === "picker") {
      await page.getByRole("button", { name: /^Choose what/ }).click();
      await page.getByText("All policy types").waitFor();
    }
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll(".dialog, .popover, .widget, .card")]
        .filter((part) => part.getBoundingClientRect().right > innerWidth)
        .map((part) => part.className),
    );
    if (cut.length > 0) fault(`is cut at the right: ${cut.join(", ")}`);
    if (sideways > 0) fault(`scrolls sideways by ${sideways} px`);
    await page.screenshot({
      path: `shots/${name}-${width}-${scheme}.png`,
      fullPage: name !== "bell" && name !== "picker" && width > 500,
    });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const found of violations) {
      fault(
        `${found.id}: ${found.help} (${found.nodes
          .map((node) => node.target.join(" "))
          .slice(0, 3)
          .join("; ")})`,
      );
    }
    await page.close();
  }
  await context.close();
}
await browser.close();
for (const fault of faults) console.log(fault);
console.log(faults.length === 0 ? "Nothing found." : `${faults.length} faults.`);
process.exitCode = faults.length === 0 ? 0 : 1;
