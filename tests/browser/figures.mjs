/**
 * How heavy and how quick the demo is: `npm run figures` (or `node figures.mjs`) measures it with a server of `cargo build --release`
 * (or `DUOLOGUE_BIN`) and writes `docs/page.md`. `--runs N` is how often each visit is made; times are medians of that.
 */

import { chromium } from "playwright-core";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { budgetTable, DESK, kilobytes, PHONE, SLOW, visit } from "./lib/figures.mjs";
import { binary, Server } from "./lib/server.mjs";

const RELEASE = new URL("../../target/release/duologue", import.meta.url).pathname;
const OUT = new URL("../../docs/page.md", import.meta.url).pathname;
/** Nobody rings while it is measured. */
const SETS = ["company.pause=1h"];

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" } } });
const runs = Number(values.runs);
if (!process.env.DUOLOGUE_BIN && existsSync(RELEASE)) process.env.DUOLOGUE_BIN = RELEASE;

const BUILD = binary().includes("release") ? "release" : "debug";

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const seconds = (ms) => `${(ms / 1_000).toFixed(2)} s`;

/** Two visits in a browser that knows nothing: the first one, and one of the same person in a new tab. */
async function pair(browser, server, screen, how) {
  const { name: _, ...options } = screen;
  const context = await browser.newContext(options);
  try {
    return [await visit(context, server, how), await visit(context, server, how)];
  } finally {
    await context.close();
  }
}

const CASES = [
  ["desk, this machine", DESK, {}],
  ["phone, processor ÷ 4, 4G", PHONE, { cpu: 4, slow: SLOW["4G"] }],
  ["phone, processor ÷ 4, 3G", PHONE, { cpu: 4, slow: SLOW["3G"] }],
];

const LINES = [
  ["requests", (all) => all[0].requests],
  ["page: HTML", (all) => kilobytes(all[0].bytes.document)],
  ["page: script", (all) => kilobytes(all[0].bytes.script)],
  ["page: style", (all) => kilobytes(all[0].bytes.stylesheet)],
  ["page: icon and pictures", (all) => kilobytes((all[0].bytes.image ?? 0) + (all[0].bytes.other ?? 0))],
  ["API", (all) => kilobytes(all[0].bytes.api)],
  ["messages, before deflate", (all) => kilobytes(median(all.map((it) => it.bytes.messages ?? 0)))],
  ["first contentful paint", (all) => seconds(median(all.map((it) => it.firstPaint)))],
  ["largest contentful paint", (all) => seconds(median(all.map((it) => it.largestPaint)))],
  ["going in, until the lobby is alive", (all) => seconds(median(all.map((it) => it.entered)))],
  ["lobby alive", (all) => seconds(median(all.map((it) => it.alive)))],
  ["total blocking time", (all) => `${Math.round(median(all.map((it) => it.blocked)))} ms`],
  ["long tasks, the longest", (all) => `${median(all.map((it) => it.longTasks))}, ${Math.round(median(all.map((it) => it.longest)))} ms`],
  ["layout shift, all of it", (all) => Math.max(...all.map((it) => it.shift)).toFixed(4)],
];

const server = await Server.start(SETS, ["--with-people", "12"]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
try {
  const columns = [];
  for (const [name, screen, how] of CASES) {
    const cold = [];
    const cached = [];
    for (let run = 0; run < runs; run += 1) {
      const [first, second] = await pair(browser, server, screen, how);
      cold.push(first);
      cached.push(second);
      console.error(`${name}: lobby alive after ${seconds(first.alive)}, with cache after ${seconds(second.alive)}`);
    }
    columns.push([`${name}: first visit`, cold], [`with cache`, cached]);
  }
  const [{ script }] = await pair(browser, server, DESK, { covered: true });
  const table = [
    `| | ${columns.map(([name]) => name).join(" | ")} |`,
    `|---|${columns.map(() => "---|").join("")}`,
    ...LINES.map(([name, of]) => `| ${name} | ${columns.map(([, all]) => of(all)).join(" | ")} |`),
  ];
  await writeFile(OUT, text(table.join("\n"), script));
  console.log(table.join("\n"));
} finally {
  await browser.close();
  await server.stop();
}

function text(table, script) {
  return `# What the page weighs

Made by \`cd tests/browser && npm run figures\` (Chromium, a ${BUILD} build, twelve made-up people in the lobby). Somebody opens the page, goes on without a picture, and is in the lobby; it is *alive* at the first card that is painted. Then four more people come, and two of them go and come again. *With cache* is a second tab of the same browser. Bytes are those of the wire, with the heads of answers. Times are medians of ${runs} visits and depend on the machine: compare them with each other, not with those of others. The phone is one of 360 by 740 pixels, on a processor a quarter as quick, with 150 ms and 1.6 Mbit/s (4G) or 400 ms and 0.4 Mbit/s (3G) to the server; the WebSocket is not slowed.

${table}

Blocking time is what tasks take beyond 50 ms between the first paint and the lobby. Layout shift is the sum of all shifts of the visit, which is no less than the CLS that browsers tell.

Of the script's ${kilobytes(script.all)} (before compression) ${kilobytes(script.used)} have run by then (${Math.round((100 * script.used) / script.all)} %); the rest is for rings, calls, menus and what goes wrong.

A test holds what does not depend on the machine (\`page.test.mjs\`):

${budgetTable()}`;
}
