import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { useTenants } from "../api/queries";
import { useAddress } from "../parts/address";
import { RunBadge } from "../parts/badge";
import { Choice, Tick } from "../parts/fields";
import { Pager } from "../parts/pager";
import { ProgressLine } from "../parts/progress";
import { Empty, Loaded } from "../parts/states";
import { Moment, Took } from "../parts/time";
import { count, kindWords } from "../words";
import { runQuery } from "./runQuery";

export default function RunsPage() {
  const { get, filter, search } = useAddress();
  const tenants = useTenants({ all: true }).data?.pages.flatMap((page) => page.items) ?? [];
  const query = runQuery(search);
  const runs = useQuery({
    queryKey: ["runs", "list", query],
    queryFn: () => body(api.GET("/operation-runs", { params: { query } })),
    refetchInterval: 10_000,
  });
  return (
    <>
      <div className="page-head">
        <h1>Runs</h1>
      </div>
      <div className="filters">
        <Choice
          label="Tenant"
          value={get("tenant_id") ?? ""}
          onChange={(tenant_id) => filter({ tenant_id })}
          options={[
            ["", "All tenants"],
            ...tenants.map((one): [string, string] => [one.id, one.name]),
          ]}
        />
        <Choice
          label="Kind"
          value={get("kind") ?? ""}
          onChange={(kind) => filter({ kind })}
          options={[
            ["", "All kinds"],
            ["inventory_sync", "Inventory sync"],
            ["directory_groups_sync", "Groups sync"],
          ]}
        />
        <Choice
          label="State"
          value={get("state") ?? ""}
          onChange={(state) => filter({ state })}
          options={[
            ["", "All states"],
            ["active", "Queued or running"],
            ["succeeded", "Succeeded"],
            ["partially_succeeded", "Partly succeeded"],
            ["failed", "Failed"],
            ["cancelled", "Cancelled"],
          ]}
        />
        <Tick
          selected={get("initiator") === "me"}
          onChange={(on) => filter({ initiator: on ? "me" : undefined })}
        >
          Started by me
        </Tick>
      </div>
      <Loaded query={runs}>
        {({ items, next_cursor }) =>
          items.length === 0 ? (
            <Empty title={search === "" ? "No runs yet" : "No run matches"}>
              <p>
                {search === "" ? (
                  <>
                    Press Sync on a <Link href="/">tenant</Link> to start one.
                  </>
                ) : (
                  <Link href="/runs">Show all runs</Link>
                )}
              </p>
            </Empty>
          ) : (
            <>
              <RunTable runs={items} />
              <Pager next={next_cursor} shown={count(items.length, "run")} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function RunTable({ runs }: { runs: Schemas["OperationRun"][] }) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">State</th>
          <th scope="col">Result</th>
          <th scope="col">Started by</th>
          <th scope="col">Created</th>
          <th scope="col" className="right">
            Time
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row">
              <Link href={`/runs/${run.id}`}>{run.tenant.name}</Link>
              <span className="quiet sub">{kindWords(run.kind)}</span>
            </th>
            <td data-label="State">
              <RunBadge run={run} />
            </td>
            <td className="wide">
              <ProgressLine run={run} />
            </td>
            <td data-label="Started by">
              {run.initiator.display}
              {run.scheduled && <span className="quiet"> by schedule</span>}
            </td>
            <td data-label="Created">
              <Moment at={run.created_at} />
            </td>
            <td data-label="Time" className="right">
              <Took from={run.started_at ?? run.created_at} to={run.completed_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
