/**
 * Two browsers agree on their media: perfect negotiation over the signals of one call, by the rules SIG.
 *
 * It owns the peer connection of the present epoch. A new epoch is a new peer connection on both sides (the other page
 * may have been reloaded, and knows nothing of the old one); the old one plays on until the new one is connected. A path that
 * breaks, or may be another one now, is looked for again within the epoch (ICE restart); only if that does not help there is
 * a new one.
 * The initiator offers and is impolite; the other waits for the first offer, and gives way when offers cross.
 * Descriptions go out before their candidates, candidates in batches with a running index; what comes in early waits
 * for the remote description, and for nothing else. How they are said on the way is the `Tongue`'s.
 *
 * It knows no socket: `send` delivers a signal and says whether it was stale.
 */

import { Unreadable } from "./compact/codec.js";
import type { LocalMedia, Sending } from "./media.js";
import { Tongue } from "./tongue.js";
import type { Candidate, Fields, ServerEvents } from "./wire.js";

const BATCH_MS = 50;
const BATCH_MAX = 20;
/** More a side and epoch are refused anyway. */
const CANDIDATES_MAX = 64;
/** Not connected so long after the start of an epoch, or failed for so long: ask for a new epoch. Grows with each try. */
const PATIENCE_MS = 12_000;
/** Silent for so long: look for another path. Most silences end by themselves before. */
const SILENT_INITIATOR_MS = 2_000;
const SILENT_OTHER_MS = 3_500;
/** Signs of a changed network come in swarms. */
const MOVED_MS = 300;
const FAILED_INITIATOR_MS = 1_000;
const FAILED_OTHER_MS = 4_000;
const STALE_MS = 2_000;
/** What cannot be read begins a new epoch at once; if it is so again and again, each time later by this. */
const UNREADABLE_MS = 1_000;
const STATE_CHANNEL = "duologue";

type Signal<C extends "description" | "candidates"> = Omit<Fields<C>, "call">;

export interface NegotiationPort {
  /** Whether this page speaks compactly, as its `hello` has said. */
  readonly compact: boolean;
  send<C extends "description" | "candidates">(t: C, signal: Signal<C>): Promise<{ stale?: boolean }>;
  /** This epoch does not work out; the answer of the server begins another. */
  askRenegotiate(): void;
  /** The server goes by another epoch than we do, and we have not been told which. */
  askEpoch(): void;
  iceServers(): Promise<RTCIceServer[]>;
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
  onStream(stream: MediaStream): void;
  onState(state: RTCPeerConnectionState): void;
  onPeerSending(sending: Sending): void;
}

/** One epoch's connection with what belongs to it alone. */
interface Round {
  epoch: number;
  pc: RTCPeerConnection;
  tongue: Tongue;
  /** Begun again already: what still comes of it rests on what is missing. */
  isOver: boolean;
  /** What the other sends, put together here: the streams that a description names say nothing that we need. */
  stream: MediaStream;
  /** Sound and picture of one stream are played in step. */
  group: MediaStream;
  hasRemote: boolean;
  described: boolean;
  early: Candidate[];
  heard: number;
  out: { next: number; queue: Candidate[]; done: boolean; doneSent: boolean; first: boolean; timer: Timer | undefined };
  channel: RTCDataChannel | undefined;
  senders: { audio: RTCRtpTransceiver | undefined; video: RTCRtpTransceiver | undefined };
  /** Everything that changes the descriptions happens one after the other. */
  turn: Promise<void>;
  again: Timer | undefined;
}

type Timer = ReturnType<typeof setTimeout>;

export class Negotiation {
  readonly #initiator: boolean;
  readonly #media: LocalMedia;
  readonly #port: NegotiationPort;
  readonly #offMedia: () => void;
  #epoch: number;
  #round: Round | undefined;
  #previous: Round | undefined;
  #early: (() => void)[] = [];
  #starting = 0;
  #watch: Timer | undefined;
  #failedTimer: Timer | undefined;
  #silentTimer: Timer | undefined;
  #movedTimer: Timer | undefined;
  #staleTimer: Timer | undefined;
  #tries = 0;
  /** The other side does not read what is compact. */
  #isPlain = false;
  #paused = false;
  #closed = false;

