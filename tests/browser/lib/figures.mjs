/**
 * A visit to the demo that is measured: what goes over the wire, what is painted when, what moves, how long the page is busy, how much
 * of its script runs. One visit is one tab: the page is opened, somebody goes on without a picture, and the lobby is alive at the
 * first card that is painted; then people come and go. Bytes are counted by the browser's devtools, times by the page's own clock.
 */

import { PATIENCE_MS, until } from "./server.mjs";
import { Raw } from "./raw.mjs";

/** What must not grow unnoticed. Bytes are those of the wire: heads of answers and compressed bodies. */
export const BUDGETS = { pageBytes: 68_000, requests: 6, shift: 0.01 };

export const kilobytes = (bytes = 0) => `${(bytes / 1_000).toFixed(1)} kB`;

/** The budgets as `docs/page.md` has them. */
export const budgetTable = () => `| | at most |
|---|---|
| HTML, script and style of a first visit | ${kilobytes(BUDGETS.pageBytes)} |
| requests until the lobby is alive | ${BUDGETS.requests} |
| bytes of script and style on the next visit | 0 |
| layout shift of a visit in which people come and go | ${BUDGETS.shift} |
| requests to other origins | 0 |
`;

/** A screen and what carries the page there. Latency in ms, rates in bytes a second: those of a slow 4G, and of a 3G. */
export const DESK = { name: "desk", viewport: { width: 1440, height: 900 } };
export const PHONE = {
  name: "phone",
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};
export const SLOW = {
  "4G": { latency: 150, downloadThroughput: 204_800, uploadThroughput: 96_000 },
  "3G": { latency: 400, downloadThroughput: 51_200, uploadThroughput: 51_200 },
};

/** In the page, before anything else: notes what browsers tell, and goes in as soon as one sees where. */
function watch() {
  const told = { paint: null, largest: null, shifts: [], long: [], went: null, alive: null };
  window.__figures = told;
  const observe = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  observe("paint", (it) => it.name === "first-contentful-paint" && (told.paint = it.startTime));
  // Somebody's own click would end it; this one is none to the browser.
  observe("largest-contentful-paint", (it) => (told.went === null || it.startTime <= told.went) && (told.largest = it.startTime));
  observe("layout-shift", (it) => it.hadRecentInput || told.shifts.push({ at: it.startTime, value: it.value, what: it.sources.map(({ node }) => node?.className ?? node?.nodeName) }));
  observe("longtask", (it) => told.long.push({ at: it.startTime, ms: it.duration }));
  const look = () => {
    const button = document.querySelector("[data-testid=no-camera-button]");
    const name = document.querySelector("[data-testid=name-input]");
    if (told.went === null && told.paint !== null && button && name) {
      told.went = performance.now();
      name.value = "Ann";
      name.dispatchEvent(new Event("input", { bubbles: true }));
      button.click();
    }
    // In the frame after the one that it is drawn in it has been painted.
    if (document.querySelector("[data-testid=card]")) return requestAnimationFrame(() => requestAnimationFrame(() => (told.alive = performance.now())));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** What the devtools count: requests, bytes by kind, other origins. */
class Wire {
  requests = 0;
  /** By kind, with what came out of the cache as 0 bytes. */
  bytes = {};
  elsewhere = [];
  #kinds = new Map();

  constructor(devtools, origin) {
    devtools.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
      const url = new URL(request.url);
      if (url.protocol === "data:" || url.protocol === "blob:") return;
      this.#counts(url.origin, origin, request.url);
      this.#kinds.set(requestId, kind(type, url));
    });
    devtools.on("Network.webSocketCreated", ({ requestId, url }) => {
      this.#counts(new URL(url.replace(/^ws/, "http")).origin, origin, url);
      this.#kinds.set(requestId, "messages");
    });
    devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => this.#adds(requestId, encodedDataLength));
    devtools.on("Network.webSocketFrameReceived", ({ requestId, response }) => this.#adds(requestId, response.payloadData.length));
    devtools.on("Network.webSocketFrameSent", ({ requestId, response }) => this.#adds(requestId, response.payloadData.length));
  }

  #counts(from, origin, url) {
    this.requests += 1;
    if (from !== origin) this.elsewhere.push(url);
  }

  #adds(request, bytes) {
    const kind = this.#kinds.get(request);
    if (kind) this.bytes[kind] = (this.bytes[kind] ?? 0) + Math.round(bytes);
  }

  /** HTML, script and style: what the page itself weighs. */
  get page() {
    return ["document", "script", "stylesheet"].reduce((sum, kind) => sum + (this.bytes[kind] ?? 0), 0);
  }
}

