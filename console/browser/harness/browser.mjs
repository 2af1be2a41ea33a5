// Chromium with pages of the console. `ATLAS_CHROMIUM` names the program.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { until } from "./programs.mjs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const libraries = process.env.ATLAS_BROWSER_LIBRARIES;

/** How often in a row nothing may be on its way before a page is settled. */
const QUIET_LOOKS = 10;

export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 360, height: 740 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.ATLAS_CHROMIUM ?? PLACES.find(existsSync),
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    ...(libraries ? { env: { ...process.env, LD_LIBRARY_PATH: libraries } } : {}),
  });
}

/** A browser profile of its own, signed in as the caller where there is one. */
export async function open(browser, installation, caller, options = {}) {
  const context = await browser.newContext({
    viewport: WIDE,
    reducedMotion: "reduce",
    baseURL: `${installation.pages}/console/`,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...options,
  });
  context.setDefaultTimeout(60_000);
  if (caller) {
    await context.addInitScript((token) => {
      if (!sessionStorage.getItem("test.once")) sessionStorage.setItem("tenantatlas.token", token);
      sessionStorage.setItem("test.once", "1");
    }, caller.token);
  }
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // What the page's own policy forbids, and mistakes of components. Failed requests are designed for.
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) {
      page.faults.push(text);
    }
  });
  // A stream is open as long as the page is.
  page.pending = new Set();
  for (const ended of ["requestfinished", "requestfailed"]) {
    page.on(ended, (request) => page.pending.delete(request));
  }
  page.on("request", (request) => {
    if (!request.url().endsWith("/stream")) page.pending.add(request);
    if (!request.url().startsWith(installation.pages) && !request.url().startsWith("blob:")) {
      page.faults.push(`asks ${request.url()}`);
    }
  });
  return page;
}

export const widgetOf = (page) =>
  page.getByRole("complementary", { name: "Progress of your runs" });

export const rowOf = (page, tenant) => page.getByRole("row").filter({ hasText: tenant.name });

export const syncButton = (page, tenant) =>
  page.getByRole("button", { name: `Sync ${tenant.name}`, exact: true });

/** Waits until the page has what it shows: nothing is loading, and no answer is on its way. */
export async function settled(page) {
  await page.locator("h1, h2").first().waitFor();
  let quiet = 0;
  await until(`${page.url()} to be settled`, async () => {
    const loading = await page.locator(".loading").count();
    quiet = loading === 0 && page.pending.size === 0 ? quiet + 1 : 0;
    return quiet > QUIET_LOOKS;
  });
}
