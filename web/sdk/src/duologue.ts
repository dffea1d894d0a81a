/**
 * Duologue for a page: one object that connects, stays connected, and tells what happens.
 *
 * It owns the parts (link, commands, invites, lobby, call) and routes messages between them; each part owns its own
 * matter. It promises that after any loss, reload or restart of the server the page's state is the server's again
 * without the page doing anything: what the server forgot is declared again, and a call that this page carried is
 * carried on.
 */

import { Call } from "./call.js";
import { ServerClock } from "./clock.js";
import { CommandBook } from "./commands.js";
import { VERSION } from "./compact/library.js";
import { Driver, type CreateSocket, type SocketLike } from "./driver.js";
import { Emitter } from "./emitter.js";
import { CLOSINGS, DuologueError } from "./errors.js";
import type { DuologueEvents } from "./events.js";
import type { FormName } from "./form.js";
import type { Host } from "./host.js";
import { Api, httpUrl, socketUrl } from "./http.js";
import { Invites } from "./invites.js";
import { Link, type LinkOutput, type LinkStatus } from "./link.js";
import { Lobby } from "./lobby.js";
import { LocalMedia } from "./media.js";
import { Memory, pageStorage, type StorageLike } from "./memory.js";
import type {
  AnswerMessage, AnyMessage, Answer, CallFacts, CallId, Card, CommandName, Fields, NotificationId, Rule, ServerEvents,
  ServerViews, Snapshot, UserId, Welcome,
} from "./wire.js";

export interface ConnectOptions {
  /** Where the server is: `https://host`, `wss://host/v1/ws` or the like. */
  url: string;
  /** Of a guest account or of your own backend. */
  token: string;
  /** What lasts over a reload; the page's session storage unless told otherwise, `null` for none. */
  storage?: StorageLike | null;
  /** One key for each link that a page has; there is seldom more than one. */
  storageKey?: string;
  /**
   * How messages travel. JSON over a WebSocket and postcard over WebTransport unless told otherwise; over one link it stays
   * what it was first.
   */
  form?: FormName;
  /** A WebSocket unless told otherwise; `openCarrier` takes WebTransport where it can be had. */
  createSocket?: CreateSocket;
  createPeerConnection?: (configuration: RTCConfiguration) => RTCPeerConnection;
  /** Whether descriptions travel in few bytes where the other side reads that too; `true` unless told otherwise. */
  compact?: boolean;
  random?: () => number;
}

/** So long the end of a call that this page ended waits for what the server says of it; the call itself is over before. */
const TOLD_MS = 1_000;
/** Where a refusal does not say when to ask again. */
const AGAIN_MS = 2_000;
/** What the server answers where there is nothing to hang up any more. */
const OVER = ["unknown_call", "not_member", "answered"];

export class Duologue extends Emitter<DuologueEvents> {
  readonly lobby: Lobby;
  readonly invites: Invites;
  /** What is sent of this person in calls. */
  readonly media = new LocalMedia();
  /** The server's clock. */
  readonly clock = new ServerClock();
  /** The same user over HTTP. */
  readonly api: Api;
  /** Resolves with the first welcome; rejects if there never will be one. */
  readonly ready: Promise<Duologue>;

  readonly #memory: Memory;
  readonly #link: Link;
  readonly #driver: Driver;
  readonly #commands: CommandBook;
  readonly #base: string;
  readonly #asHost: Host;
  #settle!: { resolve: (duo: Duologue) => void; reject: (error: DuologueError) => void };
  #me: Card = { user: "" };
  #mediaBase = "";
  #graceMs = 10_000;
  #unread: unknown = null;
  #status: LinkStatus = "connecting";
  #call: Call | null = null;
  /** Ended here, and not told so far. */
  #untold: { call: Call; late: ReturnType<typeof setTimeout> } | null = null;
  #isNewPage = true;
  #changeTold = true;

  /** Connects, and answers when the server has greeted. */
  static connect(options: ConnectOptions): Promise<Duologue> {
    return Duologue.open(options).ready;
  }

  /** The same without waiting: for a page that wants to show the way there. */
  static open(options: ConnectOptions): Duologue {
    const duo = new Duologue(options);
    duo.start();
    return duo;
  }

