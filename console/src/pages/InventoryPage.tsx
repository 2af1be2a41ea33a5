import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { useInventorySummary, usePolicyTypeLabels } from "../api/queries";
import { useAddress } from "../parts/address";
import { behind, olderThanDay, oldest } from "../parts/age";
import { Badge } from "../parts/badge";
import { ExportButton } from "../parts/export";
import { Choice, Search } from "../parts/fields";
import { Icon } from "../parts/icons";
import { Pager } from "../parts/pager";
import { Empty, Loaded } from "../parts/states";
import { day, Moment, useNow } from "../parts/time";
import { count, isNamed, platformWords } from "../words";
import { endOfDay, incomplete, itemQuery, summaryByCategory } from "./inventoryQuery";

type Tenant = Schemas["Tenant"];

export default function InventoryPage({ tenant }: { tenant: Tenant }) {
  const summary = useInventorySummary(tenant.id);
  const { get } = useAddress();
  return (
    <Loaded query={summary}>
      {(data) =>
        data.present + data.missing === 0 ? (
          <Empty title="Nothing is stored yet">
            <p>Press Sync to read this tenant's policies from Microsoft Graph.</p>
          </Empty>
        ) : (
          <>
            <Categories summary={data} chosen={get("category")} />
            <Filters summary={data} tenant={tenant} />
            <Completeness types={data.types} />
            <Items tenant={tenant} />
          </>
        )
      }
    </Loaded>
  );
}

