/**
 * One picture of several: `node sheet.mjs OUT.png HEIGHT IN.png…` lays screenshots side by side, each HEIGHT pixels high.
 */

import { chromium } from "playwright-core";
import { readFile } from "node:fs/promises";
import process from "node:process";

const [out, height, ...pictures] = process.argv.slice(2);
const images = await Promise.all(pictures.map(async (path) => `<img src="data:image/png;base64,${(await readFile(path)).toString("base64")}">`));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1600, height: 100 } });
  await page.setContent(
    `<style>body{margin:0;padding:8px;width:max-content;max-width:1584px;display:flex;flex-wrap:wrap;gap:8px;background:#777}img{height:${Number(height)}px;border-radius:6px;display:block}</style>${images.join("")}`,
  );
  await page.locator("body").screenshot({ path: out });
} finally {
  await browser.close();
}
