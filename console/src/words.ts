// Codes of the API in words. Code lists are open: a code without words is shown as it is, readable.

/** `tenant_busy` as "Tenant busy". */
export function readable(code: string): string {
  const words = code
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const KINDS: Record<string, string> = {
  inventory_sync: "Inventory sync",
  directory_groups_sync: "Groups sync",
};
const STATES: Record<string, string> = {
  queued: "Queued",
  running: "Running",
  succeeded: "Succeeded",
  partially_succeeded: "Partly succeeded",
  failed: "Failed",
  cancelled: "Cancelled",
};
const PHASES: Record<string, string> = {
  planning: "Signing in and planning",
  collecting: "Reading from Microsoft Graph",
  finishing: "Finishing",
};
const WAITS: Record<string, string> = {
  tenant_busy: "Waiting: another run of this tenant is running",
  paused: "Waiting: an operator has paused runs of this kind",
  backoff: "Waiting before the next attempt",
  handed_back: "Waiting: its worker was shut down",
  worker_lost: "Waiting: its worker was lost",
};
const CHANGES: Record<string, string> = {
  created: "Created",
  changed: "Changed",
  reassigned: "Reassigned",
  gone: "Deleted",
  back: "Restored",
};
const GROUP_TYPES: Record<string, string> = {
  microsoft_365: "Microsoft 365",
  security: "Security",
  mail_enabled_security: "Mail-enabled security",
  distribution: "Distribution",
};

const PLATFORMS: Record<string, string> = {
  windows: "Windows",
  macOS: "macOS",
  iOS: "iOS",
  android: "Android",
  linux: "Linux",
};

const from = (words: Record<string, string>) => (code: string) => words[code] ?? readable(code);

export const kindWords = from(KINDS);
export const stateWords = from(STATES);
export const phaseWords = from(PHASES);
export const waitWords = from(WAITS);
export const changeWords = from(CHANGES);
export const groupTypeWords = from(GROUP_TYPES);

/** Whether an object has a name, and not its identifier in the place of one. */
export function isNamed({ name, external_id }: { name: string; external_id: string }): boolean {
  return name !== "" && name !== external_id;
}

/** Several platforms are joined by commas. */
export function platformWords(platforms: string): string {
  return platforms
    .split(/, ?/)
    .map((one) => PLATFORMS[one] ?? readable(one))
    .join(", ");
}

export type State =
  | "queued"
  | "running"
  | "succeeded"
  | "partially_succeeded"
  | "failed"
  | "cancelled";

/** Status and outcome in one word. */
export function stateOf(run: { status: string; outcome?: string }): string {
  return run.status === "completed" ? (run.outcome ?? "completed") : run.status;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** The last parts of a JSON pointer as a name: `/templateReference/templateId` as "Template reference › Template id". */
export function fieldName(pointer: string): string {
  const parts = pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.map((part) => (part.length > 60 ? part : readable(part))).join(" › ");
}

interface Option {
  id: string;
  name: string;
}

/** A value as a person reads it; options by their names. */
export function valueText(value: unknown, options: Option[] = []): string {
  const named = (one: unknown): string => {
    if (typeof one === "string") {
      if (one.startsWith("withheld")) return `Redacted (${one.slice(8).replace(/^, /, "").trim()})`;
      return options.find((option) => option.id === one)?.name ?? one;
    }
    if (typeof one === "boolean") return one ? "Yes" : "No";
    if (one === null || one === undefined) return "—";
    if (typeof one === "object") return outline(one, "");
    return String(one);
  };
  if (Array.isArray(value)) {
    if (value.length === 0) return "None";
    const objects = value.some((one) => typeof one === "object" && one !== null);
    return objects ? outline(value, "") : value.map(named).join(", ");
  }
  const text = named(value);
  return text === "" ? "Empty" : text;
}

/** An object as indented lines of names and values. */
function outline(value: object, indent: string): string {
  const lines = Object.entries(value).map(([key, member]) => {
    const name = Array.isArray(value) ? `${Number(key) + 1}` : readable(key);
    const nested = typeof member === "object" && member !== null && Object.keys(member).length > 0;
    return nested
      ? `${indent}${name}\n${outline(member, `${indent}   `)}`
      : `${indent}${name}: ${valueText(member)}`;
  });
  return lines.join("\n");
}
