// Every page, wide and narrow, light and dark: axe finds nothing, nothing is cut or scrolls sideways,
// nothing breaks the page's policy or asks another server. With ATLAS_PICTURES, pictures are written there.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, NARROW, open, settled, WIDE } from "./harness/browser.mjs";
import { showcase } from "./harness/showcase.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.ATLAS_PICTURES;
const only = process.env.ATLAS_ONLY?.split(",");

let shown, browser;

before(async () => {
  [shown, browser] = await Promise.all([showcase(), launch()]);
  if (pictures) mkdirSync(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  await shown?.installation.stop();
});

const tenantPath = (page = "") => `tenants/${shown.contoso.id}${page}`;

async function openDialog(page, button, title) {
  await page.getByRole("button", { name: button }).click();
  await page.getByRole("dialog", { name: title }).waitFor();
}

/** By the name of its pictures: who opens which address, and what is done there first. */
const PAGES = {
  "sign-in": { as: () => undefined, path: () => "" },
  tenants: { as: () => shown.avery, path: () => "" },
  "tenants-none": { as: () => shown.stranger, path: () => "" },
  runs: { path: () => "runs" },
  run: { path: () => `runs/${shown.partial.id}` },
  "run-active": { as: () => shown.avery, path: () => `runs/${shown.active.id}` },
  "run-failed": { path: () => `runs/${shown.failed.id}` },
  notifications: { as: () => shown.avery, path: () => "notifications" },
  bell: {
    as: () => shown.avery,
    path: () => "",
    act: (page) => openDialog(page, /^Notifications/, "Notifications"),
  },
  inventory: { path: () => tenantPath() },
  "inventory-old": { path: () => `tenants/${shown.adatum.id}` },
  "item-old": { path: () => `tenants/${shown.adatum.id}/items/${shown.agedItem.id}` },
  "inventory-active": { path: () => `tenants/${shown.fabrikam.id}` },
  "inventory-empty": { path: () => `tenants/${shown.tailspin.id}` },
  item: { path: () => tenantPath(`/items/${shown.changed.id}?version=2`) },
  changes: { path: () => tenantPath("/changes") },
  settings: { path: () => tenantPath("/settings?q=setting") },
  groups: { path: () => tenantPath("/groups") },
  selection: {
    path: () => tenantPath(),
    act: async (page) => {
      await page.getByRole("button", { name: /^Choose what/ }).click();
      await page.getByText("All policy types").waitFor();
    },
  },
  schedule: {
    path: () => tenantPath(),
    act: (page) => openDialog(page, "Change schedule", "Schedule of Contoso"),
  },
  operations: {
    path: () => "operations",
    act: (page) => page.getByRole("heading", { name: "Waiting and running" }).waitFor(),
  },
  pause: {
    path: () => "operations",
    act: (page) => openDialog(page, "Pause Inventory sync", "Pause: Inventory sync"),
  },
  "operations-refused": { as: () => shown.reader, path: () => "operations" },
  "not-a-member": { as: () => shown.stranger, path: () => tenantPath() },
  "no-such-page": { path: () => "no-such-page" },
};

for (const [size, viewport] of [
  ["wide", WIDE],
  ["narrow", NARROW],
]) {
  for (const colorScheme of ["light", "dark"]) {
    describe(`${size}, ${colorScheme}`, () => {
      for (const [name, look] of Object.entries(PAGES)) {
        if (only && !only.includes(name)) continue;
        test(name, () => check(name, look, size, { viewport, colorScheme }));
      }
    });
  }
}

async function check(name, { as = () => shown.morgan, path, act }, size, options) {
  const page = await open(browser, shown.installation, as(), options);
  try {
    await page.goto(path());
    await settled(page);
    await act?.(page);
    await settled(page);
    if (pictures) {
      const file = `${name}-${size}-${options.colorScheme}.png`;
      await page.screenshot({ path: join(pictures, file) });
    }
    const faults = await page.evaluate(() => {
      const sideways = document.documentElement.scrollWidth - innerWidth;
      const cut = [...document.querySelectorAll(".dialog, .popover, .widget, .card, .button")]
        .filter((part) => part.getBoundingClientRect().right > innerWidth)
        .map((part) => `${part.className} is cut at the right`);
      return sideways > 0 ? [...cut, `scrolls sideways by ${sideways} px`] : cut;
    });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const found = violations.map(
      (one) =>
        `${one.id}: ${one.help} (${one.nodes.map((node) => node.html.slice(0, 300)).join("; ")})`,
    );
    assert.deepEqual([...page.faults, ...faults, ...found], []);
  } finally {
    await page.context().close();
  }
}
