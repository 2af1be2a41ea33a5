// Where news of runs come from: a poll, and a stream that spares it while it reports all active runs.

import { answer, api, type Schemas } from "../api/client";
import type { StreamMessage } from "./stream";

export type OperationRun = Schemas["OperationRun"];

export interface Snapshot {
  runs: OperationRun[];
  /** False while the API cannot be reached; `runs` are then the last that were known. */
  reachable: boolean;
  /** False until the API has answered for the first time. */
  looked: boolean;
}

const NOTHING_YET: Snapshot = { runs: [], reachable: true, looked: false };

export interface RunUpdates {
  /** Calls back with every change, first with what is known. Returns how to stop. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
  /** Something happened that is worth looking at now: a start, a cancel, a visible tab. */
  wake(): void;
}

/** One look: the active runs and those that ended within the last minute. */
export interface Look {
  runs: OperationRun[];
  /** Identity of the answer; the same twice means that nothing changed. */
  etag?: string;
  /** Seconds. */
  retryAfter?: number;
}

const DEFAULT_SECONDS = 10;
const LONGEST_SECONDS = 30;
/** While a stream reports all runs that are active. */
const STREAMED_SECONDS = 60;

export async function lookAtApi(): Promise<Look> {
  const { data, etag, retryAfter } = await answer(api.GET("/operation-runs/active"));
  return {
    runs: data.items,
    ...(etag ? { etag } : {}),
    ...(retryAfter ? { retryAfter } : {}),
  };
}

/**
 * Asks as often as the API says, only while somebody listens and the tab is visible; and seldom while a
 * stream reports the same. What a stream says is shown at once.
 */
export class PollingUpdates implements RunUpdates {
  private readonly listeners = new Set<(snapshot: Snapshot) => void>();
  private snapshot = NOTHING_YET;
  private etag: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private looking = false;
  private again = false;
  /** The runs that a stream has named; undefined while there is none. */
  private streamed: Set<string> | undefined;

  constructor(
    private readonly look: () => Promise<Look>,
    private readonly visible: () => boolean = () => document.visibilityState === "visible",
  ) {}

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.listeners.add(listener);
    listener(this.snapshot);
    if (this.listeners.size === 1) this.wake();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.forget();
    };
  }

  wake(): void {
    if (this.looking) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    void this.poll();
  }

  /** Takes a message of a stream. Progress is all that it says; anything else is worth a look. */
  apply({ event, data }: StreamMessage): void {
    if (event === "lost") {
      this.streamed = undefined;
      this.wake();
      return;
    }
    const said = data as {
      operation_run_id?: string;
      operation_runs?: { id: string }[];
    } & Partial<NonNullable<OperationRun["progress"]>>;
    if (event === "snapshot") this.streamed = new Set(said.operation_runs?.map((run) => run.id));
    const { operation_run_id: id, ...members } = said;
    if (id) {
      this.streamed ??= new Set();
      this.streamed.add(id);
    }
    if (event !== "progress") {
      this.wake();
      return;
    }
    const known = this.snapshot.runs.find((run) => run.id === id);
    if (!known?.progress) {
      this.wake();
      return;
    }
    const moved = { ...known, progress: { ...known.progress, ...members } };
    const runs = this.snapshot.runs.map((run) => (run === known ? moved : run));
    this.publish({ ...this.snapshot, runs });
  }

  private isStreamed(): boolean {
    const active = this.snapshot.runs.filter((run) => run.status !== "completed");
    return this.streamed !== undefined && active.every((run) => this.streamed?.has(run.id));
  }

  /** Whoever listens next may be somebody else. */
  private forget(): void {
    clearTimeout(this.timer);
    this.snapshot = NOTHING_YET;
    this.etag = undefined;
  }

  private async poll(): Promise<void> {
    if (this.listeners.size === 0 || !this.visible()) return;
    this.looking = true;
    let seconds = DEFAULT_SECONDS;
    try {
      const look = await this.look();
      if (this.listeners.size === 0) {
        this.looking = false;
        return;
      }
      this.failures = 0;
      seconds = look.retryAfter ?? DEFAULT_SECONDS;
      if (look.etag === undefined || look.etag !== this.etag || !this.snapshot.reachable) {
        this.etag = look.etag;
        this.publish({ runs: look.runs, reachable: true, looked: true });
      }
      if (this.isStreamed()) seconds = Math.max(seconds, STREAMED_SECONDS);
    } catch {
      this.failures += 1;
      seconds = Math.min(2 ** this.failures, LONGEST_SECONDS);
      if (this.snapshot.reachable) this.publish({ ...this.snapshot, reachable: false });
    }
    this.looking = false;
    if (this.again) {
      this.again = false;
      seconds = 0;
    }
    if (this.listeners.size > 0) this.timer = setTimeout(() => void this.poll(), seconds * 1000);
  }

  private publish(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener(snapshot);
  }
}
