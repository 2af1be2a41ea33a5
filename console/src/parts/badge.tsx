import { stateOf, stateWords } from "../words";

const TONES: Record<string, string> = {
  queued: "neutral",
  pending: "neutral",
  running: "busy",
  succeeded: "good",
  partially_succeeded: "warning",
  incomplete: "warning",
  skipped: "neutral",
  failed: "bad",
  cancelled: "neutral",
  gone: "bad",
  created: "good",
  back: "good",
  changed: "busy",
  reassigned: "warning",
  working: "good",
  draining: "warning",
  silent: "bad",
  lost: "bad",
  late: "warning",
  ok: "good",
};

export function Badge({ code, words }: { code: string; words?: string }) {
  return <span className={`badge ${TONES[code] ?? "neutral"}`}>{words ?? stateWords(code)}</span>;
}

export function RunBadge({ run }: { run: { status: string; outcome?: string } }) {
  return <Badge code={stateOf(run)} />;
}
