/** Chromium's encoders, for the makers of what the native peer sends. Wants `npm ci` in tests/browser, and chromium. */

import { createServer } from "node:http";
import { once } from "node:events";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../browser/", import.meta.url))("playwright-core");

/** Runs this in a page, with these arguments: `encoded(Encoder)` there gives an encoder and, once it is flushed, its chunks. */
export async function inChromium(work, ...words) {
  // Encoders are there in secure contexts only: a page of this machine is one.
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html>")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      window.encoded = (Encoder) => {
        const chunks = [];
        const output = (chunk) => {
          const bytes = new Uint8Array(chunk.byteLength);
          chunk.copyTo(bytes);
          chunks.push(Array.from(bytes));
        };
        const error = (error) => {
          throw error;
        };
        return { encoder: new Encoder({ output, error }), chunks };
      };
    });
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return (await page.evaluate(work, words)).map((chunk) => Buffer.from(chunk));
  } finally {
    await browser.close();
    server.close();
  }
}
