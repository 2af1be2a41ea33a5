// The queues of the installation, each with what pauses and resumes it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Button } from "react-aria-components/Button";
import { api, body, type Schemas } from "../api/client";
import type { paths } from "../api/schema";
import { kindWords, stateWords } from "../words";
import { Badge } from "./badge";
import { duration, Moment } from "./time";

/** The kinds that a path may name; answers may name later ones. */
type Kind = paths["/system/queues/{kind}/pause"]["post"]["parameters"]["path"]["kind"];

const FormDialog = lazy(() => import("./formDialog"));

export function Queues({ queues }: { queues: Schemas["Queue"][] }) {
  const [pausing, setPausing] = useState<string>();
  return (
    <>
      {pausing && (
        <Suspense>
          <PauseDialog kind={pausing} onClose={() => setPausing(undefined)} />
        </Suspense>
      )}
      <table className="table cards">
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col" className="right">
              Waiting
            </th>
            <th scope="col" className="right">
              Due
            </th>
            <th scope="col" className="right">
              Oldest due
            </th>
            <th scope="col" className="right">
              Running
            </th>
            <th scope="col">Ended in the last hour</th>
            <th scope="col">
              <span className="hidden">Pause or resume</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <tr key={queue.kind}>
              <th scope="row">
                {kindWords(queue.kind)}
                {queue.pause && (
                  <span className="quiet sub">
                    <Badge code="partially_succeeded" words="Paused" /> by {queue.pause.by},{" "}
                    <Moment at={queue.pause.since} />
                    {queue.pause.reason && ` “${queue.pause.reason}”`}
                  </span>
                )}
              </th>
              <td data-label="Waiting" className="right number">
                {queue.queued}
              </td>
              <td data-label="Due" className="right number">
                {queue.due}
              </td>
              <td data-label="Oldest due" className="right number">
                {queue.due > 0 ? duration(queue.oldest_due_seconds * 1000) : "—"}
              </td>
              <td data-label="Running" className="right number">
                {queue.running}
                {queue.lease_expired > 0 && (
                  <Badge code="failed" words={`${queue.lease_expired} without a worker`} />
                )}
              </td>
              <td data-label="Ended in the last hour">
                {Object.entries(queue.ended_last_hour)
                  .filter(([, ended]) => ended > 0)
                  .map(([outcome, ended]) => `${ended} ${stateWords(outcome).toLowerCase()}`)
                  .join(", ") || "None"}
              </td>
              <td className="table-action">
                {queue.pause ? (
                  <ResumeButton kind={queue.kind} />
                ) : (
                  <Button className="button small" onPress={() => setPausing(queue.kind)}>
                    Pause <span className="hidden">{kindWords(queue.kind)}</span>
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function useQueueChange(change: () => Promise<unknown>, onSuccess?: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    ...(onSuccess ? { onSuccess } : {}),
    onSettled: () => queries.invalidateQueries({ queryKey: ["system", "queues"] }),
  });
}

function PauseDialog({ kind, onClose }: { kind: string; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const pause = useQueueChange(
    () =>
      body(
        api.POST("/system/queues/{kind}/pause", {
          params: { path: { kind: kind as Kind } },
          body: reason.trim() ? { reason: reason.trim() } : {},
        }),
      ),
    onClose,
  );
  return (
    <FormDialog
      title={`Pause: ${kindWords(kind)}`}
      send="Pause"
      sending={pause.isPending}
      problem={pause.error}
      onSend={() => pause.mutate()}
      onClose={onClose}
    >
      <p className="quiet">
        Runs that are running go on. New ones are queued, in all tenants, and wait until the queue
        is resumed.
      </p>
      <label className="field">
        <span>Reason, for those who wait (optional)</span>
        <input value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </label>
    </FormDialog>
  );
}

function ResumeButton({ kind }: { kind: string }) {
  const resume = useQueueChange(() =>
    body(api.POST("/system/queues/{kind}/resume", { params: { path: { kind: kind as Kind } } })),
  );
  return (
    <>
      <Button
        className="button small primary"
        isPending={resume.isPending}
        onPress={() => resume.mutate()}
      >
        Resume <span className="hidden">{kindWords(kind)}</span>
      </Button>
      {resume.isError && (
        <p role="alert" className="notice bad">
          {resume.error.message}
        </p>
      )}
    </>
  );
}
