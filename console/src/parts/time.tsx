// Moments in the reader's zone: near ones by their distance, with the exact time on hover and focus.

import { useEffect, useState } from "react";

/** Hours from 0 to 23 in every language, as in logs and schedules. */
const HOURS = { hourCycle: "h23" } as const;
const EXACT = new Intl.DateTimeFormat(undefined, {
  dateStyle: "long",
  timeStyle: "long",
  ...HOURS,
});
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "short",
  ...HOURS,
});
const MINUTE = new Intl.DateTimeFormat(undefined, { timeStyle: "short", ...HOURS });
const SECOND = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", ...HOURS });
const DISTANCE = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "long" });

export function exact(moment: string): string {
  return EXACT.format(new Date(moment));
}

export function day(moment: string): string {
  return DAY.format(new Date(moment));
}

/** The time of day of a tick of a chart; ticks that are closer than a minute have seconds. */
export function tick(seconds: number, apart: number): string {
  return (apart < 60 ? SECOND : MINUTE).format(new Date(seconds * 1000));
}

/** "5 minutes ago" within a day, then "3 days ago", then the date. */
export function distance(moment: string, now: number): string {
  const seconds = Math.round((new Date(moment).getTime() - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  if (size < 60) return DISTANCE.format(seconds, "second");
  if (size < 3600) return DISTANCE.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return DISTANCE.format(Math.round(seconds / 3600), "hour");
  if (size < 14 * 86_400) return DISTANCE.format(Math.round(seconds / 86_400), "day");
  return CLOCK.format(new Date(moment));
}

/** "1 min 4 s". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function useNow(milliseconds: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
  return now;
}

export function Moment({ at }: { at: string }) {
  const now = useNow(15_000);
  return (
    <time dateTime={at} title={exact(at)}>
      {distance(at, now)}
    </time>
  );
}

/** How long a run has taken, counting while it is active. */
export function Took({ from, to }: { from: string; to?: string | undefined }) {
  const now = useNow(1000);
  const end = to ? new Date(to).getTime() : now;
  return <span className="number">{duration(end - new Date(from).getTime())}</span>;
}
