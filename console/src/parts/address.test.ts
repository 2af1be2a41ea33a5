import { expect, test } from "vitest";
import { replaced } from "./address";

test("replaces, repeats and leaves out parameters", () => {
  expect(replaced("status=queued&cursor=x", { cursor: undefined })).toBe("?status=queued");
  expect(replaced("", { status: ["queued", "running"] })).toBe("?status=queued&status=running");
  expect(replaced("q=a", { q: "" })).toBe("");
  expect(replaced("q=a", { q: "b&c" })).toBe("?q=b%26c");
});
