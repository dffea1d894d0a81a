// The binary form: what the server's language writes, the SDK reads, and the other way round, byte for byte.
import { describe, expect, test } from "vitest";
import client from "../../../tests/vectors/client.jsonl?raw";
import server from "../../../tests/vectors/server.jsonl?raw";
import { Malformed, Reader, Writer } from "../src/postcard/bytes.js";
import { readClient, readServer, writeClient } from "../src/postcard/messages.js";

interface Vector {
  name: string;
  json: object;
  postcard: string;
}

const vectorsOf = (lines: string): Vector[] =>
  lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Vector]));
const bytesOf = (hexadecimal: string): Uint8Array => Uint8Array.from(hexadecimal.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

describe("golden vectors of a client", () => {
  test.each(vectorsOf(client))("$name", ({ json, postcard }) => {
    expect(hexOf(writeClient(json))).toBe(postcard);
    expect(readClient(bytesOf(postcard))).toStrictEqual(json);
  });
});

describe("golden vectors of the server", () => {
  test.each(vectorsOf(server))("$name", ({ json, postcard }) => {
    expect(readServer(bytesOf(postcard))).toStrictEqual(json);
  });
});

test("numbers are as large as JSON has them, and no larger", () => {
  const written = (value: number): string => {
    const writer = new Writer();
    writer.number(value);
    return hexOf(writer.finish());
  };
  const read = (hexadecimal: string, max = Number.MAX_SAFE_INTEGER): number => new Reader(bytesOf(hexadecimal)).number(max);
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    expect(read(written(value))).toBe(value);
  }
  expect(written(2 ** 32)).toBe("8080808010");
  expect(() => read("8080808080808010")).toThrow(Malformed);
  expect(() => read("8080808010", 2 ** 32 - 1)).toThrow(Malformed);
  expect(() => read("80".repeat(100))).toThrow(Malformed);
});

test("a text keeps every character, a mark of byte order too, and what is no UTF-8 is refused", () => {
  const chat = { t: "chat", id: 1, call: 7, text: "\ufeffé😀\u0000" };
  expect(readClient(writeClient(chat))).toEqual(chat);
  const bytes = writeClient({ ...chat, text: "ab" });
  bytes[bytes.length - 1] = 0xff;
  expect(() => readClient(bytes)).toThrow(Malformed);
});

test("a name may be any word", () => {
  for (const name of ["clear", "keep"]) expect(readClient(writeClient({ t: "profile", id: 1, name }))).toEqual({ t: "profile", id: 1, name });
});

test("contacts may have any name", () => {
  const share = JSON.parse('{"t":"share","id":1,"call":7,"contacts":{"__proto__":"x","constructor":"y"}}') as object;
  const read = readClient(writeClient(share)) as { contacts: object };
  expect(Object.entries(read.contacts)).toEqual([["__proto__", "x"], ["constructor", "y"]]);
});

test("what is no message of a client is not written, and the field is named", () => {
  const written = (message: object) => () => writeClient(message);
  expect(written({ t: "nonsense", id: 1 })).toThrow(Malformed);
  expect(written({ t: "constructor", id: 1 })).toThrow(Malformed);
  for (const [message, field] of [
    [{ t: "invite", id: 1, to: "me", seconds: 60 }, "to"],
    [{ t: "invite", id: 1, to: "01900000-0000-7000-8000-00000000000b", seconds: 1.5 }, "seconds"],
    [{ t: "chat", id: 1, call: 7 }, "text"],
    [{ t: "chat", call: 7, text: "" }, "id"],
    [{ t: "share", id: 1, call: 7, contacts: { mail: 5 } }, "contacts"],
    [{ t: "reel", id: 1, limit: -1 }, "limit"],
    [{ t: "pair", id: 1, filter: { tags: "a" } }, "tags"],
  ] as const) {
    expect(written(message)).toThrow(expect.objectContaining({ name: "Malformed", field }) as Error);
  }
});

test("what is cut, changed or random is read or refused, and is never more than its bytes are worth", () => {
  const all = [...vectorsOf(client), ...vectorsOf(server)].map(({ postcard }) => bytesOf(postcard));
  let seed = 1;
  const roll = (below: number): number => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % below;
  };
  let refused = 0;
  const judge = (bytes: Uint8Array): void => {
    for (const read of [readClient, readServer]) {
      try {
        // Names and digits in JSON are longer than a byte, but by a bounded factor.
        if (JSON.stringify(read(bytes)).length > 600 + bytes.length * 100) expect.fail(`too much of ${hexOf(bytes)}`);
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        refused += 1;
      }
    }
  };
  for (const whole of all) for (let length = 0; length < whole.length; length += 1) judge(whole.subarray(0, length));
  for (let time = 0; time < 2_000; time += 1) {
    const bytes = all[roll(all.length)]!.slice();
    for (let flips = 1 + roll(3); flips > 0; flips -= 1) bytes[roll(bytes.length)]! ^= 1 << roll(8);
    judge(bytes);
    judge(Uint8Array.from({ length: roll(40) }, () => roll(256)));
  }
  expect(refused).toBeGreaterThan(5_000);
  // A list that says it has four billion entries.
  judge(Uint8Array.of(5, 1, 1, 20, 0xff, 0xff, 0xff, 0xff, 0x0f));
});
