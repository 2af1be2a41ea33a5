// The active runs for components, and what a change of them makes old.

import type { QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { bearer } from "../session/session";
import { follow, type StreamMessage, shared } from "./stream";
import { lookAtApi, PollingUpdates, type Snapshot } from "./updates";

export const updates = new PollingUpdates(lookAtApi);

/** Follows the stream of the caller, one for all tabs of the same sign-in. Returns how to stop. */
export function followStream(): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  const connect = async (lastId: string | undefined) => {
    const headers = new Headers({ accept: "text/event-stream" });
    headers.set("authorization", `Bearer ${await bearer()}`);
    if (lastId) headers.set("last-event-id", lastId);
    return fetch("/me/stream", { headers, signal });
  };
  const apply = (message: StreamMessage) => updates.apply(message);
  void nameOfSession().then((name) => {
    if (!signal.aborted) shared(name, (deliver) => follow(connect, deliver, signal), apply, signal);
  });
  return () => stopping.abort();
}

/** The same for tabs with the same token, which it does not show. */
async function nameOfSession(): Promise<string> {
  const token = new TextEncoder().encode(await bearer());
  const digest = await crypto.subtle?.digest("SHA-256", token);
  const bytes = new Uint8Array(digest ?? new ArrayBuffer());
  return `tenantatlas.stream.${Array.from(bytes, (byte) => byte.toString(16)).join("")}`;
}

document.addEventListener("visibilitychange", () => updates.wake());

export function useActiveRuns(): Snapshot {
  const [snapshot, setSnapshot] = useState<Snapshot>({ runs: [], reachable: true, looked: false });
  useEffect(() => updates.subscribe(setSnapshot), []);
  return snapshot;
}

/** Lists that show a run, or what it stored, are read again when a run starts or ends. */
export function refreshWithRuns(queries: QueryClient): () => void {
  let known: Map<string, string> | undefined;
  return updates.subscribe(({ runs, looked }) => {
    if (!looked) return;
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
