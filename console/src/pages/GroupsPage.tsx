// Groups of the directory as they are stored. No page waits for Microsoft Graph: the live search is
// a request of its own, with a token of the reader's.

import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { ListLayout, Virtualizer } from "react-aria-components/Virtualizer";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { useAddress } from "../parts/address";
import { olderThanDay } from "../parts/age";
import { Badge } from "../parts/badge";
import { Choice, Search } from "../parts/fields";
import { Icon } from "../parts/icons";
import { Pager } from "../parts/pager";
import { Empty, Loaded } from "../parts/states";
import { GroupsSyncButton } from "../parts/sync";
import { Moment, useNow } from "../parts/time";
import { count, groupTypeWords, readable } from "../words";

type Tenant = Schemas["Tenant"];
type Group = Schemas["DirectoryGroup"];
const PAGE = 100;

export default function GroupsPage({ tenant }: { tenant: Tenant }) {
  const { get, filter } = useAddress();
  const [q, type, cursor] = [get("q") ?? "", get("type"), get("cursor")];
  const [picked, setPicked] = useState<Group>();
  const groups = useQuery({
    queryKey: ["groups", tenant.id, q, type, cursor],
    placeholderData: (before) => before,
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/directory-groups", {
          params: {
            path: { tenant_id: tenant.id },
            query: {
              limit: PAGE,
              ...(q ? { q } : {}),
              ...(type ? { type: type as never } : {}),
              ...(cursor ? { cursor } : {}),
            },
          },
        }),
      ),
  });
  return (
    <>
      <div className="section-head">
        <h2>Groups of the directory</h2>
        <GroupsSyncButton tenant={tenant} />
      </div>
      <div className="filters">
        <Search
          label="Find a group"
          value={q}
          placeholder="Name"
          onChange={(text) => filter({ q: text }, true)}
        />
        <Choice
          label="Type"
          value={type ?? ""}
          onChange={(value) => filter({ type: value })}
          options={[
            ["", "All types"],
            ...["security", "microsoft_365", "mail_enabled_security", "distribution"].map(
              (one): [string, string] => [one, groupTypeWords(one)],
            ),
          ]}
        />
      </div>
      <GroupsHelp page={groups.data} failed={groups.isError} />
      <Loaded query={groups}>
        {({ items, next_cursor }) => (
          <>
            {items.length === 0 ? (
              <Empty title={q ? "No stored group matches" : "No groups are stored"} />
            ) : (
              <div className="columns">
                <div>
                  <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight: 44 }}>
                    <ListBox
                      className="group-list card"
                      aria-label="Groups"
                      aria-describedby="groups-help"
                      items={items}
                      selectionMode="single"
                      selectedKeys={picked ? [picked.id] : []}
                      onSelectionChange={(keys) =>
                        setPicked(
                          keys === "all" ? undefined : items.find((one) => keys.has(one.id)),
                        )
                      }
                    >
                      {(group) => (
                        <ListBoxItem className="group" textValue={group.name}>
                          <span className="group-name">{group.name}</span>
                          <span className="quiet">{groupTypeWords(group.type)}</span>
                        </ListBoxItem>
                      )}
                    </ListBox>
                  </Virtualizer>
                  <Pager next={next_cursor} shown={count(items.length, "group")} />
                </div>
                <GroupFacts group={picked} tenantId={tenant.id} />
              </div>
            )}
          </>
        )}
      </Loaded>
      <LiveSearch tenant={tenant} />
    </>
  );
}

/** How old the stored groups are and how they are read again: also while they load, and if they cannot. */
function GroupsHelp({
  page,
  failed,
}: {
  page: Schemas["DirectoryGroupPage"] | undefined;
  failed: boolean;
}) {
  const now = useNow(60_000);
  const at = page?.data_as_of;
  const old = olderThanDay(at, now);
  return (
    <p className={old ? "notice warning" : "notice busy"} id="groups-help">
      {old && <Icon name="warning" />}{" "}
      {at ? (
        <>
          These groups are stored here. They were read from Microsoft Graph <Moment at={at} />.{" "}
        </>
      ) : page ? (
        "The groups of this directory have not been read yet. "
      ) : (
        `Groups are stored here${failed ? "" : "; loading how old they are"}. `
      )}
      Press Sync groups to read them again.
    </p>
  );
}

