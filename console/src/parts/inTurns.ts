import { ApiError } from "../api/client";

const AT_ONCE = 4;
const TOO_MANY_REQUESTS = 429;

/** Sends for each of the items, a few at a time, and again after a pause what came too fast. */
export async function inTurns<T, R>(
  items: T[],
  send: (item: T) => Promise<R>,
  pauseMs = 2000,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  let next = 0;
  const patiently = async (item: T): Promise<R> => {
    for (;;) {
      try {
        return await send(item);
      } catch (error) {
        const fast = error instanceof ApiError && error.problem?.status === TOO_MANY_REQUESTS;
        if (!fast) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) {
      [results[at]] = await Promise.allSettled([patiently(items[at] as T)]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}
