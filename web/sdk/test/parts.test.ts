// The small parts, each by itself.
import { expect, test } from "vitest";
import { sentenceOf } from "../src/errors.js";
import { httpUrl, socketUrl } from "../src/http.js";
import { Memory } from "../src/memory.js";
import { PathQuality, readStats, type Reading } from "../src/quality.js";
import { WindowView } from "../src/window.js";
import { FakeStorage, MIA, TOM } from "./fakes.js";

test("a window keeps cards in their places, and a delta before any window is nothing", () => {
  const view = new WindowView();
  expect(view.onDelta({ version: 1, set: [[0, MIA]] })).toBe("ignored");
  view.onWindow({ version: 4, size: 5, places: [[0, MIA], [3, TOM, { introduced_by: "Eve" }]], available: 3 });
  expect(view.onDelta({ version: 5, set: [[0], [3, TOM]], available: 2 })).toBe("changed");
  expect([...view.places]).toEqual([[3, { card: TOM, marks: {} }]]);
  expect(view.onDelta({ version: 5, set: [[3]] })).toBe("ignored");
  expect(view.onDelta({ version: 7 })).toBe("gap");
  expect(view.onDelta({ version: 8 })).toBe("ignored");
  expect(view.version).toBe(5);
});

test("the memory outlives a reload, and what is no client of ours is drawn anew", () => {
  const storage = new FakeStorage();
  const { client } = new Memory(storage, "k").kept;
  expect(new Memory(storage, "k").kept.client).toBe(client);
  storage.setItem("k", '{"client":"nonsense"}');
  expect(new Memory(storage, "k").kept.client).toMatch(/^[0-9a-f]{32}$/);
  storage.setItem("k", "{");
  const memory = new Memory(storage, "k");
  memory.keep({ seat: 7 });
  memory.renew();
  expect(memory.kept).toEqual({ client: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown });
});

test("a storage that throws costs nothing but the memory", () => {
  const refuses = (): never => {
    throw new Error("no");
  };
  const memory = new Memory({ getItem: refuses, setItem: refuses, removeItem: refuses }, "k");
  memory.keep({ seat: 1 });
  memory.forget();
  expect(memory.kept.client).toHaveLength(32);
});

test("a path is weak after two bad readings, and well after two good ones", () => {
  const quality = new PathQuality();
  const read = (received: number, lost: number): boolean => quality.judge({ received, lost, rtt: 0.05 });
  read(0, 0);
  expect(read(90, 10)).toBe(false);
  expect(read(180, 20)).toBe(true);
  expect(quality.isWeak).toBe(true);
  expect(read(280, 20)).toBe(false);
  expect(read(380, 20)).toBe(true);
  expect(quality.isWeak).toBe(false);
});

test("a weak path says in which way, the worst first, and is well again after two good readings", () => {
  const quality = new PathQuality();
  const at = (count: number, more: object = {}): Reading => ({ received: 100 * count, lost: 0, rtt: 0.05, ...more });
  quality.judge(at(0));
  quality.judge(at(1, { rtt: 0.9 }));
  expect(quality.weakness).toBe(null);
  quality.judge(at(2, { rtt: 0.9 }));
  expect(quality.weakness).toBe("delay");
  // Another way of being weak is said at once.
  expect(quality.judge(at(3, { rtt: 0.9, lostToThem: 0.2 }))).toBe(true);
  expect(quality.weakness).toBe("loss_to_them");
  quality.judge(at(4));
  expect(quality.weakness).toBe("loss_to_them");
  quality.judge(at(5));
  expect(quality.weakness).toBe(null);
  quality.judge(at(6, { room: 40_000 }));
  quality.judge(at(7, { room: 40_000 }));
  expect(quality.weakness).toBe("narrow");
  quality.judge({ received: 700, lost: 30, rtt: 0.05 });
  expect(quality.weakness).toBe("loss");
});

test("somebody who sends neither sound nor picture is no weak path", () => {
  const quality = new PathQuality();
  for (let reading = 0; reading < 5; reading += 1) quality.judge({ received: 0, lost: 0, rtt: 0.05 });
  expect(quality.isWeak).toBe(false);
});

test("statistics are read: what came, what they missed, and the room for a picture only while one is sent", () => {
  const report = (sendsPicture: boolean): RTCStatsReport =>
    new Map<string, object>([
      ["a", { type: "inbound-rtp", packetsReceived: 50, packetsLost: 2 }],
      ["b", { type: "inbound-rtp", packetsReceived: 30, packetsLost: 1 }],
      ["c", { type: "remote-inbound-rtp", fractionLost: 0.1 }],
      ["d", { type: "outbound-rtp", kind: sendsPicture ? "video" : "audio" }],
      ["e", { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.2, availableOutgoingBitrate: 80_000 }],
      ["f", { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 }],
    ]) as unknown as RTCStatsReport;
  expect(readStats(report(true))).toEqual({ received: 80, lost: 3, rtt: 0.2, lostToThem: 0.1, room: 80_000 });
  expect(readStats(report(false))).toEqual({ received: 80, lost: 3, rtt: 0.2, lostToThem: 0.1 });
});

test("the server may be named in any way", () => {
  for (const url of ["https://a.test", "https://a.test/", "wss://a.test/v1/ws", "https://a.test/v1/ws?x=1"]) {
    expect(httpUrl(url)).toBe("https://a.test");
    expect(socketUrl(url)).toBe("wss://a.test/v1/ws");
  }
  expect(socketUrl("http://a.test:8080/duo/")).toBe("ws://a.test:8080/duo/v1/ws");
});

test("every code has a sentence, also one that nobody knows yet", () => {
  expect(sentenceOf("cooldown")).toMatch(/met/);
  expect(sentenceOf("something_new")).toMatch(/\w+/);
});
