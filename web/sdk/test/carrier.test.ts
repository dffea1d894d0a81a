import { describe, expect, it } from "vitest";
import { frame, take } from "../src/carrier.js";

describe("messages on a stream", () => {
  it("have their length before them, and are whole however the stream is cut", () => {
    for (const length of [0, 1, 63, 64, 16_383, 16_384, 65_536]) {
      const message = new Uint8Array(length).fill(7);
      const framed = frame(message);
      expect(take(framed)).toEqual({ length, message, end: framed.length });
      if (framed.length > 1) expect(take(framed.subarray(0, framed.length - 1))?.message).toBeUndefined();
    }
    expect(take(new Uint8Array())).toBeUndefined();
  });

  it("have the lengths of RFC 9000, appendix A", () => {
    expect(take(Uint8Array.of(0x25))?.length).toBe(37);
    expect(take(Uint8Array.of(0x7b, 0xbd))?.length).toBe(15_293);
    expect(take(Uint8Array.of(0x9d, 0x7f, 0x3e, 0x7d))?.length).toBe(494_878_333);
  });
});
