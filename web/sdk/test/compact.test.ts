// Compact descriptions: what the server's language writes, the SDK writes and reads, byte for byte (SIG 5).
import { deflateSync } from "fflate";
import { describe, expect, test } from "vitest";
import captures from "../../../signaling/tests/data/captures.jsonl?raw";
import library from "../../../signaling/src/compact/library.txt?raw";
import vectors from "../../../tests/vectors/compact.jsonl?raw";
import { carry } from "../src/compact/carried.js";
import { Codec, DESCRIPTION_MAX, Unreadable } from "../src/compact/codec.js";
import { LIBRARY } from "../src/compact/library-text.js";
import type { Candidate } from "../src/wire.js";

interface Step {
  from: 0 | 1;
  capture?: string;
  sdp?: string;
  candidate?: Candidate;
  carried: string | Candidate;
}

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const sdps = new Map(
  linesOf(captures)
    .map((line) => JSON.parse(line) as { id: string; sdp?: string })
    .flatMap(({ id, sdp }) => (sdp === undefined ? [] : [[id, sdp] as const])),
);
const texts = [...sdps.values()];
/** The first byte of what is deflated, in base64. */
const isDeflated = (carried: string): boolean => carried.startsWith("~1._");

test("the library is the one of the other side", () => {
  expect(LIBRARY).toBe(library);
});

describe("golden vectors", () => {
  for (const line of linesOf(vectors)) {
    const { name, steps } = JSON.parse(line) as { name: string; steps: Step[] };
    test(`sig_5 ${name}: ${steps.length} steps`, () => {
      const writes = [new Codec(), new Codec()] as const;
      const reads = [new Codec(), new Codec()] as const;
      for (const { from, capture, sdp = sdps.get(capture ?? ""), candidate, carried } of steps) {
        if (candidate) {
          expect(writes[from].carryCandidate(candidate)).toEqual(carried);
          expect(reads[from === 0 ? 1 : 0].openCandidate(carried as Candidate)).toEqual(candidate);
          writes[from === 0 ? 1 : 0].openCandidate(carried as Candidate);
          reads[from].carryCandidate(candidate);
        } else {
          const text = sdp!;
          const ours = writes[from].carryDescription(text);
          if (!isDeflated(carried as string)) expect(ours).toBe(carried);
          expect(reads[from === 0 ? 1 : 0].openDescription(carried as string)).toBe(text);
          writes[from === 0 ? 1 : 0].openDescription(carried as string);
          reads[from].carryDescription(text);
        }
      }
    });
  }
});

/** Numbers that are the same in every run (xorshift). */
const dice = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

const mutated = (roll: (below: number) => number): string => {
  const lines = texts[roll(texts.length)]!.split("\r\n");
  const word = (): string => Array.from({ length: roll(9) }, () => String.fromCodePoint([32 + roll(95), 233, 10, 0x1f600][roll(20) < 17 ? 0 : roll(4)]!)).join("");
  for (let edits = roll(10); edits > 0; edits -= 1) {
    const at = roll(lines.length);
    const kind = roll(5);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(at, 0, `a=${word()}`);
    else if (kind === 2) lines.splice(at, 0, lines[at] ?? "");
    else if (kind === 3) lines[at] = (lines[at] ?? "").replaceAll("1", word());
    else lines.push(...texts[roll(texts.length)]!.split("\r\n").slice(at, at + 20));
  }
  return lines.join("\r\n");
};

test("sig_5 whatever two say to each other comes back as it was", () => {
  const roll = dice(1);
  for (let call = 0; call < 40; call += 1) {
    const ends = [new Codec(), new Codec()] as const;
    for (let step = roll(6); step >= 0; step -= 1) {
      const side = roll(2);
      const text = roll(4) === 0 ? "~\r\n\u0001é😀".repeat(roll(20)) : mutated(roll);
      const carried = ends[side]!.carryDescription(text);
      expect(new TextEncoder().encode(carried).length).toBeLessThanOrEqual(new TextEncoder().encode(text).length + 3);
      expect(ends[1 - side]!.openDescription(carried)).toBe(text);
    }
  }
});

test("sig_5 what is cut, changed or random is read or refused within bounds", () => {
  const roll = dice(7);
  for (let time = 0; time < 80; time += 1) {
    const ends = [new Codec(), new Codec()] as const;
    const first = mutated(roll);
    ends[1].openDescription(ends[0].carryDescription(first));
    const carried = Array.from(ends[0].carryDescription(mutated(roll)));
    const at = 3 + roll(carried.length);
    if (roll(3) === 0) carried.length = Math.min(at, carried.length);
    else carried[at] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[roll(28)]!;
    try {
      expect(new TextEncoder().encode(ends[1].openDescription(carried.join(""))).length).toBeLessThanOrEqual(DESCRIPTION_MAX);
    } catch (error) {
      expect(error).toBeInstanceOf(Unreadable);
    }
    try {
      ends[1].openCandidate({ candidate: carried.join("") });
    } catch (error) {
      expect(error).toBeInstanceOf(Unreadable);
    }
  }
});

test("sig_5 nothing expands beyond the bound, and another version is refused", () => {
  const bomb = carry(1, Uint8Array.of(0xff, ...deflateSync(new Uint8Array(64 * DESCRIPTION_MAX))));
  expect(() => new Codec().openDescription(bomb)).toThrow(Unreadable);
  const carried = new Codec().carryDescription(texts[0]!);
  expect(carried.startsWith("~1.")).toBe(true);
  expect(() => new Codec().openDescription(carried.replace("~1.", "~2."))).toThrow(Unreadable);
  const long = "~".repeat(DESCRIPTION_MAX + 1);
  expect(new Codec().carryDescription(long)).toBe(`~0.${long}`);
});
