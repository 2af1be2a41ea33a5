// What a run is doing: phase, bar and counts; why it waits; what came of it.

import { ProgressBar } from "react-aria-components/ProgressBar";
import type { Schemas } from "../api/client";
import { count, kindWords, phaseWords, waitWords } from "../words";
import { Moment } from "./time";

export function ProgressLine({ run }: { run: Schemas["OperationRun"] }) {
  const { progress, wait, counts } = run;
  if (run.status === "completed") {
    return (
      <p className="progress-words">
        {run.outcome !== "partially_succeeded" && run.error
          ? run.error.detail
          : counts
            ? `${count(counts.items_seen, "item")}: ${counts.items_created.toLocaleString()} new, ${counts.items_changed.toLocaleString()} changed, ${counts.items_missing.toLocaleString()} deleted`
            : "Ended"}
      </p>
    );
  }
  if (run.status === "queued") {
    return (
      <p className="progress-words">
        {wait ? waitWords(wait.reason) : "Waiting for a worker"}
        {wait && wait.reason === "backoff" && (
          <>
            , next <Moment at={wait.not_before} />
          </>
        )}
      </p>
    );
  }
  const done = progress ? progress.completed + progress.failed + progress.skipped : 0;
  const total = progress?.total ?? 0;
  return (
    <div className="progress">
      <ProgressBar
        aria-label={`${kindWords(run.kind)} of ${run.tenant.name}`}
        value={done}
        maxValue={Math.max(total, 1)}
        isIndeterminate={total === 0}
        valueLabel={`${done} of ${total}`}
      >
        {({ percentage, isIndeterminate }) => (
          <div className={isIndeterminate ? "bar indeterminate" : "bar"}>
            <div className="bar-done" style={{ inlineSize: `${percentage ?? 30}%` }} />
          </div>
        )}
      </ProgressBar>
      <p className="progress-words">
        {progress ? phaseWords(progress.phase) : "Starting"}
        {progress && (
          <span className="number">
            {" "}
            · {done} of {total} types · {count(progress.items_seen, "item")}
            {progress.failed > 0 && ` · ${progress.failed} failed`}
          </span>
        )}
      </p>
    </div>
  );
}