function GroupFacts({ group, tenantId }: { group: Group | undefined; tenantId: string }) {
  const links = useQuery({
    queryKey: ["inventory", tenantId, "group-links", group?.id],
    enabled: group !== undefined,
    queryFn: () =>
      body(
        api.GET("/tenants/{tenant_id}/inventory-links", {
          params: {
            path: { tenant_id: tenantId },
            query: { target_kind: "group", target_id: group?.id ?? "", limit: 50 },
          },
        }),
      ),
  });
  if (!group) return <p className="quiet">Pick a group to see what it is assigned.</p>;
  return (
    <section aria-label={group.name}>
      <h3>{group.name}</h3>
      <p className="quiet">
        {groupTypeWords(group.type)}
        {group.dynamic && " · dynamic"}
        {group.on_premises && " · from on-premises"}
        {group.assignable_to_role && " · assignable to roles"}
        {group.removed_at && " · removed"}
      </p>
      {group.description && <p>{group.description}</p>}
      {group.membership_rule && <code className="block">{group.membership_rule}</code>}
      <h4>Assigned policies</h4>
      <Loaded query={links} rows={2}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <p className="quiet">No stored policy is assigned to it.</p>
          ) : (
            <>
              <ul className="links card">
                {items.map((link) => (
                  <li key={link.id}>
                    <Link href={`/tenants/${tenantId}/items/${link.item.id}`}>
                      {link.item.name || link.item.external_id}
                    </Link>
                    {link.kind === "excluded_from" ? (
                      <Badge code="partially_succeeded" words="Excluded" />
                    ) : (
                      <span className="quiet">{readable(link.kind)}</span>
                    )}
                  </li>
                ))}
              </ul>
              {next_cursor && <p className="quiet">Only the first 50 are shown.</p>}
            </>
          )
        }
      </Loaded>
    </section>
  );
}

function LiveSearch({ tenant }: { tenant: Tenant }) {
  const { available, needs } = tenant.capabilities.directory_search;
  const [token, setToken] = useState("");
  const [q, setQ] = useState("");
  const search = useMutation({
    mutationFn: () =>
      body(
        api.POST("/tenants/{tenant_id}/directory-groups/search", {
          params: { path: { tenant_id: tenant.id }, header: { "X-Graph-Token": token.trim() } },
          body: { q, limit: 25 },
        }),
      ),
  });
  const ready = available && token.trim() !== "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    search.mutate();
  };
  return (
    <section className="live card" aria-labelledby="live">
      <h2 id="live">Search the directory itself</h2>
      <p className="quiet" id="live-reason">
        {!available
          ? "Searching the directory is not available for this tenant."
          : ready
            ? "The token is sent with this search only, and is not stored."
            : `Disabled: a search of the directory needs a token of yours for Microsoft Graph (${readable(needs).toLowerCase()}). Stored groups need none.`}
      </p>
      <form className="filters" onSubmit={submit}>
        <label className="field grow">
          <span>Delegated token</span>
          <input
            type="password"
            autoComplete="off"
            value={token}
            disabled={!available}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <label className="field grow">
          <span>Name</span>
          <input
            value={q}
            disabled={!ready}
            aria-describedby="live-reason"
            onChange={(event) => setQ(event.target.value)}
          />
        </label>
        <Button
          className="button"
          type="submit"
          isDisabled={!ready || q === ""}
          isPending={search.isPending}
        >
          Search
        </Button>
      </form>
      {search.isError && (
        <p role="alert" className="notice bad">
          {search.error.message}
        </p>
      )}
      {search.data && (
        <ul className="links">
          {search.data.items.map((one) => (
            <li key={one.id}>
              {one.name} <span className="quiet">{groupTypeWords(one.type)}</span>
            </li>
          ))}
          {search.data.items.length === 0 && <li className="quiet">No group found.</li>}
        </ul>
      )}
    </section>
  );
}