  /** `floor`: the newest epoch known; signals up to it belong to a page that is gone until `begin` says otherwise. */
  constructor(initiator: boolean, floor: number, media: LocalMedia, port: NegotiationPort) {
    this.#initiator = initiator;
    this.#epoch = floor;
    this.#media = media;
    this.#port = port;
    this.#offMedia = media.on("change", () => this.#placeTracks());
  }

  get epoch(): number {
    return this.#epoch;
  }

  get peerConnection(): RTCPeerConnection | undefined {
    return this.#round?.pc;
  }

  get isConnected(): boolean {
    return this.#round?.pc.connectionState === "connected";
  }

  /** Starts under this epoch; the same one twice is nothing. */
  begin(epoch: number): void {
    if (this.#closed || epoch < this.#epoch) return;
    if (epoch === this.#epoch && (this.#round?.epoch === epoch || this.#starting === epoch)) return;
    this.#epoch = epoch;
    this.#starting = epoch;
    clearTimeout(this.#staleTimer);
    clearTimeout(this.#failedTimer);
    clearTimeout(this.#silentTimer);
    this.#early = [];
    this.#watchOver();
    void this.#port.iceServers().then((iceServers) => {
      if (this.#closed || this.#starting !== epoch) return;
      this.#open(epoch, iceServers);
      const early = this.#early;
      this.#early = [];
      for (const deliver of early) deliver();
    });
  }

  onDescription(signal: ServerEvents["description"]): void {
    if (!this.#admits(signal.epoch, () => this.onDescription(signal))) return;
    const round = this.#round!;
    const sdp = this.#heard(round, () => round.tongue.hearDescription(signal.sdp));
    if (sdp !== undefined) this.#inTurn(round, () => this.#describe(round, signal.kind, sdp));
  }

  onCandidates(signal: ServerEvents["candidates"]): void {
    if (!this.#admits(signal.epoch, () => this.onCandidates(signal))) return;
    const round = this.#round!;
    const candidates = signal.candidates.slice(Math.max(0, round.heard - signal.from));
    round.heard = Math.max(round.heard, signal.from + signal.candidates.length);
    const fresh = this.#heard(round, () => candidates.map((candidate) => round.tongue.hearCandidate(candidate)));
    if (!fresh) return;
    this.#inTurn(round, async () => {
      for (const candidate of fresh) {
        if (round.hasRemote) await this.#add(round, candidate);
        else if (round.early.length < CANDIDATES_MAX) round.early.push(candidate);
      }
    });
  }

  /** The other is gone for a moment: nothing can be agreed on until they are back. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused || this.isConnected || !(this.#round || this.#starting)) return;
    this.#watchOver();
    if (this.#isBroken) this.#restart();
  }

  /** This machine's network is another one now: the path is looked for again before it is missed. */
  moved(): void {
    clearTimeout(this.#movedTimer);
    this.#movedTimer = setTimeout(() => this.#restart(), MOVED_MS);
  }

  /** A server that was restarted may count its epochs anew. */
  rebase(epoch: number): void {
    if (epoch >= this.#epoch) return;
    this.#epoch = epoch;
    this.#starting = 0;
  }

  /** The seat is elsewhere: no media here, until `begin`. */
  reset(): void {
    clearTimeout(this.#watch);
    clearTimeout(this.#failedTimer);
    clearTimeout(this.#silentTimer);
    clearTimeout(this.#movedTimer);
    clearTimeout(this.#staleTimer);
    this.#shut(this.#previous);
    this.#shut(this.#round);
    this.#previous = this.#round = undefined;
    this.#starting = 0;
    this.#early = [];
  }

  close(): void {
    if (this.#closed) return;
    this.reset();
    this.#closed = true;
    this.#offMedia();
  }

  /** Whether a signal is for the present round. One of a later epoch begins it; one that is early for it waits. */
  #admits(epoch: number, again: () => void): boolean {
    if (this.#closed || epoch < this.#epoch) return false;
    if (epoch > this.#epoch) this.begin(epoch);
    if (this.#round?.epoch === epoch) return true;
    if (this.#starting === epoch) this.#early.push(again);
    return false;
  }

  #open(epoch: number, iceServers: RTCIceServer[]): void {
    const replaced = this.#round;
    if (replaced && replaced.pc.connectionState === "connected") {
      this.#shut(this.#previous);
      this.#previous = replaced;
    } else {
      this.#shut(replaced);
    }
    const pc = this.#port.createPeerConnection({ iceServers });
    const round: Round = {
      epoch, pc, tongue: new Tongue(this.#port.compact, this.#isPlain), isOver: false,
      stream: new MediaStream(), group: new MediaStream(), hasRemote: false, described: false, early: [], heard: 0,
      out: { next: 0, queue: [], done: false, doneSent: false, first: true, timer: undefined },
      channel: undefined, senders: { audio: undefined, video: undefined }, turn: Promise.resolve(), again: undefined,
    };
    this.#round = round;
    pc.onicecandidate = ({ candidate }) => this.#gather(round, candidate);
    pc.onnegotiationneeded = () => this.#offer(round);
    pc.ontrack = ({ track }) => {
      round.stream.addTrack(track);
      // The old picture stays until the new path carries one.
      if (!this.#previous) this.#port.onStream(round.stream);
    };
    pc.onconnectionstatechange = () => this.#onState(round);
    this.#openChannel(round);
    // The one who waits places tracks into what the offer brings; placing them now would be an offer of its own.
    if (this.#initiator) this.#placeTracks();
  }

  #onState(round: Round): void {
    if (round !== this.#round) return;
    const state = round.pc.connectionState;
    clearTimeout(this.#failedTimer);
    clearTimeout(this.#silentTimer);
    if (state === "connected") {
      this.#tries = 0;
      clearTimeout(this.#watch);
      this.#shut(this.#previous);
      this.#previous = undefined;
      this.#port.onStream(round.stream);
    } else if (state === "disconnected") {
      const patience = this.#initiator ? SILENT_INITIATOR_MS : SILENT_OTHER_MS;
      this.#silentTimer = setTimeout(() => this.#restart(), patience);
    } else if (state === "failed") {
      const patience = this.#initiator ? FAILED_INITIATOR_MS : FAILED_OTHER_MS;
      this.#failedTimer = setTimeout(() => this.#giveUp(round.epoch), patience);
    }
    this.#port.onState(state);
  }

  get #isBroken(): boolean {
    const state = this.#round?.pc.connectionState;
    return state === "disconnected" || state === "failed";
  }

  /** Looks for a path anew within the epoch, once the two have begun to agree on one; what still carries plays on. */
  #restart(): void {
    const round = this.#round;
    if (!round?.hasRemote || round.isOver || this.#paused) return;
    round.pc.restartIce();
    if (!this.isConnected) this.#watchOver();
  }

  #watchOver(): void {
    clearTimeout(this.#watch);
    const epoch = this.#epoch;
    // Both watch; the one who did not start is later, so that one of them asks and not both.
    const patience = PATIENCE_MS * 1.5 ** Math.min(this.#tries, 6) * (this.#initiator ? 1 : 1.4);
    this.#watch = setTimeout(() => this.#giveUp(epoch), patience);
  }

  #giveUp(epoch: number): void {
    if (this.#closed || epoch !== this.#epoch || this.isConnected || this.#paused) return;
    this.#tries += 1;
    this.#port.askRenegotiate();
    this.#watchOver();
  }

  /** Own tracks into the connection: at its start, after the first offer, and whenever they change. */
  #placeTracks(): void {
    const round = this.#round;
    if (!round || this.#closed) return;
    if (!this.#initiator && !round.hasRemote) return;
    this.#place(round, "audio", this.#media.audio);
    this.#place(round, "video", this.#media.video);
    this.#tellSending(round);
  }

  #place(round: Round, kind: "audio" | "video", track: MediaStreamTrack | null): void {
    const direction: RTCRtpTransceiverDirection = track ? "sendrecv" : "recvonly";
    const known = round.senders[kind] ?? round.pc.getTransceivers().find((it) => it.receiver.track.kind === kind);
    if (!known) {
      round.senders[kind] = round.pc.addTransceiver(track ?? kind, { direction, streams: [round.group] });
      return;
    }
    if (!round.senders[kind] && track) known.sender.setStreams?.(round.group);
    round.senders[kind] = known;
    if (known.sender.track !== track) void known.sender.replaceTrack(track).catch(() => undefined);
    // A picture that pauses keeps its direction: it comes back without a new description.
    if (track && known.direction !== "sendrecv") known.direction = "sendrecv";
  }

  #offer(round: Round): void {
    if (!this.#initiator && !round.hasRemote) return;
    this.#inTurn(round, async () => {
      if (round.pc.signalingState === "stable") await this.#describeSelf(round);
    });
  }

  async #describe(round: Round, kind: "offer" | "answer", sdp: string): Promise<void> {
    const { pc } = round;
    if (kind === "answer" && pc.signalingState !== "have-local-offer") return;
    // Turns are taken one after the other, so an offer of ours that is under way shows in the state alone.
    if (kind === "offer" && pc.signalingState !== "stable" && this.#initiator) return;
    // The polite side's own offer is rolled back by this, without a word.
    await pc.setRemoteDescription({ type: kind, sdp });
    round.hasRemote = true;
    if (kind === "offer") {
      // In a silence it is the other's restart, and one is enough.
      clearTimeout(this.#silentTimer);
      this.#placeTracks();
      await this.#describeSelf(round);
    }
    const early = round.early;
    round.early = [];
    for (const candidate of early) await this.#add(round, candidate);
  }

  /** Makes an offer, or the answer that is due. What is gathered meanwhile may belong to it, and waits. */
  async #describeSelf(round: Round): Promise<void> {
    const wasDescribed = round.described;
    round.described = false;
    try {
      await round.pc.setLocalDescription();
    } catch (error) {
      round.described = wasDescribed;
      throw error;
    }
    const description = round.pc.localDescription;
    if (!description || round !== this.#round) return;
    if (description.type !== "offer" && description.type !== "answer") return;
    this.#deliver(round, "description", { epoch: round.epoch, kind: description.type, sdp: round.tongue.sayDescription(description.sdp) });
    round.described = true;
    this.#flush(round);
  }

  #gather(round: Round, candidate: RTCIceCandidate | null): void {
    if (round !== this.#round) return;
    const { out } = round;
    if (candidate === null) out.done = true;
    else if (candidate.candidate === "") return;
    else {
      out.done = out.doneSent = false;
      if (out.next + out.queue.length >= CANDIDATES_MAX) return;
      const wire: Candidate = { candidate: candidate.candidate };
      if (candidate.sdpMid !== null) wire.mid = candidate.sdpMid;
      if (candidate.sdpMLineIndex !== null) wire.line = candidate.sdpMLineIndex;
      out.queue.push(wire);
    }
    if (out.first || out.done || out.queue.length >= BATCH_MAX) this.#flush(round);
    else out.timer ??= setTimeout(() => this.#flush(round), BATCH_MS);
  }

  #flush(round: Round): void {
    const { out } = round;
    clearTimeout(out.timer);
    out.timer = undefined;
    if (!round.described || round !== this.#round) return;
    while (out.queue.length > 0 || (out.done && !out.doneSent)) {
      const candidates = out.queue.splice(0, BATCH_MAX).map((candidate) => round.tongue.sayCandidate(candidate));
      const done = out.done && out.queue.length === 0;
      const signal: Signal<"candidates"> = { epoch: round.epoch, from: out.next, candidates };
      if (done) signal.done = out.doneSent = true;
      out.next += candidates.length;
      out.first = false;
      this.#deliver(round, "candidates", signal);
    }
  }

  #deliver<C extends "description" | "candidates">(round: Round, t: C, signal: Signal<C>): void {
    this.#port.send(t, signal).then(
      ({ stale }) => {
        if (!stale || round !== this.#round) return;
        // Mostly the news of the next epoch is on its way already.
        clearTimeout(this.#staleTimer);
        this.#staleTimer = setTimeout(() => {
          if (!this.#closed && round === this.#round) this.#port.askEpoch();
        }, STALE_MS);
      },
      // A refused signal is missing in a row of others, so the row is begun again: soon where it was only too fast, else
      // when the watch sees that no connection comes about.
      ({ code, retryAfterMs }: { code?: string; retryAfterMs?: number }) => {
        if (retryAfterMs !== undefined) return this.#beginAgain(round, retryAfterMs);
        if (code !== "bad_message" || !round.tongue.hasSpoken || round !== this.#round) return;
        // They do not read what is compact: the rest of the call is said in plain words.
        this.#isPlain = true;
        this.#beginAgain(round, 0);
      },
    );
  }

  /** What was said to us; if it cannot be read, the two begin again. */
  #heard<T>(round: Round, hear: () => T): T | undefined {
    if (round.isOver) return undefined;
    try {
      return hear();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#beginAgain(round, UNREADABLE_MS * this.#tries);
      this.#tries += 1;
      return undefined;
    }
  }

  /** Its row of signals has a gap, so whether it is connected or not: a new epoch. */
  #beginAgain(round: Round, afterMs: number): void {
    if (round.isOver || round !== this.#round) return;
    round.isOver = true;
    round.again = setTimeout(() => {
      // The other side, or the server, may have been faster.
      if (round.epoch === this.#epoch) this.#port.askRenegotiate();
    }, afterMs);
  }

  async #add(round: Round, candidate: Candidate): Promise<void> {
    try {
      await round.pc.addIceCandidate({
        candidate: candidate.candidate,
        sdpMid: candidate.mid ?? null,
        sdpMLineIndex: candidate.line ?? null,
      });
    } catch {
      // One of an offer that we ignored, or one that this browser cannot read: the others are enough.
    }
  }

  /** A small channel agreed on beforehand tells whether sound and picture are meant to be there. */
  #openChannel(round: Round): void {
    const channel = round.pc.createDataChannel(STATE_CHANNEL, { negotiated: true, id: 0 });
    round.channel = channel;
    channel.onopen = () => this.#tellSending(round);
    channel.onmessage = ({ data }) => {
      if (round !== this.#round) return;
      try {
        const sending = JSON.parse(String(data)) as Partial<Sending>;
        this.#port.onPeerSending({ sound: sending.sound === true, picture: sending.picture === true });
      } catch {
        // Not ours.
      }
    };
  }

  #tellSending(round: Round): void {
    if (round.channel?.readyState !== "open") return;
    round.channel.send(JSON.stringify(this.#media.sending));
  }

  #inTurn(round: Round, act: () => Promise<void>): void {
    round.turn = round.turn.then(async () => {
      if (this.#closed || round !== this.#round) return;
      try {
        await act();
      } catch {
        // A description that cannot be set ends in no connection, and the watch asks for a new epoch.
      }
    });
  }

  #shut(round: Round | undefined): void {
    if (!round) return;
    clearTimeout(round.out.timer);
    clearTimeout(round.again);
    const { pc } = round;
    pc.onicecandidate = pc.onnegotiationneeded = pc.ontrack = pc.onconnectionstatechange = null;
    pc.close();
  }
}
