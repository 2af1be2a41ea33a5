// What a run did with each policy type.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { api, body, type Schemas } from "../api/client";
import { usePolicyTypeLabels } from "../api/queries";
import { count, readable } from "../words";
import { Badge } from "./badge";
import { Choice } from "./fields";
import { Empty, Loaded } from "./states";

type Result = Schemas["OperationRunResult"];
const PAGE = 200;

const ORDER = ["failed", "incomplete", "skipped", "pending", "succeeded"];

/** What needs a look first. */
export function ordered(results: Result[], show: string): Result[] {
  const wanted = results.filter((one) =>
    show === "problems"
      ? one.error !== undefined
      : show === "moved"
        ? one.created + one.changed + one.reassigned + one.missing + one.back > 0
        : true,
  );
  return wanted.sort((left, right) => ORDER.indexOf(left.status) - ORDER.indexOf(right.status));
}

export function RunResults({ run }: { run: Schemas["OperationRun"] }) {
  const [show, setShow] = useState("all");
  const label = usePolicyTypeLabels();
  const results = useInfiniteQuery({
    queryKey: ["runs", "results", run.id, run.status],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/operation-runs/{run_id}/results", {
          params: {
            path: { run_id: run.id },
            query: { limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: run.status === "running" ? 4000 : false,
    placeholderData: (before) => before,
  });
  return (
    <section aria-labelledby="results">
      <div className="section-head">
        <h2 id="results">Results by policy type</h2>
        <Choice
          label="Show"
          value={show}
          onChange={setShow}
          options={[
            ["all", "All types"],
            ["problems", "With a problem"],
            ["moved", "With changes"],
          ]}
        />
      </div>
      <Loaded query={results}>
        {({ pages }) => {
          const all = pages.flatMap((page) => page.items);
          const shown = ordered(all, show);
          if (shown.length === 0) {
            return (
              <Empty title={all.length > 0 ? "None of the types" : "No results yet"}>
                <p>
                  {all.length > 0
                    ? "Nothing of this kind in this run."
                    : "They appear while the run reads."}
                </p>
              </Empty>
            );
          }
          return (
            <>
              <p className="quiet">{count(shown.length, "type")}</p>
              <table className="table cards results">
                <thead>
                  <tr>
                    <th scope="col">Policy type</th>
                    <th scope="col">Status</th>
                    <th scope="col" className="right">
                      Seen
                    </th>
                    <th scope="col" className="right">
                      New
                    </th>
                    <th scope="col" className="right">
                      Changed
                    </th>
                    <th scope="col" className="right">
                      Reassigned
                    </th>
                    <th scope="col" className="right">
                      Deleted
                    </th>
                  </tr>
                </thead>
                {shown.map((one) => (
                  <ResultRows
                    key={one.policy_type}
                    result={one}
                    label={label(one.policy_type)}
                    ended={run.status === "completed"}
                  />
                ))}
              </table>
              {results.hasNextPage && (
                <Button className="button" onPress={() => void results.fetchNextPage()}>
                  Load more types
                </Button>
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function ResultRows({ result, label, ended }: { result: Result; label: string; ended: boolean }) {
  const { error } = result;
  // A run that has ended reads nothing any more.
  const words = ended && result.status === "pending" ? "Not read" : readable(result.status);
  return (
    <tbody>
      <tr className={error ? "has-more" : ""}>
        <th scope="row">{label}</th>
        <td data-label="Status">
          <Badge code={result.status} words={words} />
        </td>
        <Count name="Seen" value={result.seen} />
        <Count name="New" value={result.created} />
        <Count name="Changed" value={result.changed} />
        <Count name="Reassigned" value={result.reassigned} />
        <Count name="Deleted" value={result.missing} />
      </tr>
      {error && (
        <tr className="more">
          <td colSpan={7}>
            <p>{error.detail}</p>
            {error.missing_permissions && (
              <p>
                Missing permission: <code>{error.missing_permissions.join(", ")}</code>
              </p>
            )}
            {error.hint && <p className="quiet">{error.hint}</p>}
            {(error.upstream?.request_id ?? error.upstream_request_id) && (
              <p className="quiet">
                Microsoft Graph request{" "}
                <code>{error.upstream?.request_id ?? error.upstream_request_id}</code>
              </p>
            )}
          </td>
        </tr>
      )}
    </tbody>
  );
}

function Count({ name, value }: { name: string; value: number }) {
  return (
    <td data-label={name} className={value === 0 ? "right number zero" : "right number"}>
      {value.toLocaleString()}
    </td>
  );
}
