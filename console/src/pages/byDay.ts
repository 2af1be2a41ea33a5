import { day } from "../parts/time";

/** Neighbours of one day together, in the order that they come in. */
export function byDay<T extends { occurred_at: string }>(changes: T[]): [string, T[]][] {
  const days: [string, T[]][] = [];
  for (const change of changes) {
    const date = day(change.occurred_at);
    const last = days.at(-1);
    if (last?.[0] === date) last[1].push(change);
    else days.push([date, [change]]);
  }
  return days;
}
