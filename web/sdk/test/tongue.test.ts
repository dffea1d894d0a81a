// SIG 5: descriptions and candidates are said compactly to who reads that, and plainly to who does not.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import captures from "../../../signaling/tests/data/captures.jsonl?raw";
import { Codec } from "../src/compact/codec.js";
import { builtIn, VERSION } from "../src/compact/library.js";
import { callFacts, Page, TOM } from "./fakes.js";
import { pair, settle, Side, stubMedia, type Signal } from "./sides.js";

beforeEach(stubMedia);

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const texts = captures
  .split("\n")
  .filter((line) => line !== "")
  .flatMap((line) => (JSON.parse(line) as { sdp?: string }).sdp ?? []);
const sdp = (count: number): string => texts[count]!;
const CANDIDATE = "candidate:2359856564 1 udp 2122194687 192.0.2.1 60275 typ host generation 0 ufrag caLl network-id 1";

/** Refuses what is compact, as the relay does where the other side does not read it. */
const refusesCompact = (message: Signal): object | undefined =>
  JSON.stringify(message).includes('"~1.') ? { code: "bad_message" } : undefined;

test("sig_5 the hello says which version the page reads, unless it is told to read none", () => {
  expect(VERSION).toBe(builtIn().version);
  expect(new Page().load().greet().socket.said[0]).toMatchObject({ t: "hello", sdp: VERSION });
  expect(new Page().load({ compact: false }).greet().socket.said[0]).not.toHaveProperty("sdp");
});

test("sig_5 two who read it speak compactly: descriptions, candidates, later offers, and the next epoch", async () => {
  const [ann, bob] = pair({ compact: true });
  ann.sdp = sdp;
  bob.sdp = (count) => sdp(count + 5);
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  expect(ann.kinds()).toEqual(["offer"]);
  expect(ann.description()).toMatch(/^~1\./);
  expect(ann.description().length).toBeLessThan(sdp(1).length / 4);
  expect(bob.peer.remoteDescription!.sdp).toBe(sdp(1));
  expect(bob.description()).toMatch(/^~1\./);
  expect(ann.peer.remoteDescription!.sdp).toBe(sdp(6));

  ann.peer.gather(CANDIDATE, null);
  await settle();
  const [batch] = ann.sent.filter((it) => it.t === "candidates");
  expect(batch!.candidates).toEqual([{ candidate: expect.stringMatching(/^~1\./) as unknown }]);
  expect(bob.peer.candidates).toEqual([CANDIDATE]);

  bob.peer.need();
  await settle();
  expect(ann.peer.remoteDescription!.sdp).toBe(sdp(7));
  ann.negotiation.begin(2);
  bob.negotiation.begin(2);
  await settle();
  expect(ann.peers).toHaveLength(2);
  expect(bob.peer.remoteDescription!.sdp).toBe(ann.peer.localDescription!.sdp);
  expect(ann.asked).not.toHaveBeenCalled();
});

test("sig_5 offers that cross are both read", async () => {
  const [ann, bob] = pair({ compact: true });
  ann.sdp = (count) => sdp(count % texts.length);
  bob.sdp = (count) => sdp((count + 9) % texts.length);
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  for (let time = 0; time < 4; time += 1) {
    ann.held = [];
    bob.held = [];
    ann.peer.need();
    bob.peer.need();
    await settle();
    bob.release();
    ann.release();
    await settle();
    expect(bob.peer.rolledBack).toBe(time + 1);
    expect(ann.peer.remoteDescription!.sdp).toBe(bob.peer.localDescription!.sdp);
    expect(bob.peer.remoteDescription!.sdp).toBe(ann.peer.localDescription!.sdp);
  }
  expect(ann.asked).not.toHaveBeenCalled();
  expect(bob.asked).not.toHaveBeenCalled();
});

test("sig_5 signals that come before their peer connection is there are read in order", async () => {
  const [ann, bob] = pair({ compact: true });
  ann.sdp = sdp;
  ann.held = [];
  ann.negotiation.begin(1);
  await settle();
  ann.peer.gather(CANDIDATE, null);
  await settle();
  bob.negotiation.begin(1);
  ann.release();
  expect(bob.peers).toHaveLength(0);
  await settle();
  expect(bob.peer.remoteDescription!.sdp).toBe(sdp(1));
  expect(bob.peer.candidates).toEqual([CANDIDATE]);
});

test("sig_5 who is told that the other does not read it begins again in plain words, for the rest of the call", async () => {
  const ann = new Side("ann", true, { compact: true });
  ann.sdp = sdp;
  ann.refuses = refusesCompact;
  ann.negotiation.begin(1);
  await settle();
  ann.peer.gather(CANDIDATE);
  await settle();
  expect(ann.kinds()).toEqual(["offer", "candidates"]);
  expect(ann.asked).toHaveBeenCalledTimes(1);
  for (const epoch of [2, 3]) {
    ann.negotiation.begin(epoch);
    await settle();
    expect(ann.description()).toBe(ann.peer.localDescription!.sdp);
    ann.peer.gather(CANDIDATE);
    await settle();
    expect(ann.sent.at(-1)).toMatchObject({ epoch, candidates: [{ candidate: CANDIDATE, mid: "0", line: 0 }] });
  }
  expect(ann.asked).toHaveBeenCalledTimes(1);
});

