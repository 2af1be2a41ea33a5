/** Zod schemas of all answers. */
export default {
  answers: {
    input: { target: "./openapi.json", override: { transformer: shorten } },
    output: {
      client: "zod",
      mode: "single",
      target: "./src/generated/answers.ts",
      override: { zod: { generateEachHttpStatus: true } },
    },
  },
};

/** Refusals are problems of one form, so that of one operation is enough. */
function shorten(document) {
  for (const item of Object.values(document.paths)) {
    for (const operation of Object.values(item)) {
      const kept = Object.entries(operation.responses).filter(
        ([status]) => status.startsWith("2") || (status === "default" && operation.operationId === "get_me"),
      );
      operation.responses = Object.fromEntries(kept);
    }
  }
  return document;
}
