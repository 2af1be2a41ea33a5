import { expect, test } from "vitest";
import { requireEnd } from "./export";

test("an export is complete with its last line only", async () => {
  const whole = new Blob(['{"line":"header"}\n{"line":"end","item_count":0}\n']);
  await expect(requireEnd(whole)).resolves.toBeUndefined();
  const broken = new Blob(['{"line":"header"}\n{"line":"item"}\n']);
  await expect(requireEnd(broken)).rejects.toThrow("broke off");
});
