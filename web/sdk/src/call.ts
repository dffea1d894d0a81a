/**
 * One call as this page knows it: with whom, until when, what was said, and the media between the two.
 *
 * It owns the facts that the server told of the call and the negotiation of its media, which exists only while this page
 * has the seat (`here`). Deadlines are on the server's clock. After the end it stays readable and does nothing more.
 */

import { DuologueError } from "./errors.js";
import type { Host } from "./host.js";
import type { Sending } from "./media.js";
import { Negotiation, type NegotiationPort } from "./negotiation.js";
import { PathQuality, readStats, type Weakness } from "./quality.js";
import type { AnyMessage, CallFacts, CallId, Card, PeerLink, ServerEvents, UserId } from "./wire.js";

const STATS_MS = 2_500;
/** The server renegotiates by itself after a lost replay; if it has not after so long, we ask. */
const NUDGE_MS = 3_000;
const ICE_WAIT_MS = 4_000;

export interface ChatLine {
  from: UserId;
  text: string;
  at: number;
  mine: boolean;
  /** The server does not have it yet. */
  sending?: boolean;
}

export class Call {
  readonly id: CallId;
  readonly peer: Card;
  readonly started: number;
  readonly seconds: number;
  readonly initiator: boolean;
  /** The chat since this page knows the call, oldest first. */
  readonly messages: ChatLine[] = [];

  readonly #host: Host;
  readonly #negotiation: Negotiation;
  readonly #quality = new PathQuality();
  #deadline: number;
  #here: boolean;
  #extensionsLeft: number | undefined;
  #peerLink: PeerLink | null = null;
  #asked: { seconds: number; until: number } | null = null;
  #askedByUs: { seconds: number; until: number } | null = null;
  #contacts: Record<string, string> | null = null;
  #stream: MediaStream | null = null;
  #peerSending: Sending | null = null;
  #mediaState: RTCPeerConnectionState = "new";
  /** The path has broken, and no other has been found since. */
  #isSilent = false;
  #end: ServerEvents["call_ended"] | null = null;
  #statsTimer: ReturnType<typeof setInterval> | undefined;
  #nudge: ReturnType<typeof setTimeout> | undefined;

  constructor(host: Host, facts: CallFacts) {
    this.#host = host;
    this.id = facts.call;
    this.peer = facts.peer;
    this.started = facts.started;
    this.seconds = facts.seconds;
    this.initiator = facts.initiator;
    this.#deadline = facts.deadline;
    this.#here = facts.here;
    this.#extensionsLeft = facts.extensions_left;
    this.#peerLink = facts.peer_link ?? null;
    this.#negotiation = new Negotiation(facts.initiator, facts.epoch, host.media, this.#port());
    if (facts.here) this.#sit();
    this.#negotiation.pause(this.#peerLink !== null);
  }

  /** When it ends, in server time. */
  get deadline(): number {
    return this.#deadline;
  }

