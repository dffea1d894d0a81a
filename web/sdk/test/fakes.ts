/**
 * A scripted server at the other end of a fake socket, and a storage that is only a map.
 *
 * Nothing here is clever: a test says what the server says, and reads what the page said.
 */

import { vi } from "vitest";
import { Duologue, type ConnectOptions, type SocketLike, type StorageLike } from "../src/index.js";
import type { CallFacts, Card, Snapshot } from "../src/index.js";

export const MIA: Card = { user: "00000000-0000-4000-8000-000000000001", name: "Mia" };
export const TOM: Card = { user: "00000000-0000-4000-8000-000000000002", name: "Tom" };

export type Said = Record<string, unknown> & { t: string; id: number };

export class FakeSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly said: Said[] = [];
  closedWith: number | undefined;

  send(text: string): void {
    this.said.push(JSON.parse(text) as Said);
  }

  close(code?: number): void {
    this.closedWith = code ?? 1005;
  }

  open(): void {
    this.onopen?.(undefined as never);
  }

  hear(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The other end, or the network, closes. */
  end(code: number): void {
    this.onclose?.({ code });
  }

  /** What was said of one kind. */
  all(t: string): Said[] {
    return this.said.filter((it) => it.t === t);
  }

  last(t: string): Said {
    const found = this.all(t).at(-1);
    if (!found) throw new Error(`nothing said of ${t}, but ${this.said.map((it) => it.t).join(" ")}`);
    return found;
  }

  /** Answers the last command of a kind. */
  ok(t: string, fields: object = {}): void {
    this.hear({ t: "ok", re: this.last(t).id, ...fields });
  }

  no(t: string, code: string, fields: object = {}): void {
    this.hear({ t: "no", re: this.last(t).id, code, ...fields });
  }
}

export class FakeStorage implements StorageLike {
  readonly map = new Map<string, string>();

  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.map.set(key, value);
  }

  removeItem(key: string): void {
    this.map.delete(key);
  }
}

export const NOTHING: Snapshot = { lobby: null, window: null, invites: [], ticket: null, pair: null, call: null, unread: 0 };

export function callFacts(change: Partial<CallFacts> = {}): CallFacts {
  const started = Date.now();
  return {
    call: 7, peer: TOM, seconds: 300, started, deadline: started + 300_000, now: started,
    initiator: true, epoch: 1, here: true, extensions_left: 3, peer_link: null, ...change,
  };
}

/** One page: its storage, its sockets in the order in which they were opened, and the SDK on top. */
export class Page {
  readonly sockets: FakeSocket[] = [];
  readonly peers: RTCPeerConnection[] = [];
  duo!: Duologue;

  constructor(readonly storage = new FakeStorage()) {}

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  load(options: Partial<ConnectOptions> = {}): this {
    this.duo = Duologue.open({
      url: "http://server.test",
      token: "token",
      storage: this.storage,
      random: () => 0.5,
      createSocket: () => {
        const socket = new FakeSocket();
        this.sockets.push(socket);
        return socket;
      },
      createPeerConnection: () => {
        const pc = silentPeer();
        this.peers.push(pc);
        return pc;
      },
      ...options,
    });
    return this;
  }

  /** The present socket opens and is greeted. */
  greet(change: object = {}, state: Partial<Snapshot> = {}): this {
    this.socket.open();
    this.socket.hear({
      t: "welcome", user: MIA, resume: `resume-${this.sockets.length}`, recovered: false, now: Date.now(), seq: 0,
      last_id: 0, grace_ms: 10_000, media_base: "/media/", state: { ...NOTHING, ...state }, ...change,
    });
    return this;
  }

  /** The link is lost, and the next one is tried. */
  async loseLink(code = 1006): Promise<void> {
    const count = this.sockets.length;
    this.socket.end(code);
    for (let waited = 0; this.sockets.length === count && waited < 60_000; waited += 100) await vi.advanceTimersByTimeAsync(100);
  }
}

/** A peer connection of which nothing is heard: for tests that are not about media. */
function silentPeer(): RTCPeerConnection {
  return {
    connectionState: "new",
    signalingState: "stable",
    localDescription: null,
    addTransceiver: () => ({ sender: { track: null, replaceTrack: () => Promise.resolve() }, direction: "recvonly" }),
    getTransceivers: () => [],
    createDataChannel: () => ({ readyState: "connecting", send: () => undefined }),
    close: () => undefined,
    getStats: () => Promise.resolve(new Map()),
  } as unknown as RTCPeerConnection;
}
