// Server-sent events over fetch, because EventSource sends no Authorization header.

/** A message of a stream. Events of the log have the name `message`; `lost` is ours: the stream broke. */
export interface StreamMessage {
  event: string;
  data: unknown;
}

interface Frame extends StreamMessage {
  id?: string;
  /** Milliseconds before connecting again. */
  retry?: number;
}

const FIRST_RETRY = 3000;
const LONGEST_RETRY = 60_000;
/** The API sends a comment line more often than that. */
const SILENCE = 60_000;

/** One block of lines; undefined for comments alone. */
export function frameOf(block: string): Frame | undefined {
  const frame: Frame = { event: "message", data: undefined };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (name === "event") frame.event = value ?? "";
    if (name === "id") frame.id = value ?? "";
    if (name === "retry") frame.retry = Number(value);
    if (name === "data") data.push(value ?? "");
  }
  if (data.length === 0) return undefined;
  frame.data = JSON.parse(data.join("\n"));
  return frame;
}

/** The messages of a body, until it ends. Fails when nothing arrives for a minute. */
export async function* framesOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Frame> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await within(SILENCE, reader.read());
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const frame = frameOf(block);
        if (frame) yield frame;
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("nothing arrived")), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Delivers the messages of a stream, and connects again after each loss, until it is refused or aborted. */
export async function follow(
  connect: (lastId: string | undefined) => Promise<Response>,
  deliver: (message: StreamMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  let [lastId, retry, failures]: [string | undefined, number, number] = [undefined, FIRST_RETRY, 0];
  while (!signal.aborted) {
    try {
      const response = await connect(lastId);
      // Also an API without streams: then what was polled is all there is.
      if ([401, 403, 404].includes(response.status)) return;
      if (!response.ok || !response.body) throw new Error(`the API answered ${response.status}`);
      for await (const { id, retry: pause, ...message } of framesOf(response.body)) {
        failures = 0;
        if (id !== undefined) lastId = id;
        if (pause !== undefined) retry = pause;
        if (message.event === "end") break;
        deliver(message);
      }
    } catch {
      failures += 1;
    }
    if (signal.aborted) return;
    deliver({ event: "lost", data: undefined });
    await paused(Math.min(retry * 2 ** failures, LONGEST_RETRY), signal);
  }
}

function paused(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Runs `lead` in one tab of the browser at a time, and delivers what it hears in all of them. */
export function shared(
  name: string,
  lead: (deliver: (message: StreamMessage) => void) => Promise<void>,
  deliver: (message: StreamMessage) => void,
  signal: AbortSignal,
): void {
  // Locks exist on pages that came by https, and on those of this machine.
  if (!navigator.locks) {
    void lead(deliver);
    return;
  }
  const others = new BroadcastChannel(name);
  others.onmessage = ({ data }) => deliver(data as StreamMessage);
  signal.addEventListener("abort", () => others.close());
  const both = (message: StreamMessage) => {
    deliver(message);
    if (!signal.aborted) others.postMessage(message);
  };
  navigator.locks.request(name, { signal }, () => lead(both)).catch(() => {});
}
