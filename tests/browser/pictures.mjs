/**
 * The pictures of `docs/pictures`: each state of the demo at three widths, dark above and light below, from the screenshots
 * that `DUOLOGUE_SHOTS=folder tests/run.sh looks.test.mjs` has left. `node pictures.mjs folder` writes them.
 */

import { chromium } from "playwright-core";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const STATES = { arrive: "arrive", lobby: "lobby", ring: "rung", call: "call-chat" };
const WIDTHS = [360, 768, 1440];
const HEIGHT = 320;
const OUT = new URL("../../docs/pictures/", import.meta.url).pathname;

const [shots] = process.argv.slice(2);
const image = async (what, width, scheme) => `<img src="data:image/png;base64,${(await readFile(join(shots, `${what}-${width}-${scheme}.png`))).toString("base64")}">`;

await mkdir(OUT, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  for (const [state, what] of Object.entries(STATES)) {
    const rows = await Promise.all(["dark", "light"].map(async (scheme) => `<div>${(await Promise.all(WIDTHS.map((width) => image(what, width, scheme)))).join("")}</div>`));
    await page.setContent(
      `<!doctype html><style>body{margin:0;padding:10px;width:max-content;background:#8d847d}div{display:flex;gap:10px}div+div{margin-top:10px}img{height:${HEIGHT}px;border-radius:8px;display:block}</style>${rows.join("")}`,
    );
    await page.locator("body").screenshot({ path: join(OUT, `${state}.png`) });
  }
} finally {
  await browser.close();
}
