// Unit tests of the SDK: no browser, no network, no real waiting; the patience is for a busy machine.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["sdk/test/**/*.test.{ts,mjs}"], environment: "node", globals: false, testTimeout: 30_000 },
});
