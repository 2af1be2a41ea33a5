// What members see who may not do everything, and what strangers do not see.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, rowOf, syncButton } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

let installation, browser, tenant, owner, run;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  tenant = await installation.addTenant("Contoso");
  owner = await installation.addUser("Olive Owner", "owner", [tenant]);
  installation.startWorker();
  run = await owner.ended(await owner.sync(tenant));
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

test("a readonly member reads everything, and sees why they cannot sync", async () => {
  const reader = await installation.addUser("Riley Reader", "readonly", [tenant]);
  const page = await open(browser, installation, reader);
  await page.goto("");
  assert.ok(await syncButton(page, tenant).isDisabled());
  await rowOf(page, tenant).getByText("Your role here is readonly").waitFor();
  await page.getByRole("link", { name: "Contoso" }).click();
  await page.getByText("Operators, managers and owners can sync.").waitFor();
  await page.getByRole("rowheader").first().waitFor();
  assert.equal(await page.getByRole("button", { name: /schedule/ }).count(), 0);

  await page.goto(`runs/${run.id}`);
  await page.getByRole("heading", { name: "Inventory sync of Contoso Succeeded" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /^(Retry|Cancel)/ }).count(), 0);
  await page.goto("operations");
  await page.getByRole("heading", { name: "For operators of the installation" }).waitFor();
  assert.deepEqual(page.faults, []);
});

test("for a stranger there is no tenant, and its pages say that they are not found", async () => {
  const stranger = await installation.addUser("Sam Stranger");
  const page = await open(browser, installation, stranger);
  await page.goto("");
  await page.getByRole("heading", { name: "You are not a member of any tenant" }).waitFor();
  for (const address of [`tenants/${tenant.id}`, `runs/${run.id}`]) {
    await page.goto(address);
    await page.getByRole("heading", { name: "Not found" }).waitFor();
    assert.equal(await page.getByText("Contoso").count(), 0);
  }
  assert.deepEqual(page.faults, []);
});

test("a member whose role is taken away finds the tenant gone, without a reload", async () => {
  const leaver = await installation.addUser("Lou Leaver", "operator", [tenant]);
  const page = await open(browser, installation, leaver);
  await page.goto("");
  await syncButton(page, tenant).waitFor();
  await installation.atlas("member", "remove", "--tenant", tenant.id, "--user", leaver.email);
  await page.getByRole("link", { name: "Contoso" }).click();
  await page.getByRole("heading", { name: "Not found" }).waitFor();
});

test("a token that was revoked leads back to the sign-in", async () => {
  const former = await installation.addUser("Fern Former", "operator", [tenant]);
  const page = await open(browser, installation, former);
  await page.goto("");
  await syncButton(page, tenant).waitFor();
  await installation.atlas("user", "disable", former.email);
  await page.getByRole("heading", { name: "Sign in to TenantAtlas" }).waitFor();
});
