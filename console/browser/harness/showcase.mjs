// An installation with something of everything that pages show: a history with changes, an incomplete
// run, a failed one and an active one, a schedule, a paused queue, tenants that cannot be synced, old data.

import { Installation } from "./installation.mjs";
import { until } from "./programs.mjs";

const FORBIDDEN = "/beta/deviceManagement/deviceHealthScripts";
const HELD = "/beta/deviceManagement/configurationPolicies";
const ANNA = {
  kind: "user",
  id: "7d3d2c0e-6d0f-4f2a-9d64-0f3f0a5f6b7c",
  name: "anna@contoso.example",
};

export async function showcase() {
  const made = await Installation.start({ size: 300 });
  const [adatum, contoso, fabrikam, northwind, tailspin] = [
    await made.addTenant("Adatum"),
    await made.addTenant("Contoso"),
    await made.addTenant("Fabrikam"),
    await made.addTenant("Northwind Traders"),
    await made.addTenant("Tailspin Toys"),
  ];
  const directory = ["--directory-id", "3f0c2a54-7d0b-4c39-9d0a-5b1c7f1de001"];
  const woodgrove = await made.atlas("tenant", "add", "--name", "Woodgrove Bank", ...directory);
  const able = [adatum, contoso, fabrikam, northwind, tailspin, { id: woodgrove }];
  const avery = await made.addUser("Avery Howard", "owner", able);
  await made.atlas("user", "operator", avery.email);
  const morgan = await made.addUser("Morgan Diaz", "owner", able);
  await made.atlas("user", "operator", morgan.email);
  const reader = await made.addUser("Riley Reader", "readonly", [contoso]);
  const stranger = await made.addUser("Sam Stranger");
  made.startWorker();
  await made.simulate("audit", { late_from_ms: 0, late_to_ms: 0 }, "PUT");

  const sync = async (tenant) => avery.ended(await avery.sync(tenant));
  const first = [adatum, contoso, fabrikam].map(sync);
  const groups = await avery.send("POST", `/tenants/${contoso.id}/directory-groups-sync`);
  await Promise.all([...first, avery.ended(groups.run)]);
  await made.age(adatum, 3);
  const aged = await avery.get(
    `/tenants/${adatum.id}/inventory-items?policy_type=deviceCompliancePolicy`,
  );
  await made.simulate(`mutate/${contoso.directoryId}`, {
    ...{ seed: 5, add: 4, delete: 3, rename: 2, edit: 3, reassign: 3 },
    actor: ANNA,
  });
  const settings = { seed: 8, edit_value: 4, keys: ["settingsCatalogPolicy"], actor: ANNA };
  await made.simulate(`mutate/${contoso.directoryId}`, settings);
  await sync(contoso);
  await made.simulate("faults", {
    path: { exact: FORBIDDEN },
    tenant: contoso.directoryId,
    count: null,
    effect: { kind: "forbidden", permission: "DeviceManagementScripts.Read.All" },
  });
  await made.simulate(`mutate/${contoso.directoryId}`, { seed: 6, edit_value: 2, edit_nested: 2 });
  const partial = await sync(contoso);
  await made.simulate("faults", {
    path: { suffix: "/oauth2/v2.0/token" },
    tenant: northwind.directoryId,
    count: null,
    effect: { kind: "sign_in", refusal: "secret_expired" },
  });
  const failed = await sync(northwind);
  const { items } = await avery.get(
    `/tenants/${contoso.id}/inventory-changes?kind=changed&policy_type=settingsCatalogPolicy`,
  );
  const daily = { time: "02:30", zone: "Europe/Berlin", jitter_minutes: 30 };
  await avery.send("PUT", `/tenants/${contoso.id}/schedule`, daily);
  await avery.send("POST", "/system/queues/directory_groups_sync/pause", {
    reason: "The directory is being moved.",
  });
  await made.hold(HELD, fabrikam);
  const active = await avery.sync(fabrikam);
  await until("the held run to read", async () => {
    const { progress } = await avery.get(`/operation-runs/${active.id}`);
    return progress && progress.completed > 20;
  });
  return {
    installation: made,
    ...{ avery, morgan, reader, stranger, adatum, contoso, fabrikam, northwind, tailspin },
    ...{ partial, failed, active, changed: items[0].item, agedItem: aged.items[0] },
  };
}
