// The installation: queues and workers. For operators of the installation only.

import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { ApiError, api, body, type Schemas } from "../api/client";
import { Badge } from "../parts/badge";
import { Queues } from "../parts/queues";
import { Empty, Loaded } from "../parts/states";
import { Moment } from "../parts/time";
import { readable } from "../words";

const QueueChart = lazy(() => import("../parts/queueChart"));

export interface Sample {
  /** Seconds. */
  at: number;
  waiting: number;
  running: number;
}

const SECONDS = 5;
const KEPT = 360;

export default function OperatorsPage() {
  const queues = useQuery({
    queryKey: ["system", "queues"],
    queryFn: () => body(api.GET("/system/queues")),
    refetchInterval: SECONDS * 1000,
  });
  const workers = useQuery({
    queryKey: ["system", "workers"],
    queryFn: () => body(api.GET("/system/workers")),
    refetchInterval: SECONDS * 1000,
  });
  const samples = useSamples(queues.data?.items, queues.dataUpdatedAt);
  const refused = queues.error instanceof ApiError && queues.error.problem?.status === 403;
  return (
    <>
      <div className="page-head">
        <h1>Operations</h1>
      </div>
      {refused ? (
        <Empty title="For operators of the installation">
          <p>
            Queues and workers belong to all tenants. Whoever runs this installation can let you see
            them with <code>atlas user operator</code>.
          </p>
        </Empty>
      ) : (
        <>
          <section aria-labelledby="queues">
            <h2 id="queues">Queues</h2>
            <Loaded query={queues} rows={2}>
              {({ items }) => <Queues queues={items} />}
            </Loaded>
          </section>
          {samples.length > 1 && (
            <section aria-labelledby="chart">
              <h2 id="chart">Waiting and running</h2>
              <p className="quiet">Since this page was opened.</p>
              <Suspense>
                <QueueChart samples={samples} />
              </Suspense>
            </section>
          )}
          <section aria-labelledby="workers">
            <h2 id="workers">Workers</h2>
            <Loaded query={workers} rows={2}>
              {({ items }) =>
                items.length === 0 ? (
                  <Empty title="No worker is running">
                    <p>Runs wait until one starts.</p>
                  </Empty>
                ) : (
                  <Workers workers={items} />
                )
              }
            </Loaded>
          </section>
        </>
      )}
    </>
  );
}

function useSamples(queues: Schemas["Queue"][] | undefined, at: number): Sample[] {
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    if (!queues) return;
    const sum = (of: (queue: Schemas["Queue"]) => number) =>
      queues.reduce((total, queue) => total + of(queue), 0);
    const sample = {
      at: at / 1000,
      waiting: sum((one) => one.queued),
      running: sum((one) => one.running),
    };
    setSamples((before) => [...before.filter((one) => one.at < sample.at), sample].slice(-KEPT));
  }, [queues, at]);
  return samples;
}

function Workers({ workers }: { workers: Schemas["Worker"][] }) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <th scope="col">State</th>
          <th scope="col" className="right">
            Busy slots
          </th>
          <th scope="col">Started</th>
          <th scope="col">Heartbeat</th>
          <th scope="col">Version</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <tr key={worker.id}>
            <th scope="row">
              {worker.host}
              <span className="quiet sub">{worker.id}</span>
            </th>
            <td data-label="State">
              <Badge code={worker.state} words={readable(worker.state)} />
            </td>
            <td data-label="Busy slots" className="right number">
              {worker.running} of {worker.slots}
            </td>
            <td data-label="Started">
              <Moment at={worker.started_at} />
            </td>
            <td data-label="Heartbeat">
              <Moment at={worker.heartbeat_at} />
            </td>
            <td data-label="Version">{worker.version}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
