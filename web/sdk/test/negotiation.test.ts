// Two negotiations over a relay that tests can slow down, with peer connections that keep the state machine of WebRTC.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pair, settle, Side, stubMedia } from "./sides.js";

beforeEach(stubMedia);

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the initiator offers, the other answers, and nobody offers twice", async () => {
  const [ann, bob] = pair();
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  expect(ann.kinds()).toEqual(["offer"]);
  expect(bob.kinds()).toEqual(["answer"]);
  expect(ann.peer.signalingState).toBe("stable");
  expect(bob.peer.signalingState).toBe("stable");
});

test("without own tracks both sides only receive, and a picture that comes later is offered", async () => {
  const [ann, bob] = pair();
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  expect(ann.peer.transceivers.map((it) => it.direction)).toEqual(["recvonly", "recvonly"]);
  const camera = { kind: "video", enabled: true } as unknown as MediaStreamTrack;
  bob.media.set({ video: camera });
  expect(bob.peer.transceivers[1]).toMatchObject({ direction: "sendrecv", sender: { track: camera } });
  bob.peer.need();
  await settle();
  expect(bob.kinds()).toEqual(["answer", "offer"]);
  expect(ann.kinds()).toEqual(["offer", "answer"]);
});

test("offers that cross: the polite side gives way, the other goes on, and both end with one description", async () => {
  const [ann, bob] = pair();
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  ann.held = [];
  bob.held = [];
  ann.peer.need();
  bob.peer.need();
  await settle();
  expect(ann.peer.signalingState).toBe("have-local-offer");
  expect(bob.peer.signalingState).toBe("have-local-offer");
  bob.release();
  ann.release();
  await settle();
  expect(bob.peer.rolledBack).toBe(1);
  expect(ann.peer.rolledBack).toBe(0);
  expect(ann.peer.signalingState).toBe("stable");
  expect(bob.peer.signalingState).toBe("stable");
  expect(ann.peer.remoteDescription!.sdp).toBe(bob.peer.localDescription!.sdp);
  expect(bob.peer.remoteDescription!.sdp).toBe(ann.peer.localDescription!.sdp);
});

test("candidates follow their description: the first at once, the rest in batches with a running index", async () => {
  const [ann] = pair();
  ann.other = undefined;
  ann.negotiation.begin(1);
  await vi.advanceTimersByTimeAsync(0);
  ann.peer.gather("a");
  await settle();
  ann.peer.gather("b", "c");
  await vi.advanceTimersByTimeAsync(49);
  expect(ann.kinds()).toEqual(["offer", "candidates"]);
  await vi.advanceTimersByTimeAsync(2);
  ann.peer.gather(...Array.from({ length: 21 }, (_, index) => `d${index}`), null);
  await settle();
  const batches = ann.sent.filter((it) => it.t === "candidates");
  expect(batches.map((it) => [it.from, (it.candidates as unknown[]).length, it.done])).toEqual([
    [0, 1, undefined],
    [1, 2, undefined],
    [3, 20, undefined],
    [23, 1, true],
  ]);
});

test("a candidate gathered before the offer was said waits for it", async () => {
  const ann = new Side("ann", true);
  ann.negotiation.begin(1);
  await Promise.resolve();
  await Promise.resolve();
  ann.peer.gather("early");
  await settle();
  expect(ann.kinds()).toEqual(["offer", "candidates"]);
});

test("early candidates of the other wait for the remote description; doubles are dropped", async () => {
  const bob = new Side("bob", false);
  bob.negotiation.begin(1);
  const candidate = (name: string): object => ({ candidate: name, mid: "0", line: 0 });
  bob.hear({ t: "candidates", call: 7, epoch: 1, from: 0, candidates: [candidate("a"), candidate("b")] });
  await settle();
  expect(bob.peer.candidates).toEqual([]);
  bob.hear({ t: "description", call: 7, epoch: 1, kind: "offer", sdp: "o" });
  bob.hear({ t: "candidates", call: 7, epoch: 1, from: 1, candidates: [candidate("b"), candidate("c")] });
  await settle();
  expect(bob.peer.candidates).toEqual(["a", "b", "c"]);
});

test("a new epoch is a new connection on both sides; signals of the old one are dropped", async () => {
  const [ann, bob] = pair();
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  ann.peer.become("connected");
  bob.peer.become("connected");
  const [old] = ann.peers;
  bob.negotiation.begin(2);
  ann.negotiation.begin(2);
  ann.negotiation.begin(2);
  await settle();
  expect(ann.peers).toHaveLength(2);
  expect(bob.peers).toHaveLength(2);
  expect(ann.peer.signalingState).toBe("stable");
  // The old path carries the picture until the new one does.
  expect(old!.isClosed).toBe(false);
  ann.peer.become("connected");
  expect(old!.isClosed).toBe(true);
  const before = ann.sent.length;
  ann.hear({ t: "description", call: 7, epoch: 1, kind: "offer", sdp: "late" });
  await settle();
  expect(ann.sent).toHaveLength(before);
});

test("a signal of a later epoch begins it", async () => {
  const [ann, bob] = pair();
  bob.negotiation.begin(1);
  await settle();
  ann.negotiation.begin(3);
  await settle();
  expect(bob.negotiation.epoch).toBe(3);
  expect(bob.kinds()).toEqual(["answer"]);
  expect(ann.peer.signalingState).toBe("stable");
});

