// The active runs for components, and what a change of them makes old.

import type { QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { lookAtApi, PollingUpdates, type RunUpdates, type Snapshot } from "./updates";

export const updates: RunUpdates = new PollingUpdates(lookAtApi);

document.addEventListener("visibilitychange", () => updates.wake());

export function useActiveRuns(): Snapshot {
  const [snapshot, setSnapshot] = useState<Snapshot>({ runs: [], reachable: true });
  useEffect(() => updates.subscribe(setSnapshot), []);
  return snapshot;
}

/** Lists that show a run, or what it stored, are read again when a run starts or ends. */
export function refreshWithRuns(queries: QueryClient): () => void {
  let known: Map<string, string> | undefined;
  return updates.subscribe(({ runs }) => {
    const now = new Map(runs.map((run) => [run.id, run.status]));
    const moved = [...now].some(([id, status]) => known?.get(id) !== status);
    if (known && moved) {
      for (const key of ["tenants", "runs", "notifications", "inventory", "groups"]) {
        void queries.invalidateQueries({ queryKey: [key] });
      }
    }
    known = now;
  });
}

const JOINED = "tenantatlas.joined";

/** Runs that this tab joined; they belong to somebody else, and are followed all the same. */
export function joinedRuns(): string[] {
  return JSON.parse(sessionStorage.getItem(JOINED) ?? "[]") as string[];
}

export function forgetJoined(): void {
  sessionStorage.removeItem(JOINED);
}

export function rememberJoined(runId: string): void {
  const others = joinedRuns().filter((id) => id !== runId);
  sessionStorage.setItem(JOINED, JSON.stringify([runId, ...others].slice(0, 20)));
}
