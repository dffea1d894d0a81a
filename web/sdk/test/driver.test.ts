// The signs that a browser gives of another network.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServerClock } from "../src/clock.js";
import { Driver } from "../src/driver.js";
import { Link } from "../src/link.js";
import { Memory } from "../src/memory.js";

class Network extends EventTarget {
  type: string | undefined = "wifi";

  becomes(type: string | undefined): void {
    this.type = type;
    this.dispatchEvent(new Event("change"));
  }
}

const network = new Network();
const page = new EventTarget();
const moved = vi.fn();
let driver: Driver;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { connection: network });
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  moved.mockReset();
  network.type = "wifi";
  const silent = { onopen: null, onmessage: null, onclose: null, onerror: null, send: () => undefined, close: () => undefined };
  const link = new Link("token", new Memory(undefined, "k"), new ServerClock());
  driver = new Driver(link, "ws://server.test", { create: () => ({ ...silent }), form: undefined }, { up: () => undefined, slept: () => undefined, moved });
  driver.start();
});

afterEach(() => {
  driver.leave();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a network that is there again, and one of another kind, are told; other speeds of the same are not", () => {
  page.dispatchEvent(new Event("online"));
  expect(moved).toHaveBeenCalledTimes(1);
  network.becomes("wifi");
  expect(moved).toHaveBeenCalledTimes(1);
  network.becomes("cellular");
  expect(moved).toHaveBeenCalledTimes(2);
  network.becomes("none");
  network.becomes("cellular");
  expect(moved).toHaveBeenCalledTimes(2);
});

test("a browser that does not say of which kind its network is tells nothing by it", () => {
  driver.leave();
  network.type = undefined;
  driver.start();
  network.becomes(undefined);
  expect(moved).not.toHaveBeenCalled();
});

test("who has left hears of no network", () => {
  driver.leave();
  page.dispatchEvent(new Event("online"));
  network.becomes("cellular");
  expect(moved).not.toHaveBeenCalled();
});
