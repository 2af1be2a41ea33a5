import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const api = process.env.ATLAS_URL ?? "http://127.0.0.1:8080";

// Everything outside /console/ is the API's while developing.
const proxy = {
  "^/(?!console/)": { target: api, changeOrigin: true },
};

// As atlas-api serves the built files.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    // A data: address is refused by the content security policy.
    assetsInlineLimit: 0,
    // The notices that the licences of the bundled packages ask for.
    license: { fileName: "licenses.md" },
  },
  server: { proxy },
  preview: { proxy, headers: { "content-security-policy": policy } },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
