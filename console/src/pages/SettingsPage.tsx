// Which policies set a setting, with which value, and for whom.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { usePolicyTypeLabels } from "../api/queries";
import { useAddress } from "../parts/address";
import { Badge } from "../parts/badge";
import { Search } from "../parts/fields";
import { targetName } from "../parts/itemLinks";
import { Pager } from "../parts/pager";
import { Empty, Loaded } from "../parts/states";
import { count, readable, valueText } from "../words";

const PAGE = 50;
const SHORTEST = 3;

export default function SettingsPage({ tenant }: { tenant: Schemas["Tenant"] }) {
  const { get, filter } = useAddress();
  const label = usePolicyTypeLabels();
  const [q, id, cursor] = [get("q") ?? "", get("setting_id"), get("cursor")];
  const enough = id !== undefined || q.length >= SHORTEST;
  const settings = useQuery({
    queryKey: ["inventory", tenant.id, "settings", id, q, cursor],
    enabled: enough,
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-settings", {
          params: {
            path: { tenant_id: tenant.id },
            query: {
              limit: PAGE,
              ...(id ? { setting_id: id } : { q }),
              ...(cursor ? { cursor } : {}),
            },
          },
        }),
      ),
  });
  return (
    <>
      <div className="filters">
        <Search
          label="Find a setting"
          value={q}
          placeholder="Name or identifier, three letters or more"
          onChange={(text) => filter({ q: text, setting_id: undefined }, true)}
        />
      </div>
      {id && (
        <p className="notice busy">
          Policies that set <code>{id}</code>.
        </p>
      )}
      {!enough && (
        <Empty title="Which policies set a setting?">
          <p>
            Type a part of its name, such as “firewall”. Every policy that sets it is listed with
            its value and assignments.
          </p>
        </Empty>
      )}
      {enough && (
        <Loaded query={settings}>
          {({ items, next_cursor }) =>
            items.length === 0 ? (
              <Empty title="No policy sets it">
                <p>Settings are known once a sync has read the values of their policies.</p>
              </Empty>
            ) : (
              <>
                <table className="table cards">
                  <thead>
                    <tr>
                      <th scope="col">Setting</th>
                      <th scope="col">Value</th>
                      <th scope="col">Policy</th>
                      <th scope="col">Assigned to</th>
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((one) => (
                      <tr key={`${one.item.id}${one.field}`}>
                        <th scope="row" title={one.setting.id}>
                          {one.setting.name ?? readable(one.setting.id)}
                        </th>
                        <td data-label="Value">{one.value_name ?? settingValue(one)}</td>
                        <td data-label="Policy">
                          <Link href={`/tenants/${tenant.id}/items/${one.item.id}`}>
                            {one.item.name || one.item.external_id}
                          </Link>
                          <span className="quiet sub">{label(one.item.policy_type)}</span>
                        </td>
                        <td data-label="Assigned to">
                          <Assigned setting={one} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
                <Pager next={next_cursor} shown={count(items.length, "policy setting")} />
              </>
            )
          }
        </Loaded>
      )}
    </>
  );
}

/** Options of a list have no names here; the setting that they begin with is in the row. */
function settingValue({ value, setting }: Schemas["InventorySetting"]): string {
  return valueText(value).replaceAll(`${setting.id}_`, "option ");
}

const FEW = 3;

function Assigned({ setting }: { setting: Schemas["InventorySetting"] }) {
  const { assignments } = setting;
  if (assignments.length === 0) return <span className="quiet">Not assigned</span>;
  return (
    <ul className="plain-list">
      {assignments.slice(0, FEW).map((one) => (
        <li key={`${one.kind}${one.target.id}`}>
          {targetName(one.target)}{" "}
          {one.kind === "excluded_from" && <Badge code="partially_succeeded" words="Excluded" />}
        </li>
      ))}
      {assignments.length > FEW && <li className="quiet">and {assignments.length - FEW} more</li>}
    </ul>
  );
}