test("sig_5 a plain offer is answered plainly", async () => {
  const bob = new Side("bob", false, { compact: true });
  bob.sdp = sdp;
  bob.negotiation.begin(1);
  await settle();
  bob.hear({ t: "description", call: 7, epoch: 1, kind: "offer", sdp: texts[0] });
  bob.hear({ t: "candidates", call: 7, epoch: 1, from: 0, candidates: [{ candidate: CANDIDATE, mid: "0", line: 0 }] });
  await settle();
  expect(bob.peer.remoteDescription!.sdp).toBe(texts[0]);
  expect(bob.peer.candidates).toEqual([CANDIDATE]);
  expect(bob.description()).toBe(sdp(1));
  bob.peer.gather(CANDIDATE);
  await settle();
  expect(bob.sent.at(-1)).toMatchObject({ candidates: [{ candidate: CANDIDATE }] });
});

test("sig_5 a text that begins with the mark stands behind it, and only between those who speak compactly", async () => {
  const [ann, bob] = pair({ compact: true });
  ann.sdp = () => "~1.odd";
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  expect(ann.description()).toBe("~0.~1.odd");
  expect(bob.peer.remoteDescription!.sdp).toBe("~1.odd");
  const plain = new Side("plain", true);
  plain.sdp = () => "~1.odd";
  plain.negotiation.begin(1);
  await settle();
  expect(plain.description()).toBe("~1.odd");
  plain.hear({ t: "description", call: 7, epoch: 1, kind: "answer", sdp: "~0.odd" });
  await settle();
  expect(plain.peer.remoteDescription!.sdp).toBe("~0.odd");
});

test("sig_5 what cannot be read begins a new epoch once, and not at once if it is so again and again", async () => {
  const bob = new Side("bob", false, { compact: true });
  for (const [epoch, wait] of [[1, 0], [2, 1_000], [3, 2_000]] as const) {
    bob.negotiation.begin(epoch);
    await settle();
    bob.hear({ t: "description", call: 7, epoch, kind: "offer", sdp: "~1.____" });
    bob.hear({ t: "candidates", call: 7, epoch, from: 0, candidates: [{ candidate: "~1.____" }] });
    await vi.advanceTimersByTimeAsync(Math.max(0, wait - 10));
    expect(bob.asked).toHaveBeenCalledTimes(epoch - (wait > 0 ? 1 : 0));
    await vi.advanceTimersByTimeAsync(20);
    expect(bob.asked).toHaveBeenCalledTimes(epoch);
  }
  expect(bob.peer.remoteDescription).toBeNull();
});

test("sig_5 what cannot be read in a call that is connected begins a new epoch too", async () => {
  const [ann, bob] = pair({ compact: true });
  ann.sdp = sdp;
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  bob.peer.become("connected");
  bob.hear({ t: "description", call: 7, epoch: 1, kind: "offer", sdp: "~2.AAAA" });
  await settle();
  expect(bob.asked).toHaveBeenCalledTimes(1);
});

test("sig_5 a description refused for the moment is begun again when it may be, also where the two are connected", async () => {
  const [ann, bob] = pair({ compact: true });
  ann.sdp = sdp;
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  ann.peer.become("connected");
  ann.refuses = () => ({ code: "rate_limited", retryAfterMs: 700 });
  ann.peer.need();
  await vi.advanceTimersByTimeAsync(690);
  expect(ann.asked).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(20);
  expect(ann.asked).toHaveBeenCalledTimes(1);
  // Not if the other side has begun again meanwhile.
  ann.refuses = () => undefined;
  ann.negotiation.begin(2);
  bob.negotiation.begin(2);
  await settle();
  ann.peer.become("connected");
  ann.refuses = () => ({ code: "rate_limited", retryAfterMs: 700 });
  ann.peer.need();
  await settle();
  ann.refuses = () => undefined;
  ann.negotiation.begin(3);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ann.asked).toHaveBeenCalledTimes(1);
});

test("sig_5 a call speaks as its page does: what it hears compactly is read", async () => {
  const page = new Page().load().greet();
  page.socket.hear({ t: "call_started", seq: 1, ...callFacts({ initiator: false, peer: TOM }) });
  page.socket.no("ice_servers", "unknown_call");
  await settle();
  const set = vi.fn(() => Promise.resolve());
  Object.assign(page.peers.at(-1)!, { setRemoteDescription: set, setLocalDescription: () => Promise.resolve() });
  const carried = new Codec().carryDescription(texts[0]!);
  page.socket.hear({ t: "description", seq: 2, call: 7, epoch: 1, kind: "offer", sdp: carried });
  await settle();
  expect(set).toHaveBeenCalledWith({ type: "offer", sdp: texts[0] });
});
