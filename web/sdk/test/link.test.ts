// The link without a socket: instants in, wishes out.
import { expect, test } from "vitest";
import { Backoff } from "../src/backoff.js";
import { ServerClock } from "../src/clock.js";
import { CLOSINGS } from "../src/errors.js";
import { Link, type LinkOutput } from "../src/link.js";
import { Memory } from "../src/memory.js";

function link(random = 0.5): { link: Link; outputs: () => LinkOutput[] } {
  const made = new Link("token", new Memory(undefined, "k", () => "0".repeat(32)), new ServerClock(() => 0), 0, () => random);
  return {
    link: made,
    outputs() {
      const all: LinkOutput[] = [];
      for (let output = made.poll(); output; output = made.poll()) all.push(output);
      return all;
    },
  };
}

const WELCOME = { t: "welcome", resume: "r", recovered: false, now: 0, seq: 0, last_id: 0, state: {} };

function opened(): ReturnType<typeof link> {
  const it = link();
  it.link.start(0);
  it.link.onOpen(10);
  it.link.onMessage(WELCOME, 20);
  it.link.onMessage({ t: "pong", now: 0 }, 30);
  it.outputs();
  return it;
}

const kinds = (outputs: LinkOutput[]): string[] => outputs.map((it) => ("do" in it ? it.do : it.up));

test("waits with full jitter, twice as long at most each time, and never beyond fifteen seconds", () => {
  const longest = new Backoff(() => 0.999_999);
  const waits = Array.from({ length: 8 }, () => longest.next());
  expect(waits).toEqual([499, 999, 1999, 3999, 7999, 14_999, 14_999, 14_999]);
  expect(new Backoff(() => 0).next()).toBe(0);
  longest.reset();
  expect(longest.next()).toBe(499);
});

test("what the server asks to wait is a lower bound", () => {
  expect(new Backoff(() => 0.5).next(7_000)).toBe(7_000);
  const { link: it, outputs } = link();
  it.start(0);
  it.onOpen(1);
  it.onMessage({ t: "closing", code: "at_capacity", reconnect: true, retry_after_ms: 9_000 }, 2);
  it.onClose(4001, 3);
  expect(it.nextTimer()).toBe(9_003);
  it.onTimer(9_002);
  expect(kinds(outputs())).not.toContain("open:2");
  it.onTimer(9_003);
  expect(kinds(outputs())).toEqual(["open"]);
});

test("comes back after every close code that says so, and after no other", () => {
  for (const [code, { close, reconnect }] of Object.entries(CLOSINGS)) {
    const { link: it, outputs } = opened();
    it.onClose(close, 100);
    const ended = outputs().find((output) => "up" in output && output.up === "ended");
    if (reconnect) {
      expect(it.nextTimer(), code).toBeDefined();
      expect(ended, code).toBeUndefined();
    } else {
      expect(it.nextTimer(), code).toBeUndefined();
      expect(ended, code).toMatchObject({ ended: { code } });
    }
  }
  for (const close of [1001, 1005, 1006, 1011, 1012]) {
    const { link: it } = opened();
    it.onClose(close, 100);
    expect(it.nextTimer(), String(close)).toBeDefined();
  }
});

test("a server that greets and closes is not asked faster for having greeted", () => {
  const it = link(0.999_999);
  let now = 0;
  const waits: number[] = [];
  it.link.start(now);
  for (let round = 0; round < 5; round += 1) {
    it.link.onOpen(now);
    it.link.onMessage(WELCOME, now);
    it.link.onClose(1006, now);
    waits.push(it.link.nextTimer()! - now);
    now = it.link.nextTimer()!;
    it.link.onTimer(now);
  }
  expect(waits).toEqual([499, 999, 1999, 3999, 7999]);
});

test("a silent socket is asked after half a minute, and given up without an answer", () => {
  const { link: it, outputs } = opened();
  it.onTimer(30_029);
  expect(outputs()).toEqual([]);
  it.onTimer(30_030);
  expect(outputs()).toEqual([{ do: "send", message: { t: "ping" } }]);
  it.onTimer(38_030);
  expect(outputs()).toMatchObject([{ do: "close", code: 4000 }, { up: "status", status: "reconnecting" }]);
});

test("anything heard is a sign of life", () => {
  const { link: it, outputs } = opened();
  it.onTimer(30_030);
  it.onMessage({ t: "window_delta", version: 1 }, 31_000);
  outputs();
  it.onTimer(38_030);
  expect(outputs()).toEqual([]);
});

test("after a sleep a link that seems alive has little time to prove it, and a waiting one is tried at once", () => {
  const { link: it, outputs } = opened();
  it.wake(4_000_000);
  expect(outputs()).toEqual([{ do: "send", message: { t: "ping" } }]);
  expect(it.nextTimer()).toBe(4_002_500);
  it.onTimer(4_002_500);
  expect(kinds(outputs())).toContain("close");
  it.wake(4_002_501);
  expect(kinds(outputs())).toContain("open");
});

test("an opening that leads nowhere is given up after ten seconds", () => {
  const { link: it, outputs } = link();
  it.start(0);
  it.onOpen(3_000);
  outputs();
  it.onTimer(10_000);
  expect(kinds(outputs())).toEqual(["close", "status"]);
});

test("nothing goes up before the welcome, and nothing out after the end", () => {
  const { link: it, outputs } = link();
  it.start(0);
  it.onOpen(1);
  outputs();
  it.onMessage({ t: "rang", seq: 1 }, 2);
  it.send({ t: "join" });
  expect(outputs()).toEqual([]);
  it.leave();
  expect(outputs()).toMatchObject([{ do: "close", code: 1000 }, { up: "status", status: "closed" }, { up: "ended" }]);
  it.send({ t: "join" });
  it.onClose(1006, 5);
  expect(outputs()).toEqual([]);
});

test("the clock believes the sample with the shortest way, and a newer one when that has grown old", () => {
  let local = 1_000;
  const clock = new ServerClock(() => local);
  clock.sample(50_100, 1_000, 1_200);
  expect(clock.now()).toBe(1_000 + 49_000);
  clock.sample(60_000, 1_200, 3_200);
  expect(clock.offset).toBe(49_000);
  clock.sample(51_310, 1_300, 1_320);
  expect(clock.offset).toBe(50_000);
  local = 5_000_000;
  clock.sample(5_060_100, 5_000_000, 5_000_200);
  expect(clock.offset).toBe(60_000);
});