  /** How long it still lasts, in milliseconds, by the server's clock. */
  get remainingMs(): number {
    return Math.max(0, this.#deadline - this.#host.clock.now());
  }

  /** Whether this page carries the call; if not, another page or device of this user does. */
  get here(): boolean {
    return this.#here;
  }

  get extensionsLeft(): number | undefined {
    return this.#extensionsLeft;
  }

  /** The other lost the link, and until when they may come back; `null` while all is well. */
  get peerLink(): PeerLink | null {
    return this.#peerLink;
  }

  /** The other would like more time. */
  get asked(): { seconds: number; until: number } | null {
    return this.#asked && this.#asked.until > this.#host.clock.now() ? this.#asked : null;
  }

  /** We asked for more time, and they have not said yes so far. */
  get asking(): { seconds: number; until: number } | null {
    return this.#askedByUs && this.#askedByUs.until > this.#host.clock.now() ? this.#askedByUs : null;
  }

  /** What the other shared, once both have. */
  get contacts(): Record<string, string> | null {
    return this.#contacts;
  }

  /** What to play: sound and picture of the other. */
  get stream(): MediaStream | null {
    return this.#stream;
  }

  /** Whether the other means to be heard and seen; `null` before they have said so. */
  get peerSending(): Sending | null {
    return this.#peerSending;
  }

  get mediaState(): RTCPeerConnectionState {
    return this.#mediaState;
  }

  get isWeak(): boolean {
    return this.#isSilent || this.#quality.isWeak;
  }

  /** In which way the path is weak; `null` while it is well. */
  get weakness(): Weakness | null {
    return this.#isSilent ? "silence" : this.#quality.weakness;
  }

  /** How it ended, or `null`. */
  get ended(): ServerEvents["call_ended"] | null {
    return this.#end;
  }

  get epoch(): number {
    return this.#negotiation.epoch;
  }

  /** For tests and for those who want its statistics. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#negotiation.peerConnection;
  }

  /** It stands among the `messages` at once, and is gone from there again if it is refused. */
  async chat(text: string): Promise<ChatLine> {
    const line: ChatLine = { from: this.#host.me.user, text, at: this.#host.clock.now(), mine: true, sending: true };
    this.messages.push(line);
    this.#host.changed();
    try {
      line.at = (await this.#host.command("chat", { call: this.id, text })).at;
      delete line.sending;
    } catch (error) {
      const place = this.messages.indexOf(line);
      if (place >= 0) this.messages.splice(place, 1);
      throw error;
    } finally {
      this.#host.changed();
    }
    return line;
  }

  /** Asks for more time, or agrees to it; both must. */
  async extend(seconds: number): Promise<{ deadline: number }> {
    const before = this.#deadline;
    const answer = await this.#host.command("extend_call", { call: this.id, seconds });
    if (answer.deadline > before) {
      this.#deadline = answer.deadline;
      this.#asked = this.#askedByUs = null;
    } else if (this.#deadline === before) {
      this.#askedByUs = { seconds, until: this.#host.clock.now() + 30_000 };
    }
    this.#host.changed();
    return answer;
  }

  /** Contact details; the other sees them only if they share theirs too. */
  async share(contacts: Record<string, string>): Promise<void> {
    await this.#host.command("share", { call: this.id, contacts });
  }

  /** Over at once for this page; answers when the server has heard of it. */
  hangUp(): Promise<void> {
    return this.#host.endHere(this, "hang_up", () => this.#host.command("hang_up", { call: this.id }));
  }

  /** Carries the call on in this page; whichever had it loses it. */
  async rejoin(): Promise<void> {
    await this.#host.command("rejoin", { call: this.id });
  }

  /** Ends the call, at once, and the two do not meet again. */
  report(reason: string): Promise<void> {
    return this.#host.endHere(this, "blocked", () => this.#host.command("report", { user: this.peer.user, reason, call: this.id }));
  }

  /** The same without a reason. */
  block(): Promise<void> {
    return this.#host.endHere(this, "blocked", () => this.#host.command("block", { user: this.peer.user }));
  }

  /** The server told of this call again. */
  onFacts(facts: CallFacts): void {
    this.#deadline = facts.deadline;
    if (facts.extensions_left !== undefined) this.#extensionsLeft = facts.extensions_left;
    if (facts.peer_link !== undefined) this.#setPeerLink(facts.peer_link);
    this.#here = facts.here;
    this.#negotiation.rebase(facts.epoch);
    if (facts.here) this.#sit();
    else this.#stand();
    this.#host.changed();
  }

  /** Starts the media under this epoch. */
  begin(epoch: number): void {
    if (!this.#here || this.#end) return;
    clearTimeout(this.#nudge);
    this.#negotiation.begin(epoch);
  }

  /** Asks for a new epoch at once: this page is new, and knows nothing of the present one. */
  async renegotiate(): Promise<void> {
    try {
      const { epoch } = await this.#host.command("renegotiate", { call: this.id });
      this.begin(epoch);
    } catch (error) {
      if (error instanceof DuologueError && error.retryAfterMs !== undefined) {
        this.#nudgeIn(error.retryAfterMs, () => true);
      }
    }
  }

  /** This machine's network is another one now. */
  onNetworkChanged(): void {
    this.#negotiation.moved();
  }

  /** The replay was lost; a new epoch should come by itself. */
  expectRenegotiation(): void {
    this.#nudgeIn(NUDGE_MS, () => !this.#negotiation.isConnected);
  }

  onMoved(): void {
    this.#here = false;
    this.#stand();
    this.#host.changed();
  }

  /** The page lets go of it without an end: it goes on elsewhere. */
  abandon(): void {
    this.onMoved();
    this.#negotiation.close();
  }

  onMessage(message: AnyMessage): void {
    if (this.#end) return;
    const it = message as unknown as ServerEvents[keyof ServerEvents];
    switch (message.t) {
      case "description":
        if (this.#here) this.#negotiation.onDescription(it as ServerEvents["description"]);
        break;
      case "candidates":
        if (this.#here) this.#negotiation.onCandidates(it as ServerEvents["candidates"]);
        break;
      case "renegotiate":
        this.begin((it as ServerEvents["renegotiate"]).epoch);
        break;
      case "chat":
        this.#onChat(it as ServerEvents["chat"]);
        break;
      case "extend_asked": {
        const { seconds, until } = it as ServerEvents["extend_asked"];
        this.#asked = { seconds, until };
        break;
      }
      case "call_extended": {
        const extended = it as ServerEvents["call_extended"];
        this.#deadline = extended.deadline;
        this.#extensionsLeft = extended.extensions_left;
        this.#asked = this.#askedByUs = null;
        break;
      }
      case "peer_link": {
        const { state, until } = it as ServerEvents["peer_link"];
        this.#setPeerLink(state === "back" ? null : { state, ...(until === undefined ? {} : { until }) });
        break;
      }
      case "shared":
        this.#contacts = (it as ServerEvents["shared"]).contacts;
        break;
    }
    this.#host.changed();
  }

  onEnded(end: ServerEvents["call_ended"]): void {
    if (this.#end) return;
    this.#end = end;
    this.#here = false;
    this.#stand();
    this.#negotiation.close();
  }

  #onChat({ from, text, at }: ServerEvents["chat"]): void {
    const mine = from === this.#host.me.user;
    // A page that keeps lines over a reload may hear one again in the replay.
    if (this.messages.some((it) => it.at === at && it.from === from && it.text === text)) return;
    this.messages.push({ from, text, at, mine });
  }

  #setPeerLink(link: PeerLink | null): void {
    this.#peerLink = link?.state === "reconnecting" ? link : null;
    this.#negotiation.pause(this.#peerLink !== null);
  }

  #sit(): void {
    this.#host.memory.keep({ seat: this.id });
    this.#statsTimer ??= setInterval(() => void this.#readStats(), STATS_MS);
  }

  #stand(): void {
    if (this.#host.memory.kept.seat === this.id) this.#host.memory.keep({ seat: undefined, ice: undefined });
    clearInterval(this.#statsTimer);
    clearTimeout(this.#nudge);
    this.#statsTimer = undefined;
    this.#negotiation.reset();
    this.#stream = null;
    this.#peerSending = null;
  }

  #nudgeIn(ms: number, isWanted: () => boolean): void {
    clearTimeout(this.#nudge);
    const epoch = this.epoch;
    this.#nudge = setTimeout(() => {
      if (this.#here && !this.#end && this.epoch === epoch && isWanted()) void this.renegotiate();
    }, ms);
  }

  async #readStats(): Promise<void> {
    const pc = this.peerConnection;
    if (!pc || pc.connectionState !== "connected") return;
    if (this.#quality.judge(readStats(await pc.getStats()))) this.#host.changed();
  }

  #port(): NegotiationPort {
    return {
      compact: this.#host.compact,
      send: (t, signal) => this.#host.command(t, { call: this.id, ...signal } as never),
      askRenegotiate: () => void this.renegotiate(),
      askEpoch: () => void this.rejoin().catch(() => undefined),
      iceServers: () => this.#iceServers(),
      createPeerConnection: (configuration) => {
        this.#quality.restart();
        return this.#host.createPeerConnection(configuration);
      },
      onStream: (stream) => {
        this.#stream = stream;
        this.#host.changed();
      },
      onState: (state) => {
        this.#mediaState = state;
        if (state === "disconnected" || state === "failed") this.#isSilent = true;
        else if (state === "connected") this.#isSilent = false;
        this.#host.changed();
      },
      onPeerSending: (sending) => {
        this.#peerSending = sending;
        this.#host.changed();
      },
    };
  }

  /** A call has them three times a member, so a reload uses those it had. Without any, direct paths must do. */
  async #iceServers(): Promise<RTCIceServer[]> {
    const kept = this.#host.memory.kept.ice;
    if (kept?.call === this.id && kept.expires > this.#host.clock.now()) return kept.servers;
    const asked = this.#host.command("ice_servers", { call: this.id }).then(
      ({ servers, expires }) => {
        this.#host.memory.keep({ ice: { call: this.id, servers, expires } });
        return servers;
      },
      () => [],
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<RTCIceServer[]>((resolve) => (timer = setTimeout(() => resolve([]), ICE_WAIT_MS)));
    const servers = await Promise.race([asked, late]);
    clearTimeout(timer);
    return servers;
  }
}
