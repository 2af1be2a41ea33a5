// The generated client, with the caller's credential, revalidation by ETag and problems as errors.

import createClient, { type Middleware } from "openapi-fetch";
import { bearer, refused } from "../session/session";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

/** The API refused a request, or could not be reached: then `problem` is absent. */
export class ApiError extends Error {
  readonly problem?: Problem;

  constructor(message: string, problem?: Problem) {
    super(message);
    this.name = "ApiError";
    if (problem) this.problem = problem;
  }
}

const credential: Middleware = {
  async onRequest({ request }) {
    const token = await bearer();
    if (token) request.headers.set("authorization", `Bearer ${token}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) refused();
    return undefined;
  },
};

/** Bodies by address, so that an unchanged one is not sent again. */
const kept = new Map<string, { etag: string; body: string; headers: Headers }>();
const KEPT = 100;

export function forgetBodies(): void {
  kept.clear();
}

const revalidation: Middleware = {
  onRequest({ request }) {
    const known = request.method === "GET" ? kept.get(request.url) : undefined;
    if (known) request.headers.set("if-none-match", known.etag);
    return request;
  },
  async onResponse({ request, response }) {
    if (request.method !== "GET") return undefined;
    if (response.status === 304) {
      const known = kept.get(request.url);
      if (!known) return undefined;
      const headers = new Headers(known.headers);
      for (const [name, value] of response.headers) headers.set(name, value);
      return new Response(known.body, { status: 200, headers });
    }
    const etag = response.headers.get("etag");
    if (response.ok && etag) {
      const body = await response.clone().text();
      const oldest = kept.size >= KEPT ? kept.keys().next().value : undefined;
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(request.url, { etag, body, headers: new Headers(response.headers) });
    }
    return undefined;
  },
};

export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  fetch: (request: Request) => globalThis.fetch(request),
});
api.use(credential, revalidation);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What a request answers, with the seconds after which to ask again. Throws {@link ApiError}. */
export async function answer<T>(
  sent: Promise<Answer<T>>,
): Promise<{ data: T; retryAfter?: number; etag?: string }> {
  let got: Answer<T>;
  try {
    got = await sent;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError("The API cannot be reached.");
  }
  if (!got.response.ok) throw failure(got.error, got.response);
  const seconds = Number(got.response.headers.get("retry-after"));
  const etag = got.response.headers.get("etag");
  return {
    data: got.data as T,
    ...(seconds > 0 ? { retryAfter: seconds } : {}),
    ...(etag ? { etag } : {}),
  };
}

/** The body alone. Throws {@link ApiError}. */
export async function body<T>(sent: Promise<Answer<T>>): Promise<T> {
  return (await answer(sent)).data;
}

function failure(error: unknown, response: Response): ApiError {
  if (typeof error === "object" && error !== null && "detail" in error) {
    const problem = error as Problem;
    return new ApiError(problem.detail, problem);
  }
  return new ApiError(`The API answered ${response.status}.`);
}
