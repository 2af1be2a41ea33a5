import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { begin, signedIn, whyEnded } from "../session/session";
import { ApiError, answer, api, body, forgetBodies } from "./client";

const sent: Request[] = [];

/** Answers in their order, the last one for ever. */
function answers(...responses: (() => Response)[]): void {
  vi.stubGlobal("location", { origin: "http://api.example" });
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push(request);
    const respond = responses[Math.min(sent.length, responses.length) - 1];
    if (!respond) throw new TypeError("Failed to fetch");
    return respond();
  });
}

const me = { baseUrl: "http://api.example" };

beforeEach(() => {
  sent.length = 0;
  begin({ token: async () => "tap_test", forget: () => undefined });
});
afterEach(() => {
  forgetBodies();
  vi.unstubAllGlobals();
});

test("every request carries the token", async () => {
  answers(() => Response.json({ id: "1" }));
  await body(api.GET("/me", me));
  expect(sent[0]?.headers.get("authorization")).toBe("Bearer tap_test");
});

test("an unchanged answer is not sent again, and its wait is the newer one", async () => {
  answers(
    () => Response.json({ id: "1" }, { headers: { etag: '"a"', "retry-after": "1" } }),
    () => new Response(null, { status: 304, headers: { etag: '"a"', "retry-after": "7" } }),
  );
  await answer(api.GET("/me", me));
  const again = await answer(api.GET("/me", me));
  expect(sent[1]?.headers.get("if-none-match")).toBe('"a"');
  expect(again).toMatchObject({ data: { id: "1" }, retryAfter: 7 });
});

test("nothing of one session is asked with in the next", async () => {
  answers(() => Response.json({ id: "1" }, { headers: { etag: '"a"' } }));
  await body(api.GET("/me", me));
  forgetBodies();
  await body(api.GET("/me", me));
  expect(sent[1]?.headers.get("if-none-match")).toBeNull();
});

test("a problem is an error with its detail and its members", async () => {
  const problem = { detail: "You may not.", status: 403, required_permission: "can_sync_tenant" };
  answers(() => Response.json(problem, { status: 403 }));
  const refused = await body(api.GET("/me", me)).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiError);
  expect(refused).toMatchObject({ message: "You may not.", problem });
});

test("an API that is away is an error without a problem", async () => {
  answers();
  const away = await body(api.GET("/me", me)).catch((error: unknown) => error);
  expect(away).toMatchObject({ message: "The API cannot be reached." });
  expect((away as ApiError).problem).toBeUndefined();
});

test("a token that is not accepted any more ends the session", async () => {
  answers(() => Response.json({ detail: "Revoked." }, { status: 401 }));
  await body(api.GET("/me", me)).catch(() => undefined);
  expect(signedIn()).toBe(false);
  expect(whyEnded()).toBe("refused");
});
