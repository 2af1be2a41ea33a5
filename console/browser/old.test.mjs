// Data that is older than a day: every page says how old it is, and what to do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, rowOf, syncButton } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

let installation, browser, tenant, member, item;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  tenant = await installation.addTenant("Contoso");
  member = await installation.addUser("Avery Howard", "operator", [tenant]);
  installation.startWorker();
  await member.ended(await member.sync(tenant));
  const path = `/tenants/${tenant.id}/inventory-items?policy_type=deviceCompliancePolicy`;
  [item] = (await member.get(path)).items;
  await installation.age(tenant, 3);
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

const old = (page) => page.getByRole("region", { name: "Old data" });

test("the tenants page shows the age of each, and leads to those with old data", async () => {
  const fresh = await installation.addTenant("Fabrikam");
  const owner = await installation.addUser("Olive Owner", "owner", [tenant, fresh]);
  await owner.ended(await owner.sync(fresh));
  const page = await open(browser, installation, owner);
  await page.goto("");
  await rowOf(page, tenant).getByText("3 days ago").waitFor();
  await old(page).getByText("The data of 1 tenant is older than a day.").waitFor();
  await old(page).getByRole("link", { name: "Show it" }).click();
  await rowOf(page, fresh).waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("Show").inputValue(), "old");
  assert.deepEqual(page.faults, []);
});

test("the inventory, its types and an item show their age and what to do", async () => {
  const page = await open(browser, installation, member);
  await page.goto(`tenants/${tenant.id}`);
  await old(page).getByText("it is from 3 days ago").waitFor();
  await old(page).getByText("Press Sync to read it again").waitFor();
  await page.getByText(/^None of the .* was read completely within a day/).waitFor();
  await page.goto(`tenants/${tenant.id}/items/${item.id}`);
  await page.getByRole("heading", { name: item.name }).waitFor();
  await old(page).getByText("it is from 3 days ago").waitFor();
  await page.getByText(/Last read 3 days ago.* sync the tenant to read it again/).waitFor();
  assert.deepEqual(page.faults, []);
});

test("who may not sync reads who may", async () => {
  const reader = await installation.addUser("Riley Reader", "readonly", [tenant]);
  const page = await open(browser, installation, reader);
  await page.goto(`tenants/${tenant.id}`);
  await old(page).getByText("Operators, managers and owners can sync.").waitFor();
});

test("a sync ends the warning without a reload", async () => {
  const page = await open(browser, installation, member);
  await page.goto(`tenants/${tenant.id}`);
  await old(page).waitFor();
  await syncButton(page, tenant).click();
  await old(page).waitFor({ state: "detached" });
  await page.getByText(/policy types with items were read completely within a day/).waitFor();
});
