import type { OperationRun } from "../live/updates";

/** Runs that the caller started or joined, of one tenant if it is given. */
export function mine(
  runs: OperationRun[],
  userId: string | undefined,
  joined: string[],
  tenantId?: string,
): OperationRun[] {
  return runs.filter(
    (run) =>
      (run.initiator.id === userId || joined.includes(run.id)) &&
      (tenantId === undefined || run.tenant.id === tenantId),
  );
}