function kind(type, url) {
  if (url.pathname.startsWith("/v1/")) return "api";
  return { Document: "document", Script: "script", Stylesheet: "stylesheet", Image: "image" }[type] ?? "other";
}

/** Opens a tab in this context and gives what was measured. `slow` is one of `SLOW`, `cpu` how many times slower than this machine. */
export async function visit(context, server, { slow, cpu = 1, covered = false, crowd = true } = {}) {
  const page = await context.newPage();
  try {
    page.setDefaultTimeout(PATIENCE_MS);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Network.enable");
    const wire = new Wire(devtools, new URL(server.url).origin);
    if (slow) await devtools.send("Network.emulateNetworkConditions", { offline: false, ...slow });
    if (cpu > 1) await devtools.send("Emulation.setCPUThrottlingRate", { rate: cpu });
    if (covered) {
      await devtools.send("Profiler.enable");
      await devtools.send("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    }
    await page.addInitScript(watch);
    await page.goto(server.url, { waitUntil: "commit" });
    await until("the lobby is alive", () => page.evaluate(() => window.__figures.alive));
    // What comes late (an icon, a first picture) belongs to it.
    await page.waitForLoadState("networkidle");
    const arrived = { requests: wire.requests, bytes: { ...wire.bytes }, page: wire.page };
    const busy = await page.evaluate(() => window.__figures.long);
    if (crowd) await comeAndGo(page, server);
    const told = await page.evaluate(() => ({ ...window.__figures }));
    const script = covered ? await coverage(devtools, server) : null;
    const between = busy.filter(({ at }) => at >= told.paint && at <= told.alive);
    return {
      ...arrived,
      elsewhere: wire.elsewhere,
      firstPaint: told.paint,
      largestPaint: told.largest ?? told.paint,
      entered: told.alive - told.went,
      alive: told.alive,
      blocked: between.reduce((sum, { ms }) => sum + Math.max(0, ms - 50), 0),
      longTasks: busy.length,
      longest: Math.max(0, ...busy.map(({ ms }) => ms)),
      shift: told.shifts.reduce((sum, { value }) => sum + value, 0),
      shifts: told.shifts,
      script,
    };
  } finally {
    await page.close();
  }
}

/** Four people come, two of them go and come again: each change is seen before the next one. */
async function comeAndGo(page, server) {
  const count = () => page.getByTestId("card").count();
  const crowd = [];
  try {
    for (const name of ["Mia", "Jo", "Aleksandra-Konstantinopolitana", "Ben"]) {
      const raw = await Raw.open(server, name);
      await raw.ask("join");
      crowd.push(raw);
    }
    const isHere = (raw) => page.locator(`[data-testid=card][data-user="${raw.user}"]`);
    for (const raw of crowd) await isHere(raw).waitFor();
    for (const raw of [crowd[2], crowd[0]]) {
      await raw.ask("leave");
      await isHere(raw).waitFor({ state: "detached" });
      await raw.ask("join");
      await isHere(raw).waitFor();
    }
    if ((await count()) < crowd.length) throw new Error("people are missing");
    // The last one is painted, and what moves by it has moved.
    await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  } finally {
    for (const raw of crowd) raw.close();
  }
}

/** Bytes of the page's script, before compression, that have run at least once. */
async function coverage(devtools, server) {
  const { result } = await devtools.send("Profiler.takePreciseCoverage");
  let [used, all] = [0, 0];
  for (const { url, functions } of result) {
    if (!url.startsWith(server.url)) continue;
    const { length } = await (await fetch(url)).text();
    // Inner ranges say more than outer ones, and come after them.
    const ran = new Uint8Array(length);
    for (const { ranges } of functions) for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    all += length;
    used += ran.reduce((sum, it) => sum + it, 0);
  }
  return { used, all };
}