test("a stale answer asks for the epoch, unless it is learned meanwhile", async () => {
  const ann = new Side("ann", true);
  ann.stale = true;
  ann.negotiation.begin(1);
  await vi.advanceTimersByTimeAsync(2_100);
  expect(ann.askedEpoch).toHaveBeenCalledTimes(1);
  const bob = new Side("bob", true);
  bob.stale = true;
  bob.negotiation.begin(1);
  await vi.advanceTimersByTimeAsync(500);
  bob.stale = false;
  bob.negotiation.begin(2);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(bob.askedEpoch).not.toHaveBeenCalled();
});

test("a path that does not come about, or breaks, asks for a new epoch; not while the other is away", async () => {
  const ann = new Side("ann", true);
  ann.negotiation.begin(1);
  ann.negotiation.pause(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ann.asked).not.toHaveBeenCalled();
  ann.negotiation.pause(false);
  await vi.advanceTimersByTimeAsync(12_100);
  expect(ann.asked).toHaveBeenCalledTimes(1);
  ann.negotiation.begin(2);
  await settle();
  ann.peer.become("connected");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(ann.asked).toHaveBeenCalledTimes(1);
  ann.peer.become("failed");
  await vi.advanceTimersByTimeAsync(1_100);
  expect(ann.asked).toHaveBeenCalledTimes(2);
});

/** Two who are connected. */
async function connected(): Promise<[ann: Side, bob: Side]> {
  const [ann, bob] = pair();
  ann.negotiation.begin(1);
  bob.negotiation.begin(1);
  await settle();
  ann.peer.become("connected");
  bob.peer.become("connected");
  return [ann, bob];
}

test("a silence that ends by itself changes nothing", async () => {
  const [ann, bob] = await connected();
  for (const side of [ann, bob]) side.peer.become("disconnected");
  await vi.advanceTimersByTimeAsync(1_900);
  for (const side of [ann, bob]) side.peer.become("connected");
  await vi.advanceTimersByTimeAsync(60_000);
  expect([ann.peer.restarted, bob.peer.restarted]).toEqual([0, 0]);
  expect([ann.kinds(), bob.kinds()]).toEqual([["offer"], ["answer"]]);
});

test("a silence that lasts is ended by another path within the epoch, which one of the two looks for", async () => {
  const [ann, bob] = await connected();
  for (const side of [ann, bob]) side.peer.become("disconnected");
  await vi.advanceTimersByTimeAsync(2_100);
  expect(ann.kinds()).toEqual(["offer", "offer"]);
  expect(bob.kinds()).toEqual(["answer", "answer"]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([ann.peer.restarted, bob.peer.restarted]).toEqual([1, 0]);
  for (const side of [ann, bob]) side.peer.become("connected");
  await vi.advanceTimersByTimeAsync(60_000);
  expect([ann.asked, bob.asked].map((asked) => asked.mock.calls.length)).toEqual([0, 0]);
});

test("a silence that only the other one notices is ended by them", async () => {
  const [ann, bob] = await connected();
  bob.peer.become("disconnected");
  await vi.advanceTimersByTimeAsync(3_600);
  expect([ann.peer.restarted, bob.peer.restarted]).toEqual([0, 1]);
  expect(ann.kinds()).toEqual(["offer", "answer"]);
});

test("a silence that another path does not end begins a new epoch", async () => {
  const [ann] = await connected();
  ann.peer.become("disconnected");
  await vi.advanceTimersByTimeAsync(2_100);
  expect(ann.peer.restarted).toBe(1);
  await vi.advanceTimersByTimeAsync(12_000);
  expect(ann.asked).toHaveBeenCalledTimes(1);
});

test("a network that changes is a new path at once, also where the old one still carries; a swarm of signs is one", async () => {
  const [ann, bob] = await connected();
  bob.negotiation.moved();
  bob.negotiation.moved();
  await vi.advanceTimersByTimeAsync(400);
  expect(bob.peer.restarted).toBe(1);
  expect([ann.kinds(), bob.kinds()]).toEqual([["offer", "answer"], ["answer", "offer"]]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(bob.asked).not.toHaveBeenCalled();
  // Nobody has agreed on anything yet: what is under way is of this network already.
  const alone = new Side("alone", true);
  alone.negotiation.begin(1);
  alone.negotiation.moved();
  await vi.advanceTimersByTimeAsync(400);
  expect(alone.kinds()).toEqual(["offer"]);
});

test("while the other is away no path is looked for, and as soon as they are back one is", async () => {
  const [ann] = await connected();
  ann.negotiation.pause(true);
  ann.peer.become("disconnected");
  await vi.advanceTimersByTimeAsync(9_000);
  expect(ann.peer.restarted).toBe(0);
  ann.negotiation.pause(false);
  await settle();
  expect(ann.peer.restarted).toBe(1);
});

test("candidates that a later offer gathers wait for it", async () => {
  const [ann, bob] = await connected();
  ann.peer.need();
  await Promise.resolve();
  await Promise.resolve();
  expect(ann.peer.signalingState).toBe("stable");
  ann.peer.gather("new");
  await settle();
  expect(ann.kinds()).toEqual(["offer", "offer", "candidates"]);
  expect(bob.peer.candidates).toEqual(["new"]);
});
