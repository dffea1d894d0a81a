// Two negotiations over a relay that tests can slow down, with peer connections that keep the state machine of WebRTC.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LocalMedia } from "../src/media.js";
import { Negotiation, type NegotiationPort } from "../src/negotiation.js";
import type { ServerEvents } from "../src/index.js";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("MediaStream", class {
    tracks: unknown[] = [];
    addTrack(track: unknown): void {
      this.tracks.push(track);
    }
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type State = "stable" | "have-local-offer" | "have-remote-offer";

interface FakeTransceiver {
  kind: string;
  direction: string;
  sender: { track: unknown; replaceTrack(track: unknown): Promise<void> };
  receiver: { track: { kind: string } };
}

/** The rules of descriptions and candidates, and nothing of media. */
class FakePeer {
  signalingState: State = "stable";
  connectionState: RTCPeerConnectionState = "new";
  localDescription: { type: "offer" | "answer"; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onnegotiationneeded: (() => void) | null = null;
  ontrack: unknown = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly candidates: string[] = [];
  readonly transceivers: FakeTransceiver[] = [];
  rolledBack = 0;
  isClosed = false;
  #made = 0;

  constructor(readonly name: string) {}

  addTransceiver(kindOrTrack: string | { kind: string }, { direction }: { direction: string }): FakeTransceiver {
    const kind = typeof kindOrTrack === "string" ? kindOrTrack : kindOrTrack.kind;
    const made = this.#transceiver(kind, direction, typeof kindOrTrack === "string" ? null : kindOrTrack);
    this.need();
    return made;
  }

  getTransceivers(): FakeTransceiver[] {
    return this.transceivers;
  }

  createDataChannel(): object {
    return { readyState: "connecting" };
  }

  need(): void {
    queueMicrotask(() => !this.isClosed && this.signalingState === "stable" && this.onnegotiationneeded?.());
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    const isAnswer = this.signalingState === "have-remote-offer";
    this.localDescription = { type: isAnswer ? "answer" : "offer", sdp: `${this.name}-${++this.#made}` };
    this.signalingState = isAnswer ? "stable" : "have-local-offer";
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    await Promise.resolve();
    if (description.type === "offer") {
      if (this.signalingState === "have-local-offer") this.rolledBack += 1;
      this.signalingState = "have-remote-offer";
      if (this.transceivers.length === 0) for (const kind of ["audio", "video"]) this.#transceiver(kind, "recvonly", null);
    } else {
      if (this.signalingState !== "have-local-offer") throw new Error(`answer in ${this.signalingState}`);
      this.signalingState = "stable";
    }
    this.remoteDescription = description;
  }

  async addIceCandidate({ candidate }: { candidate: string }): Promise<void> {
    if (!this.remoteDescription) throw new Error("no remote description");
    this.candidates.push(candidate);
  }

  gather(...candidates: (string | null)[]): void {
    for (const it of candidates) this.onicecandidate?.({ candidate: it === null ? null : { candidate: it, sdpMid: "0", sdpMLineIndex: 0 } });
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.isClosed = true;
  }

  #transceiver(kind: string, direction: string, track: unknown): FakeTransceiver {
    const sender = {
      track,
      replaceTrack: async (next: unknown) => {
        sender.track = next;
      },
    };
    const made = { kind, direction, sender, receiver: { track: { kind } } };
    this.transceivers.push(made);
    return made;
  }
}

type Signal = { t: "description" | "candidates" } & Record<string, unknown>;

class Side {
  readonly peers: FakePeer[] = [];
  readonly sent: Signal[] = [];
  readonly media = new LocalMedia();
  readonly asked = vi.fn();
  readonly askedEpoch = vi.fn();
  readonly negotiation: Negotiation;
  stale = false;
  other: Side | undefined;
  held: Signal[] | null = null;

  constructor(readonly name: string, initiator: boolean, epoch = 1) {
    const port: NegotiationPort = {
      send: async (t, signal) => {
        const message = { t, ...signal } as Signal;
        this.sent.push(message);
        if (this.stale) return { stale: true };
        if (this.held) this.held.push(message);
        else this.other?.hear(message);
        return {};
      },
      askRenegotiate: this.asked,
      askEpoch: this.askedEpoch,
      iceServers: () => Promise.resolve([]),
      createPeerConnection: () => {
        const peer = new FakePeer(name);
        this.peers.push(peer);
        return peer as unknown as RTCPeerConnection;
      },
      onStream: () => undefined,
      onState: () => undefined,
      onPeerSending: () => undefined,
    };
    this.negotiation = new Negotiation(initiator, epoch, this.media, port);
  }

  get peer(): FakePeer {
    return this.peers.at(-1)!;
  }

  hear(message: Signal): void {
    if (message.t === "description") this.negotiation.onDescription(message as unknown as ServerEvents["description"]);
    else this.negotiation.onCandidates(message as unknown as ServerEvents["candidates"]);
  }

  release(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const message of held) this.other?.hear(message);
  }

  kinds(): string[] {
    return this.sent.map((it) => (it.t === "description" ? String(it.kind) : "candidates"));
  }
}

function pair(): [ann: Side, bob: Side] {
  const ann = new Side("ann", true);
  const bob = new Side("bob", false);
  ann.other = bob;
  bob.other = ann;
  return [ann, bob];
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1);

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
