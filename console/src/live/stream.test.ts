import { expect, test, vi } from "vitest";
import { follow, frameOf, framesOf, type StreamMessage } from "./stream";

const body = (...parts: string[]) =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });

test("a message is its lines, and a comment is none", () => {
  const block = 'event: snapshot\nid: abc\nretry: 3000\ndata: {"a":1}';
  expect(frameOf(block)).toEqual({ event: "snapshot", id: "abc", retry: 3000, data: { a: 1 } });
  expect(frameOf('id: d\ndata: {"type":"x"}')).toEqual({
    event: "message",
    id: "d",
    data: { type: "x" },
  });
  expect(frameOf(":")).toBeUndefined();
});

test("messages that arrive in pieces are put together", async () => {
  const frames = [];
  const pieces = body("event: progress\nda", 'ta: {"completed":1}\n', "\n:\n\n", "data: 2\n\n");
  for await (const frame of framesOf(pieces)) frames.push(frame);
  expect(frames).toEqual([
    { event: "progress", data: { completed: 1 } },
    { event: "message", data: 2 },
  ]);
});

test("a stream that broke is opened again after its last message, and a refused one is not", async () => {
  vi.useFakeTimers();
  const answers = [
    new Response(body("id: one\nretry: 5\ndata: 1\n\n")),
    new Response(body("id: two\ndata: 2\n\nevent: end\nretry: 5\ndata: {}\n\n")),
    new Response(null, { status: 401 }),
  ];
  const asked: (string | undefined)[] = [];
  const heard: StreamMessage[] = [];
  const connect = async (lastId: string | undefined) => {
    asked.push(lastId);
    return answers.shift() ?? Response.error();
  };
  const ended = follow(connect, (message) => heard.push(message), new AbortController().signal);
  await vi.runAllTimersAsync();
  await ended;
  expect(asked).toEqual([undefined, "one", "two"]);
  expect(heard.map((one) => one.data ?? one.event)).toEqual([1, "lost", 2, "lost"]);
  vi.useRealTimers();
});
