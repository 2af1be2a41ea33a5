// What an item's page leads to, and what a reader takes away.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { launch, open } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

const TYPE = "deviceCompliancePolicy";

let installation, browser, tenant, member, page;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  tenant = await installation.addTenant("Contoso");
  member = await installation.addUser("Avery Howard", "operator", [tenant]);
  installation.startWorker();
  await member.ended(await member.sync(tenant));
  page = await open(browser, installation, member);
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

test("links lead from an item to what it uses, and back from there", async () => {
  const { items } = await member.get(`/tenants/${tenant.id}/inventory-items?policy_type=${TYPE}`);
  const linked = await Promise.all(
    items.map(async (item) => {
      const links = await member.get(`/tenants/${tenant.id}/inventory-items/${item.id}/links`);
      return { item, used: links.items.find((link) => link.kind === "scoped_by")?.target };
    }),
  );
  const { item, used } = linked.find((one) => one.used?.item_id);
  await page.goto(`tenants/${tenant.id}/items/${item.id}`);
  const uses = page.getByRole("region", { name: "Uses" });
  await uses.getByRole("link", { name: used.name, exact: true }).click();
  await page.getByRole("heading", { name: used.name, exact: true }).waitFor();
  const usedBy = page.getByRole("region", { name: "Used by" });
  await usedBy.getByRole("link", { name: item.name, exact: true }).click();
  await page.getByRole("heading", { name: item.name, exact: true }).waitFor();
  assert.deepEqual(page.faults, []);
});

test("an export of a type is a file that ends with its end", async () => {
  await page.goto(`tenants/${tenant.id}?policy_type=${TYPE}`);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export this type" }).click(),
  ]);
  assert.match(download.suggestedFilename(), /^Contoso-\d{4}-\d\d-\d\d\.ndjson$/);
  const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
  assert.equal(JSON.parse(lines.at(-1)).line, "end");
  assert.ok(lines.length > 2, `${lines.length} lines`);
});

test("the search of the directory is disabled, with the reason beside it, until a token is there", async () => {
  await page.goto(`tenants/${tenant.id}/groups`);
  await page.getByText("Press Sync groups to read them again.").waitFor();
  const live = page.getByRole("region", { name: "Search the directory itself" });
  await live.getByText(/^Disabled: a search of the directory needs a token of yours/).waitFor();
  assert.ok(await live.getByLabel("Name").isDisabled());
  await live.getByLabel("Delegated token").fill("a.b.c");
  await live.getByText("The token is sent with this search only").waitFor();
  assert.ok(await live.getByLabel("Name").isEnabled());
});
