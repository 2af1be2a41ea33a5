// Every answer is compared with the schema that orval has made of it.

import { readFileSync } from "node:fs";
import type { Middleware } from "openapi-fetch";
import type { ZodType } from "zod";
import * as generated from "./generated/answers.js";

interface Operation {
  operationId: string;
  responses: Record<string, unknown>;
}

const document = JSON.parse(readFileSync("openapi.json", "utf8")) as {
  paths: Record<string, Record<string, Operation>>;
};
const schemas = generated as unknown as Record<string, ZodType | undefined>;

/** Every operation of the document. */
export function operations(): { method: string; path: string; id: string }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { operationId: id }]) => ({ method: method.toUpperCase(), path, id })),
  );
}

/** Throws unless the operation may answer this. */
export async function validate(method: string, path: string, response: Response): Promise<void> {
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) {
    throw new Error(`${method} ${path} is not in the document`);
  }
  const { status } = response;
  const shown = `${method} ${path}: ${status}`;
  if (!(status in operation.responses)) {
    throw new Error(`${shown} is not declared`);
  }
  if (status === 204 || status === 304) {
    return;
  }
  // A stream has no end to wait for.
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return;
  }
  const schema = status < 300 ? schemas[nameOf(operation.operationId, status)] : generated.GetMeDefaultResponse;
  if (schema === undefined) {
    throw new Error(`${shown} has no schema`);
  }
  const isJson = /^application\/(problem\+)?json$/.test(response.headers.get("content-type") ?? "");
  const body: unknown = isJson ? await response.json() : await response.text();
  const found = schema.safeParse(body);
  if (!found.success) {
    throw new Error(`${shown} is not as described: ${found.error.message}\n${JSON.stringify(body)}`);
  }
}

/** `get_me` that answers 200 is `GetMe200Response` to orval. */
function nameOf(operationId: string, status: number): string {
  const words = operationId.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}${status}Response`;
}

/** Has openapi-fetch validate what it receives. */
export const validating: Middleware = {
  async onResponse({ request, response, schemaPath }) {
    await validate(request.method, schemaPath, response.clone());
  },
};
