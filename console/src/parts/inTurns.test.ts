import { expect, test } from "vitest";
import { ApiError, type Problem } from "../api/client";
import { inTurns } from "./inTurns";

test("a few are sent at a time, too fast ones again, and each has its result", async () => {
  let [open, most, refused] = [0, 0, 0];
  const results = await inTurns(
    Array.from({ length: 20 }, (_, at) => at),
    async (at) => {
      open += 1;
      most = Math.max(most, open);
      await Promise.resolve();
      open -= 1;
      if (at === 7 && refused++ === 0) throw new ApiError("", { status: 429 } as Problem);
      if (at === 9) throw new ApiError("", { status: 403 } as Problem);
      return at * 2;
    },
    0,
  );
  expect(most).toBeLessThanOrEqual(4);
  expect(results.filter((one) => one.status === "rejected")).toHaveLength(1);
  expect(results[9]?.status).toBe("rejected");
  expect(results[7]).toEqual({ status: "fulfilled", value: 14 });
  expect(results).toHaveLength(20);
});
