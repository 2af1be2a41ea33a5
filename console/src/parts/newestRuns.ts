import type { Schemas } from "../api/client";

type Run = Schemas["OperationRun"];

/** Parts of a list with at most so many of its elements each. */
export function parts<T>(list: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) =>
    list.slice(at * size, (at + 1) * size),
  );
}

/** The first run of each tenant in a list, by the tenant's id. */
export function newestOfEach(runs: Run[]): Map<string, Run> {
  const newest = new Map<string, Run>();
  for (const run of runs) if (!newest.has(run.tenant.id)) newest.set(run.tenant.id, run);
  return newest;
}