  private constructor(options: ConnectOptions) {
    super();
    this.#base = httpUrl(options.url);
    this.api = new Api(this.#base, options.token);
    this.#memory = new Memory(options.storage === null ? undefined : (options.storage ?? pageStorage()), options.storageKey ?? "duologue");
    const compact = options.compact ?? true;
    this.#link = new Link(options.token, this.#memory, this.clock, compact ? VERSION : 0, options.random);
    this.#commands = new CommandBook((message) => this.#link.send(message));
    const create = options.createSocket ?? ((url, protocol) => new WebSocket(url, protocol) as unknown as SocketLike);
    const sockets = { create, form: options.form };
    this.#driver = new Driver(this.#link, socketUrl(options.url), sockets, {
      up: (output) => this.#onUp(output),
      slept: () => this.clock.distrust(),
      moved: () => this.#call?.onNetworkChanged(),
    });
    const host = (this.#asHost = this.#host(options.createPeerConnection ?? ((configuration) => new RTCPeerConnection(configuration)), compact));
    this.invites = new Invites(host);
    this.lobby = new Lobby(host, this.invites);
    this.ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.ready.catch(() => undefined);
  }

  /** Connects again after `closed`; a page that was taken over comes back as a new one. */
  start(): void {
    this.#driver.start();
  }

  /** Goes for good: out of the lobby, out of a call. A page that is merely closed does not call this. */
  leave(): void {
    this.#driver.leave();
    this.#memory.forget();
  }

  /** One's own card. */
  get me(): Card {
    return this.#me;
  }

  get call(): Call | null {
    return this.#call;
  }

  get linkStatus(): LinkStatus {
    return this.#status;
  }

  /** How long the server hides a loss of the link from others. */
  get graceMs(): number {
    return this.#graceMs;
  }

  /** Notifications that wait, as the server counts them. */
  get unread(): unknown {
    return this.#unread;
  }

  /** The address of a picture or a video that a card refers to. */
  mediaUrl(reference: string | undefined): string | undefined {
    if (!reference) return undefined;
    try {
      return new URL(reference, new URL(this.#mediaBase || "/media/", `${this.#base}/`)).href;
    } catch {
      return undefined;
    }
  }

  /** Any command of the protocol, numbered and sent until it is answered. */
  async command<C extends CommandName>(t: C, fields: Fields<C>): Promise<Answer<C>> {
    const answer = this.#commands.submit(t, fields);
    this.#driver.drain();
    return (await answer) as unknown as Answer<C>;
  }

  async report(user: UserId, options: { reason: string; call?: CallId }): Promise<void> {
    await this.command("report", { user, ...options });
  }

  async block(user: UserId): Promise<void> {
    await this.command("block", { user });
  }

  async unblock(user: UserId): Promise<void> {
    await this.command("unblock", { user });
  }

  /** Changes one's own card; `null` clears a field. */
  async profile(change: Fields<"profile">): Promise<Card> {
    this.#me = (await this.command("profile", change)).user;
    this.#changed();
    return this.#me;
  }

  /** One's own picture: as `api.putSelfie` takes it, or `null` for none. Others see it on the card. */
  async setSelfie(picture: Blob | null): Promise<Card> {
    if (picture === null) return this.profile({ selfie: null });
    this.#me = (await this.api.putSelfie(picture)).user;
    this.#changed();
    return this.#me;
  }

  /** Why one cannot call somebody, rule by rule. */
  async explain(user: UserId): Promise<Rule[]> {
    return (await this.command("explain", { user })).rules;
  }

  introduce(target: UserId): Promise<{ code: string; expires: number }> {
    return this.command("introduce", { target });
  }

  redeem(code: string): Promise<{ uses_left?: number }> {
    return this.command("redeem", { code });
  }

  async read(notification: NotificationId): Promise<void> {
    await this.command("read", { notification });
  }

  #host(createPeerConnection: (configuration: RTCConfiguration) => RTCPeerConnection, compact: boolean): Host {
    const duo = this;
    return {
      get me() {
        return duo.#me;
      },
      clock: this.clock,
      memory: this.#memory,
      media: this.media,
      compact,
      command: (t, fields) => this.command(t, fields),
      tell: (name, value) => this.emit(name, value),
      endHere: (call, why, say) => this.#endHere(call, why, say),
      changed: () => this.#changed(),
      createPeerConnection,
    };
  }

  #onUp(output: Exclude<LinkOutput, { do: string }>): void {
    switch (output.up) {
      case "status":
        this.#status = output.status;
        if (output.status !== "open") {
          this.#commands.onLost();
          this.#tellEnd();
        }
        this.emit("link", { status: output.status, retryAt: output.retryAt });
        this.#changed();
        break;
      case "welcome":
        this.#onWelcome(output.welcome);
        break;
      case "message":
        this.#onMessage(output.message);
        break;
      case "ended":
        this.#onEnded(output.ended.code, output.ended.why);
        break;
    }
  }