function Categories({
  summary,
  chosen,
}: {
  summary: Schemas["InventorySummary"];
  chosen: string | undefined;
}) {
  const { withParameters } = useAddress();
  return (
    <ul className="tiles" aria-label="Items by category">
      {summaryByCategory(summary.types).map(({ category, present }) => (
        <li key={category}>
          <Link
            href={withParameters({
              category: chosen === category ? undefined : category,
              policy_type: undefined,
              cursor: undefined,
            })}
            aria-current={chosen === category ? "true" : undefined}
          >
            <strong className="number">{present.toLocaleString()}</strong>
            <span>{category}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

const NAMED = 3;

/** How old the oldest of what is shown is, and which policy types no sync has read completely lately. */
function Completeness({ types }: { types: Schemas["PolicyTypeSummary"][] }) {
  const now = useNow(60_000);
  const late = behind(types, now);
  const stored = types.filter((type) => type.present + type.missing > 0).length;
  const first = oldest(types);
  if (late.length === 0) {
    return (
      <p className="quiet completeness">
        All {count(stored, "policy type")} with items were read completely within a day
        {first && (
          <>
            , the oldest <Moment at={first} />
          </>
        )}
        .
      </p>
    );
  }
  if (late.length === stored) {
    return (
      <p className="quiet completeness">
        None of the {count(stored, "policy type")} with items was read completely within a day
        {first && (
          <>
            , the oldest <Moment at={first} />
          </>
        )}
        .
      </p>
    );
  }
  return (
    <div className="notice warning completeness">
      <p>
        {late.length} of {count(stored, "policy type")} with items{" "}
        {late.length === 1 ? "was" : "were"} not read completely for more than a day:
      </p>
      <ul className="plain-list">
        {late.slice(0, NAMED).map((type) => (
          <li key={type.policy_type}>
            {type.label}, {type.data_as_of ? <Moment at={type.data_as_of} /> : "never"}
          </li>
        ))}
        {late.length > NAMED && <li>and {count(late.length - NAMED, "more type")}</li>}
      </ul>
    </div>
  );
}

function Filters({ summary, tenant }: { summary: Schemas["InventorySummary"]; tenant: Tenant }) {
  const { get, filter } = useAddress();
  const category = get("category");
  const types = summary.types.filter(
    (type) => category === undefined || type.category === category,
  );
  return (
    <div className="filters">
      <Search
        label="Search"
        value={get("q") ?? ""}
        placeholder="Name, three letters or more"
        onChange={(q) => filter({ q }, true)}
      />
      <Choice
        label="Policy type"
        value={get("policy_type") ?? ""}
        onChange={(policy_type) => filter({ policy_type })}
        options={[
          ["", "All types"],
          ...types
            .filter((type) => type.present + type.missing > 0)
            .map((type): [string, string] => [type.policy_type, `${type.label} (${type.present})`]),
        ]}
      />
      <Choice
        label="Platform"
        value={get("platform") ?? ""}
        onChange={(platform) => filter({ platform })}
        options={[
          ["", "All"],
          ...["windows", "macOS", "iOS", "android", "linux"].map((one): [string, string] => [
            one,
            platformWords(one),
          ]),
        ]}
      />
      <Choice
        label="Show"
        value={get("show") ?? ""}
        onChange={(show) => filter({ show })}
        options={[
          ["", "Existing"],
          ["policies", "Policies only"],
          ["foundations", "Foundations only"],
          ["deleted", "Deleted"],
          ["all", "Existing and deleted"],
        ]}
      />
      <label className="field">
        <span>As of</span>
        <input
          type="date"
          value={get("day") ?? ""}
          max={new Date().toISOString().slice(0, 10)}
          onChange={(event) => filter({ day: event.target.value })}
        />
      </label>
      <ExportButton
        tenant={tenant}
        policyType={get("policy_type")}
        asOf={endOfDay(get("day"), Date.now())}
      />
    </div>
  );
}

function Items({ tenant }: { tenant: Tenant }) {
  const { search, get, filter } = useAddress();
  const label = usePolicyTypeLabels();
  const query = itemQuery(search, Date.now());
  const short = (get("q") ?? "").length > 0 && query.q === undefined;
  // The moment of today moves with the clock; the address says which page it is.
  const items = useQuery({
    queryKey: ["inventory", tenant.id, "items", search],
    placeholderData: (before) => before,
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-items", {
          params: { path: { tenant_id: tenant.id }, query },
        }),
      ),
  });
  return (
    <Loaded query={items}>
      {({ items: rows, next_cursor, readings }) => (
        <>
          {query.as_of && (
            <p className="notice busy">
              As it was known at the end of {day(query.as_of)}.
              {readings &&
                incomplete(readings) > 0 &&
                ` ${count(incomplete(readings), "policy type")} could not be read completely then.`}{" "}
              <button
                type="button"
                className="link-button"
                onClick={() => filter({ day: undefined })}
              >
                Show today
              </button>
            </p>
          )}
          {short && <p className="quiet">A search needs three letters or more.</p>}
          {rows.length === 0 ? (
            <Empty title="No item matches" />
          ) : (
            <>
              <table className="table cards">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Policy type</th>
                    <th scope="col">Platform</th>
                    <th scope="col" className="right">
                      Assignments
                    </th>
                    <th scope="col">Changed</th>
                    <th scope="col">Last seen</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((item) => (
                    <tr key={item.id}>
                      <th scope="row">
                        <Link
                          href={`/tenants/${tenant.id}/items/${item.id}${query.as_of ? `?day=${get("day")}` : ""}`}
                        >
                          {isNamed(item) ? item.name : label(item.policy_type)}
                        </Link>
                        {!isNamed(item) && <code className="quiet sub">{item.external_id}</code>}
                        {item.missing_since && <Badge code="gone" words="Deleted" />}
                      </th>
                      <td data-label="Policy type">{label(item.policy_type)}</td>
                      <td data-label="Platform">
                        {item.platform ? platformWords(item.platform) : "—"}
                      </td>
                      <td data-label="Assignments" className="right number">
                        {item.assignment_count ?? "—"}
                      </td>
                      <td data-label="Changed">
                        <Moment at={item.changed_at} />
                      </td>
                      <td data-label="Last seen">
                        <LastSeen item={item} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <Pager next={next_cursor} shown={count(rows.length, "item")} />
            </>
          )}
        </>
      )}
    </Loaded>
  );
}

function LastSeen({ item }: { item: Schemas["InventoryItem"] }) {
  const now = useNow(60_000);
  const old = !item.missing_since && olderThanDay(item.last_seen_at, now);
  return (
    <span className={old ? "old" : ""}>
      {old && <Icon name="warning" />} <Moment at={item.last_seen_at} />
    </span>
  );
}
