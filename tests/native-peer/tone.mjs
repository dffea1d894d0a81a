/**
 * Plays `tone.opus`, the sound that the native peer sends: two tones in turn, a second of Opus in an Ogg file (RFC 7845), encoded by
 * Chromium. Made once and kept; `node tone.mjs` makes it again (wants `npm ci` in tests/browser, and chromium).
 */

import { writeFile } from "node:fs/promises";
import { inChromium } from "./encoder.mjs";

const [RATE, FRAME, FRAMES] = [48_000, 960, 50];
const FLAGS = { begin: 2, end: 4 };

const packets = await inChromium(
  async ([rate, frame, count]) => {
    const { encoder, chunks } = window.encoded(AudioEncoder);
    encoder.configure({ codec: "opus", sampleRate: rate, numberOfChannels: 1, bitrate: 24_000, opus: { frameDuration: 20_000 } });
    for (let at = 0; at < count; at += 1) {
      // Whole waves in half a second each, so that the end fits the beginning.
      const pitch = at < count / 2 ? 440 : 660;
      const samples = Float32Array.from({ length: frame }, (_, n) => 0.4 * Math.sin((2 * Math.PI * pitch * (at * frame + n)) / rate));
      const data = new AudioData({ format: "f32-planar", sampleRate: rate, numberOfFrames: frame, numberOfChannels: 1, timestamp: at * 20_000, data: samples });
      encoder.encode(data);
      data.close();
    }
    await encoder.flush();
    return chunks.slice(0, count);
  },
  RATE, FRAME, FRAMES,
);
const head = Buffer.from([...Buffer.from("OpusHead"), 1, 1, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0]);
const maker = Buffer.from("Duologue");
const tags = Buffer.concat([Buffer.from("OpusTags"), number(maker.length), maker, number(0)]);
const file = [ogg(0, 0, FLAGS.begin, [head]), ogg(1, 0, 0, [tags]), ogg(2, FRAMES * FRAME, FLAGS.end, packets)];
await writeFile(new URL("tone.opus", import.meta.url), Buffer.concat(file));

function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A page with whole packets (RFC 3533). */
function ogg(sequence, granule, flags, packets) {
  const lacing = packets.flatMap(({ length }) => [...Array(Math.floor(length / 255)).fill(255), length % 255]);
  const head = Buffer.alloc(27);
  head.write("OggS", 0);
  head.writeUInt8(flags, 5);
  head.writeBigUInt64LE(BigInt(granule), 6);
  head.writeUInt32LE(1, 14);
  head.writeUInt32LE(sequence, 18);
  head.writeUInt8(lacing.length, 26);
  const page = Buffer.concat([head, Buffer.from(lacing), ...packets]);
  page.writeUInt32LE(checksum(page), 22);
  return page;
}

function checksum(bytes) {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
  }
  return sum >>> 0;
}