  #onWelcome(welcome: Welcome): void {
    this.#me = welcome.user;
    this.#mediaBase = welcome.media_base;
    this.#graceMs = welcome.grace_ms;
    this.#unread = welcome.state.unread;
    this.#commands.onWelcome(welcome.last_id);
    const isNewPage = this.#isNewPage;
    this.#isNewPage = false;
    // With everything missed about to follow, the snapshot would be ahead of the events that lead to it.
    if (isNewPage || !welcome.recovered) this.#onSnapshot(welcome.state, isNewPage && welcome.recovered, isNewPage);
    this.emit("welcome", welcome);
    this.#settle.resolve(this);
    this.#changed();
  }

  #onSnapshot(state: Snapshot, isReload: boolean, isNewPage: boolean): void {
    // The seat is remembered from before: what follows may forget it.
    const seat = this.#memory.kept.seat;
    this.invites.onSnapshot(state);
    this.#onSnapshotCall(state.call, seat, isReload, isNewPage);
    this.lobby.onSnapshot(state, isNewPage);
  }

  #onSnapshotCall(facts: CallFacts | null, seat: CallId | undefined, isReload: boolean, isNewPage: boolean): void {
    const known = this.#call;
    if (known && known.id !== facts?.call) this.#onCallEnded({ call: known.id, why: "lost", seconds: this.#secondsOf(known) });
    if (facts && this.#isHungUp(facts.call)) {
      // Where the page is a new one, the command went with the old one.
      if (isNewPage) void this.#hangUp(facts.call).catch(() => undefined);
      return;
    }
    if (this.#memory.kept.hungUp !== undefined) this.#memory.keep({ hungUp: undefined });
    if (!facts) {
      this.#memory.keep({ seat: undefined, ice: undefined });
      return;
    }
    const hadSeat = !facts.here && seat === facts.call;
    const call = this.#call ?? this.#newCall(facts);
    // Media needs no server: what this page carries plays on while it asks for its seat again.
    if (known === call) call.onFacts(hadSeat ? { ...facts, here: true } : facts);
    if (!facts.here) {
      if (hadSeat) call.rejoin().catch(() => call.onMoved());
    } else if (isReload) {
      // The seat is ours still, but the peer connection went with the page.
      void call.renegotiate();
    } else {
      call.expectRenegotiation();
    }
  }

  #onMessage(message: AnyMessage): void {
    switch (message.t) {
      case "ok":
      case "no":
        this.#commands.onAnswer(message as unknown as AnswerMessage);
        break;
      case "window":
        this.lobby.onWindow(message as unknown as ServerViews["window"]);
        this.#link.windowVersion = this.lobby.windowVersion;
        break;
      case "window_delta":
        this.lobby.onDelta(message as unknown as ServerViews["window_delta"]);
        this.#link.windowVersion = this.lobby.windowVersion;
        break;
      case "presence":
        this.emit("presence", message as unknown as ServerViews["presence"]);
        break;
      default:
        this.#onEvent(message.t, message);
    }
  }

  #onEvent(t: string, message: AnyMessage): void {
    const it = message as unknown as never;
    switch (t) {
      case "rang":
        return this.invites.onRang(it);
      case "invite_extended":
        return this.invites.onExtended(it);
      case "invite_ended":
        return this.invites.onEnded(it);
      case "paired":
        return this.lobby.onPaired(it);
      case "pair_ended":
        return this.lobby.onPairEnded(it);
      case "left":
        return this.lobby.onLeft(it);
      case "call_started":
        return this.#onCallStarted(it);
      case "call_ended":
        return this.#onCallEnded(it);
      case "notified":
        this.emit("notified", it);
        return this.#changed();
    }
    const call = this.#call;
    if (!call || (message as { call?: unknown }).call !== call.id) return;
    if (t === "call_moved") call.onMoved();
    else call.onMessage(message);
    if (t === "call_moved" || t === "extend_asked" || t === "call_extended" || t === "peer_link" || t === "chat" || t === "shared") {
      this.emit(t, it);
    }
  }

  #onCallStarted(facts: CallFacts): void {
    if (this.#isHungUp(facts.call)) return;
    // A replay may tell of a start that a snapshot knew already, or of a later epoch of the same call.
    if (this.#call && this.#call.id === facts.call) this.#call.onFacts(facts);
    else {
      if (this.#call) this.#onCallEnded({ call: this.#call.id, why: "lost", seconds: 0 });
      this.#newCall(facts);
    }
    if (facts.here) this.#call?.begin(facts.epoch);
  }

  #newCall(facts: CallFacts): Call {
    const call = new Call(this.#asHost, facts);
    this.#call = call;
    this.lobby.onCallStarted();
    this.emit("call_started", call);
    this.#changed();
    return call;
  }

  #onCallEnded(ended: ServerEvents["call_ended"]): void {
    const call = this.#call?.id === ended.call ? this.#call : null;
    if (call) {
      call.onEnded(ended);
      this.#call = null;
    } else if (this.#isHungUp(ended.call)) {
      this.#memory.keep({ hungUp: undefined });
      return this.#tellEnd(ended);
    }
    this.emit("call_ended", { ...ended, peer: call?.peer });
    this.#changed();
  }

  /** The server may be out of reach for long, and nobody is to be heard and seen until then. */
  async #endHere(call: Call, why: "hang_up" | "blocked", say: () => Promise<unknown>): Promise<void> {
    const isOurs = this.#call === call;
    if (isOurs) {
      this.#tellEnd();
      this.#memory.keep({ hungUp: call.id });
      call.onEnded({ call: call.id, why, seconds: this.#secondsOf(call) });
      this.#call = null;
      this.#untold = { call, late: setTimeout(() => this.#tellEnd(), TOLD_MS) };
      if (this.#status !== "open") this.#tellEnd();
      this.#changed();
    }
    if (why === "hang_up") return this.#hangUp(call.id, say);
    try {
      await say();
    } catch (error) {
      // Not blocked, but over all the same.
      if (isOurs) void this.#hangUp(call.id).catch(() => undefined);
      throw error;
    }
  }

  /** Until the server has heard of it. */
  async #hangUp(call: CallId, say: () => Promise<unknown> = () => this.command("hang_up", { call })): Promise<void> {
    for (;;) {
      try {
        await say();
        return;
      } catch (error) {
        if (!(error instanceof DuologueError) || error.code in CLOSINGS || error.code === "closed") throw error;
        if (OVER.includes(error.code)) return;
        await new Promise((go) => setTimeout(go, error.retryAfterMs ?? AGAIN_MS));
      }
    }
  }

  #isHungUp(call: CallId): boolean {
    return this.#memory.kept.hungUp === call;
  }

  /** Tells of a call that this page ended, once: with what the server says, or with what is known here. */
  #tellEnd(said?: ServerEvents["call_ended"]): void {
    const untold = this.#untold;
    if (!untold) return;
    this.#untold = null;
    clearTimeout(untold.late);
    const { call } = untold;
    this.emit("call_ended", { ...(said?.call === call.id ? said : call.ended!), peer: call.peer });
    this.#changed();
  }

  #secondsOf(call: Call): number {
    return Math.max(0, Math.floor((Math.min(call.deadline, this.clock.now()) - call.started) / 1000));
  }

  #onEnded(code: string, why: string | undefined): void {
    const error = new DuologueError(code, why === undefined ? {} : { why });
    this.#commands.fail(code);
    this.#tellEnd();
    this.invites.clear();
    // Whoever took this page over carries the call now; nobody here may hold its media.
    this.#call?.abandon();
    this.#call = null;
    this.#isNewPage = true;
    this.#settle.reject(error);
    this.emit("closed", error);
    this.#changed();
  }

  /** Many changes in one turn are one for the listener. */
  #changed(): void {
    if (!this.#changeTold) return;
    this.#changeTold = false;
    queueMicrotask(() => {
      this.#changeTold = true;
      this.emit("change", undefined);
    });
  }
}
