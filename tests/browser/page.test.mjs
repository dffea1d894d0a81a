/** What the page weighs, as far as it does not depend on the machine: the budgets of `docs/page.md`. */

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { budgetTable, BUDGETS, DESK, PHONE, visit } from "./lib/figures.mjs";
import { Server } from "./lib/server.mjs";

for (const { name, ...screen } of [DESK, PHONE]) {
  test(`at a ${name} the page is light, quiet, its own, and kept`, { timeout: 180_000 }, async () => {
    const server = await Server.start(["company.pause=1h"], ["--with-people", "12"]);
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
    try {
      const context = await browser.newContext(screen);
      const first = await visit(context, server);
      for (const kind of ["document", "script", "stylesheet"]) assert.ok(first.bytes[kind] > 0, `${kind} came over the wire`);
      assert.ok(first.page <= BUDGETS.pageBytes, `${first.page} bytes: ${JSON.stringify(first.bytes)}`);
      assert.ok(first.requests <= BUDGETS.requests, `${first.requests} requests`);
      assert.deepEqual(first.elsewhere, []);
      assert.ok(first.shift <= BUDGETS.shift, `${first.shift}: ${JSON.stringify(first.shifts)}`);

      const second = await visit(context, server, { crowd: false });
      assert.deepEqual([second.bytes.script ?? 0, second.bytes.stylesheet ?? 0], [0, 0], "files that never change are not asked for again");
      assert.ok(second.bytes.document < first.bytes.document, "the page itself is asked for, and is the same");
      assert.deepEqual(second.elsewhere, []);
    } finally {
      await browser.close();
      await server.stop();
    }
  });
}

test("docs/page.md tells these budgets", async () => {
  const page = await readFile(new URL("../../docs/page.md", import.meta.url), "utf8");
  assert.ok(page.includes(budgetTable()), "run `npm run figures` and commit the page");
});
