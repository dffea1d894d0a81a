/** A drawn person for a camera to see: head and shoulders that breathe, before a warm wall. For pictures that people look at. */

import { chromium } from "playwright-core";
import { writeFile } from "node:fs/promises";

const FRAMES = 16;

/** Writes a film that Chromium takes for a camera (`camera` of `Person.open`); hues in degrees. */
export async function film(path, { wall, shirt, skin, hair }) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    const frames = await page.evaluate(
      ({ wall, shirt, skin, hair, count }) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
        const draw = canvas.getContext("2d");
        const disc = (x, y, rx, ry, fill) => {
          draw.fillStyle = fill;
          draw.beginPath();
          draw.ellipse(x, y, rx, ry, 0, 0, 7);
          draw.fill();
        };
        return Array.from({ length: count }, (_, frame) => {
          const lift = 4 * Math.sin((frame / count) * 2 * Math.PI);
          const light = draw.createRadialGradient(210, 130, 20, 320, 240, 460);
          light.addColorStop(0, `oklch(0.82 0.07 ${wall})`);
          light.addColorStop(1, `oklch(0.42 0.06 ${wall + 25})`);
          draw.fillStyle = light;
          draw.fillRect(0, 0, 640, 480);
          disc(320, 196 + lift, 104, 122, hair);
          disc(320, 500 + lift / 2, 186, 172, `oklch(0.5 0.1 ${shirt})`);
          draw.fillStyle = skin;
          draw.fillRect(288, 270 + lift, 64, 80);
          disc(320, 352 + lift / 2, 52, 30, skin);
          disc(320, 214 + lift, 80, 102, skin);
          disc(320, 128 + lift, 86, 46, hair);
          disc(291, 208 + lift, 7, 8, "#2b1d16");
          disc(349, 208 + lift, 7, 8, "#2b1d16");
          draw.strokeStyle = "#7c3f32";
          draw.lineWidth = 6;
          draw.lineCap = "round";
          draw.beginPath();
          draw.arc(320, 238 + lift, 30, 0.5, Math.PI - 0.5);
          draw.stroke();
          return canvas.toDataURL("image/jpeg", 0.9).split(",")[1];
        });
      },
      { wall, shirt, skin, hair, count: FRAMES },
    );
    await writeFile(path, Buffer.concat(frames.map((frame) => Buffer.from(frame, "base64"))));
  } finally {
    await browser.close();
  }
}
