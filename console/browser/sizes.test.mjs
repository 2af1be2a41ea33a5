// A thousand tenants and a hundred thousand items: pages stay usable and ask for no more than they show.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, rowOf, settled } from "./harness/browser.mjs";
import { Installation } from "./harness/installation.mjs";

const TENANTS = 1000;
const ITEMS = 100_000;
/** Tenants whose last sync failed, and the name of the last of them. */
const FAILED = 150;
const LAST_FAILED = "Customer 0150";

let installation, browser, tenant, member;

before(async () => {
  [installation, browser] = await Promise.all([Installation.start(), launch()]);
  tenant = await installation.addTenant("Contoso");
  member = await installation.addUser("Avery Howard", "operator", [tenant]);
  installation.startWorker();
  await member.ended(await member.sync(tenant));
  const { sql } = installation;
  await sql`
    INSERT INTO tenants (id, name, directory_id)
    SELECT gen_random_uuid(), 'Customer ' || lpad(n::text, 4, '0'), gen_random_uuid()
    FROM generate_series(1, ${TENANTS - 1}::integer) n`;
  await sql`
    INSERT INTO memberships (user_id, tenant_id, role)
    SELECT u.id, t.id, 'operator' FROM users u CROSS JOIN tenants t ON CONFLICT DO NOTHING`;
  // Copies of the run, as it would be if it had failed in the first customers.
  await sql`
    INSERT INTO operation_runs
    SELECT copy.*
    FROM operation_runs r CROSS JOIN tenants t
        CROSS JOIN LATERAL jsonb_populate_record(NULL::operation_runs, to_jsonb(r)
            || jsonb_build_object('id', gen_random_uuid(), 'tenant_id', t.id,
                'outcome', 'failed')) copy
    WHERE r.tenant_id = ${tenant.id} AND t.name BETWEEN 'Customer 0001' AND ${LAST_FAILED}`;
  // Copies of an item that was read, each with an id and a name of its own.
  await sql`
    INSERT INTO inventory_items
    SELECT copy.*
    FROM (SELECT * FROM inventory_items WHERE tenant_id = ${tenant.id}
            AND policy_type = 'deviceConfiguration' LIMIT 1) i
        CROSS JOIN generate_series(1, ${ITEMS}::integer) n
        CROSS JOIN LATERAL jsonb_populate_record(NULL::inventory_items, to_jsonb(i)
            || jsonb_build_object('id', gen_random_uuid(), 'external_id', gen_random_uuid(),
                'name', 'Copy ' || lpad(n::text, 6, '0'))) copy`;
  await sql`
    UPDATE inventory_type_summaries SET present = present + ${ITEMS}
    WHERE tenant_id = ${tenant.id} AND policy_type = 'deviceConfiguration'`;
  await sql`ANALYZE`;
});

after(async () => {
  await browser?.close();
  await installation?.stop();
});

/** Counts the page's requests to the API, by path without ids. */
function counted(page) {
  const requests = new Map();
  page.on("request", (request) => {
    const path = new URL(request.url()).pathname.replaceAll(/[0-9a-f-]{36}/g, "{id}");
    requests.set(path, (requests.get(path) ?? 0) + 1);
  });
  return (path) => requests.get(path) ?? 0;
}

test("a thousand tenants are shown in parts, and a hundred failed runs are one request", async () => {
  const page = await open(browser, installation, member);
  const requests = counted(page);
  await page.goto("");
  await page.getByText("200 of 1,000 tenants").waitFor();
  await rowOf(page, { name: LAST_FAILED }).getByText("Failed").waitFor();
  await settled(page);
  assert.equal(requests("/tenants"), 1);
  assert.equal(requests("/operation-runs"), Math.ceil(FAILED / 100));
  assert.ok(requests("/tenants/{id}/schedule") < 40, `${requests("/tenants/{id}/schedule")}`);
  await page.getByRole("button", { name: "Show more tenants" }).click();
  await page.getByText("400 of 1,000 tenants").waitFor();
});

test("one of a thousand tenants is found by its name, also when its page was not read yet", async () => {
  const page = await open(browser, installation, member);
  await page.goto("");
  await page.getByLabel("Search").fill("Customer 0987");
  await page.getByText("1 tenant", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Customer 0987" }).click();
  await page.getByRole("heading", { name: "Customer 0987" }).waitFor();
  await page.getByText("Never synced: nothing is known of this tenant yet.").waitFor();
});

test("among a hundred thousand items pages turn, types are counted, and a name is found", async () => {
  const page = await open(browser, installation, member);
  await page.goto(`tenants/${tenant.id}?policy_type=deviceConfiguration`);
  await page.getByRole("rowheader", { name: "Copy 000001" }).waitFor();
  const rows = await page.getByRole("rowheader").count();
  assert.ok(rows <= 50, `${rows} rows are shown at once`);
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("rowheader", { name: "Copy 000060" }).waitFor();
  await page.getByLabel("Search").fill("Copy 098765");
  await page.getByRole("rowheader", { name: "Copy 098765" }).waitFor();
  await page.getByRole("rowheader", { name: "Copy 000060" }).waitFor({ state: "detached" });
  assert.equal(await page.getByRole("rowheader").count(), 1);
  await page.goto(`tenants/${tenant.id}`);
  const configuration = page.getByRole("link", { name: /Configuration$/ });
  await configuration.getByText(/^100,\d\d\d$/).waitFor();
  assert.deepEqual(page.faults, []);
});
