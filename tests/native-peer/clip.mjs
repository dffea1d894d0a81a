/**
 * Draws `clip.ivf`, the picture that the native peer sends: a ball that goes round on a changing ground, two seconds of VP8, encoded by
 * Chromium. Made once and kept; `node clip.mjs` makes it again (wants `npm ci` in tests/browser, and chromium).
 */

import { writeFile } from "node:fs/promises";
import { inChromium } from "./encoder.mjs";

const [WIDTH, HEIGHT, RATE, FRAMES] = [320, 240, 15, 30];

const frames = await inChromium(
  async ([width, height, rate, count]) => {
    const canvas = new OffscreenCanvas(width, height);
    const draw = canvas.getContext("2d");
    const { encoder, chunks } = window.encoded(VideoEncoder);
    encoder.configure({ codec: "vp8", width, height, framerate: rate, bitrate: 150_000, latencyMode: "realtime" });
    for (let at = 0; at < count; at += 1) {
      const turn = (at / count) * 2 * Math.PI;
      draw.fillStyle = `hsl(${(at / count) * 360} 40% 35%)`;
      draw.fillRect(0, 0, width, height);
      draw.fillStyle = "#fff";
      draw.beginPath();
      draw.arc(width / 2 + 90 * Math.cos(turn), height / 2 + 70 * Math.sin(turn), 28, 0, 7);
      draw.fill();
      const frame = new VideoFrame(canvas, { timestamp: Math.round((at * 1e6) / rate) });
      encoder.encode(frame, { keyFrame: at === 0 });
      frame.close();
    }
    await encoder.flush();
    return chunks;
  },
  WIDTH, HEIGHT, RATE, FRAMES,
);
const head = Buffer.alloc(32);
head.write("DKIF", 0);
head.writeUInt16LE(32, 6);
head.write("VP80", 8);
head.writeUInt16LE(WIDTH, 12);
head.writeUInt16LE(HEIGHT, 14);
head.writeUInt32LE(RATE, 16);
head.writeUInt32LE(1, 20);
head.writeUInt32LE(frames.length, 24);
const body = frames.map((frame, at) => {
  const length = Buffer.alloc(12);
  length.writeUInt32LE(frame.length, 0);
  length.writeBigUInt64LE(BigInt(at), 4);
  return Buffer.concat([length, frame]);
});
await writeFile(new URL("clip.ivf", import.meta.url), Buffer.concat([head, ...body]));
