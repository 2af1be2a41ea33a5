import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link, useLocation } from "wouter";
import { api, body, type Schemas } from "../api/client";
import { useRun } from "../api/queries";
import { rememberJoined, updates } from "../live/useActiveRuns";
import { Badge, RunBadge } from "../parts/badge";
import { Icon } from "../parts/icons";
import { ProgressLine } from "../parts/progress";
import { RunResults } from "../parts/results";
import { Loaded } from "../parts/states";
import { Moment, Took } from "../parts/time";
import { Timeline } from "../parts/timeline";
import { kindWords, readable } from "../words";

type Run = Schemas["OperationRun"];

export default function RunPage({ runId }: { runId: string }) {
  const run = useRun(runId);
  return (
    <Loaded query={run} page>
      {({ data }) => (
        <>
          <nav className="crumbs" aria-label="Breadcrumb">
            <Link href="/runs">Runs</Link>
            <Icon name="right" />
            <Link href={`/tenants/${data.tenant.id}`}>{data.tenant.name}</Link>
          </nav>
          <div className="page-head">
            <h1>
              {kindWords(data.kind)} of {data.tenant.name} <RunBadge run={data} />
            </h1>
            <Actions run={data} refresh={() => void run.refetch()} />
          </div>
          <section className="card run-now" aria-label="Progress">
            <ProgressLine run={data} />
            {data.error && <RunErrorWords error={data.error} outcome={data.outcome} />}
          </section>
          <div className="run-parts">
            <Facts run={data} />
            <Timeline run={data} />
          </div>
          <RunResults run={data} />
        </>
      )}
    </Loaded>
  );
}

function RunErrorWords({
  error,
  outcome,
}: {
  error: Schemas["RunError"];
  outcome: string | undefined;
}) {
  return (
    <div className={outcome === "partially_succeeded" ? "notice warning" : "notice bad"}>
      {error.hint && <p>{error.hint}</p>}
      {error.missing_permissions && (
        <p>
          Missing permission: <code>{error.missing_permissions.join(", ")}</code>
        </p>
      )}
      <p className="quiet">
        <code>{error.code}</code>
        {error.retryable ? " · worth trying again" : " · trying again will not help by itself"}
        {error.upstream?.request_id && (
          <>
            {" "}
            · Microsoft Graph request <code>{error.upstream.request_id}</code>
          </>
        )}
      </p>
    </div>
  );
}

function Facts({ run }: { run: Run }) {
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <FactList run={run} />
    </section>
  );
}

function FactList({ run }: { run: Run }) {
  const { cancel, heartbeat, selection, counts } = run;
  return (
    <dl className="facts card">
      <Fact name="Started by">
        {run.initiator.display}
        {run.scheduled && " by schedule"}
      </Fact>
      <Fact name="Created">
        <Moment at={run.created_at} />
      </Fact>
      {run.started_at && (
        <Fact name="Started">
          <Moment at={run.started_at} />
        </Fact>
      )}
      {run.completed_at && (
        <Fact name="Ended">
          <Moment at={run.completed_at} />
        </Fact>
      )}
      <Fact name="Time">
        <Took from={run.started_at ?? run.created_at} to={run.completed_at} />
      </Fact>
      <Fact name="Attempts">
        {run.attempt}
        {run.failures > 0 && `, ${run.failures} of ${run.max_failures} failures`}
      </Fact>
      {heartbeat && (
        <Fact name="Heartbeat">
          <Badge
            code={heartbeat.state}
            words={heartbeat.state === "ok" ? "OK" : readable(heartbeat.state)}
          />{" "}
          <Moment at={heartbeat.last_at} />
          <span className="quiet sub">{heartbeat.worker_id}</span>
        </Fact>
      )}
      {run.retry_of && (
        <Fact name="Retry of">
          <Link href={`/runs/${run.retry_of}`}>an earlier run</Link>
        </Fact>
      )}
      {cancel && (
        <Fact name="Cancelled by">
          {cancel.requested_by?.display ?? "The system"}, <Moment at={cancel.requested_at} />
          {cancel.reason && <span className="quiet sub">“{cancel.reason}”</span>}
        </Fact>
      )}
      {selection && (
        <Fact name="Selection">
          {selection.policy_type_count} policy types
          <span className="quiet sub">
            {selection.include_foundations === false ? "without" : "with"} foundations,{" "}
            {selection.include_dependencies === false ? "without" : "with"} dependencies
            {selection.verify && ", all values verified"}
          </span>
        </Fact>
      )}
      {counts && (
        <Fact name="Values">
          {counts.values_read.toLocaleString()} read, {counts.values_verified.toLocaleString()}{" "}
          verified
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Actions({ run, refresh }: { run: Run; refresh: () => void }) {
  const [, navigate] = useLocation();
  const [reason, setReason] = useState("");
  const [asking, setAsking] = useState(false);
  const path = { run_id: run.id };
  const settled = () => {
    updates.wake();
    refresh();
  };
  const cancel = useMutation({
    mutationFn: () =>
      body(
        api.POST("/operation-runs/{run_id}/cancel", {
          params: { path },
          body: reason.trim() ? { reason: reason.trim() } : {},
        }),
      ),
    onSuccess: () => setAsking(false),
    onSettled: settled,
  });
  const retry = useMutation({
    mutationFn: (scope: Schemas["RetryScope"]) =>
      body(api.POST("/operation-runs/{run_id}/retry", { params: { path }, body: { scope } })),
    onSuccess: (started) => {
      if (started.disposition === "joined") rememberJoined(started.run.id);
      navigate(`/runs/${started.run.id}`);
    },
    onSettled: settled,
  });
  const problem = cancel.error ?? retry.error;
  const failed = (run.counts?.types_failed ?? 0) + (run.counts?.types_incomplete ?? 0) > 0;
  return (
    <div className="actions">
      {run.actions.includes("retry") && (
        <>
          {failed && (
            <Button
              className="button primary"
              isPending={retry.isPending}
              onPress={() => retry.mutate("failed_only")}
            >
              Retry failed only
            </Button>
          )}
          <Button
            className="button"
            isPending={retry.isPending}
            onPress={() => retry.mutate("all")}
          >
            Retry all
          </Button>
        </>
      )}
      {run.actions.includes("cancel") && !run.cancel && !asking && (
        <Button className="button" onPress={() => setAsking(true)}>
          Cancel run
        </Button>
      )}
      {asking && (
        <form
          className="inline-form"
          onSubmit={(event) => {
            event.preventDefault();
            cancel.mutate();
          }}
        >
          <label className="field">
            <span>Reason (optional)</span>
            <input
              value={reason}
              maxLength={500}
              onChange={(event) => setReason(event.target.value)}
            />
          </label>
          <Button className="button danger" type="submit" isPending={cancel.isPending}>
            Cancel run
          </Button>
          <Button className="button" onPress={() => setAsking(false)}>
            Keep running
          </Button>
        </form>
      )}
      {problem && (
        <p role="alert" className="notice bad">
          {problem.message}
        </p>
      )}
    </div>
  );
}
