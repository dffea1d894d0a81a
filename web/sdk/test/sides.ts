/** The two sides of a call's media: negotiations with a relay between them, and peer connections that are the rules alone. */

import { vi } from "vitest";
import type { ServerEvents } from "../src/index.js";
import { LocalMedia } from "../src/media.js";
import { Negotiation, type NegotiationPort } from "../src/negotiation.js";

/** Time that tests move, and streams that hold nothing. */
export function stubMedia(): void {
  vi.useFakeTimers();
  vi.stubGlobal("MediaStream", class {
    tracks: unknown[] = [];
    addTrack(track: unknown): void {
      this.tracks.push(track);
    }
  });
}

type State = "stable" | "have-local-offer" | "have-remote-offer";

interface FakeTransceiver {
  kind: string;
  direction: string;
  sender: { track: unknown; replaceTrack(track: unknown): Promise<void> };
  receiver: { track: { kind: string } };
}

/** The rules of descriptions and candidates, and nothing of media. */
export class FakePeer {
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
  restarted = 0;
  isClosed = false;
  #made = 0;

  /** `sdp`: what its descriptions say. */
  constructor(readonly sdp: (count: number) => string) {}

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
    this.localDescription = { type: isAnswer ? "answer" : "offer", sdp: this.sdp(++this.#made) };
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

  restartIce(): void {
    this.restarted += 1;
    this.need();
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

export type Signal = { t: "description" | "candidates" } & Record<string, unknown>;

export class Side {
  readonly peers: FakePeer[] = [];
  readonly sent: Signal[] = [];
  readonly media = new LocalMedia();
  readonly asked = vi.fn();
  readonly askedEpoch = vi.fn();
  readonly negotiation: Negotiation;
  stale = false;
  other: Side | undefined;
  held: Signal[] | null = null;
  /** What the server says to a signal that it refuses. */
  refuses: (message: Signal) => object | undefined = () => undefined;
  sdp = (count: number): string => `${this.name}-${count}`;

  constructor(readonly name: string, initiator: boolean, { epoch = 1, compact = false } = {}) {
    const port: NegotiationPort = {
      compact,
      send: async (t, signal) => {
        const message = { t, ...signal } as Signal;
        this.sent.push(message);
        const refusal = this.refuses(message);
        if (refusal) throw refusal;
        if (this.stale) return { stale: true };
        if (this.held) this.held.push(message);
        else this.other?.hear(message);
        return {};
      },
      askRenegotiate: this.asked,
      askEpoch: this.askedEpoch,
      iceServers: () => Promise.resolve([]),
      createPeerConnection: () => {
        const peer = new FakePeer((count) => this.sdp(count));
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

  /** The newest description sent. */
  description(): string {
    return String(this.sent.filter((it) => it.t === "description").at(-1)?.sdp);
  }

  kinds(): string[] {
    return this.sent.map((it) => (it.t === "description" ? String(it.kind) : "candidates"));
  }
}

export function pair({ compact = false } = {}): [ann: Side, bob: Side] {
  const ann = new Side("ann", true, { compact });
  const bob = new Side("bob", false, { compact });
  ann.other = bob;
  bob.other = ann;
  return [ann, bob];
}

export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1);
