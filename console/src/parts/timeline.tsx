// What happened to a run, in order, with the time since it was created.

import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "react-aria-components/Button";
import { api, body, type Schemas } from "../api/client";
import { phaseWords, readable, stateWords } from "../words";
import { Loaded } from "./states";
import { duration, exact } from "./time";

type Event = Schemas["Event"];

const REASONS: Record<string, string> = {
  retried: "the attempt failed",
  handed_back: "its worker was shut down",
  lease_lost: "its worker was lost",
};

/** An event in words, and the code of the error that belongs to it. */
export function eventWords({ type, data }: Event): { words: string; code?: string } {
  const code = data.error_code ? { code: data.error_code } : {};
  switch (type) {
    case "operation_run.queued":
      return { words: "Queued" };
    case "operation_run.claimed":
      return {
        words: (data.attempt ?? 1) > 1 ? `Taken up again, attempt ${data.attempt}` : "Taken up",
      };
    case "operation_run.phase_reached":
      return { words: phaseWords(data.phase ?? "") };
    case "operation_run.requeued": {
      const reason = data.reason ?? "";
      return { words: `Queued again: ${REASONS[reason] ?? readable(reason)}`, ...code };
    }
    case "operation_run.cancel_requested":
      return { words: data.requested_by ? "Cancel requested" : "Cancel requested by the system" };
    case "operation_run.completed":
      return { words: stateWords(data.outcome ?? "completed"), ...code };
    default:
      return {
        words: readable(type.replace(/^operation_run\./, "").replaceAll(".", "_")),
        ...code,
      };
  }
}

const TONES: Record<string, string> = {
  succeeded: "good",
  partially_succeeded: "warning",
  failed: "bad",
};

function tone({ type, data }: Event): string {
  if (type === "operation_run.requeued") return "warning";
  return TONES[data.outcome ?? ""] ?? "";
}

export function Timeline({ run }: { run: Schemas["OperationRun"] }) {
  const events = useInfiniteQuery({
    queryKey: ["runs", "events", run.id, run.status],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/operation-runs/{run_id}/events", {
          params: {
            path: { run_id: run.id },
            query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    getNextPageParam: (page) => (page.has_more ? page.next_cursor : undefined),
    refetchInterval: run.status === "completed" ? false : 4000,
    placeholderData: (before) => before,
  });
  const created = new Date(run.created_at).getTime();
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      <Loaded query={events} rows={3}>
        {({ pages }) => (
          <ol className="timeline card">
            {pages
              .flatMap((page) => page.items)
              .map((event) => {
                const { words, code } = eventWords(event);
                const after = new Date(event.occurred_at).getTime() - created;
                return (
                  <li key={event.id} className={tone(event)}>
                    <span>
                      {words}
                      {code && (
                        <>
                          {" "}
                          <code>{code}</code>
                        </>
                      )}
                      {event.data.worker_id && (
                        <span className="quiet sub">by {event.data.worker_id}</span>
                      )}
                    </span>
                    <time
                      className="quiet number"
                      dateTime={event.occurred_at}
                      title={exact(event.occurred_at)}
                    >
                      {after < 500 ? "At once" : `After ${duration(after)}`}
                    </time>
                  </li>
                );
              })}
          </ol>
        )}
      </Loaded>
      {events.hasNextPage && (
        <Button className="button" onPress={() => void events.fetchNextPage()}>
          Load more events
        </Button>
      )}
    </section>
  );
}
