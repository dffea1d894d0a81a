/**
 * The link to the server as a state machine without a socket: hello, welcome, resume, acknowledgements, signs of life,
 * and when to come back.
 *
 * Inputs are what happened (`onOpen`, `onMessage`, `onClose`, `onTimer`, `wake`), each with the instant at which it did;
 * outputs are taken with `poll` until there are none; `nextTimer` says when to call `onTimer`. It promises that an event
 * goes up once, however often it is replayed, and that nothing goes up before a welcome. It knows nothing of commands,
 * lobbies or calls, nor in which form messages travel.
 */

import { Backoff } from "./backoff.js";
import type { ServerClock } from "./clock.js";
import { CLOSINGS, closingOf } from "./errors.js";
import type { Memory } from "./memory.js";
import type { AnyMessage, Closing, Welcome } from "./wire.js";

/** The whole way from opening a socket to `welcome`. */
const OPENING_MS = 10_000;
/** Quiet for so long: ask whether anybody is there. Above the server's own ping. */
const QUIET_MS = 30_000;
/** No answer to that for so long: the link is dead. */
const ANSWER_MS = 8_000;
/** After a sleep a dead socket is the rule, so less patience. */
const WAKE_ANSWER_MS = 2_500;
/** A link that held for so long was a good one: the next loss begins with a short wait again. */
const STEADY_MS = 5_000;
/** Acknowledge after so long, or so many events. */
const ACK_MS = 1_000;
const ACK_EVENTS = 16;
/** Any code but 1000 begins the grace; browsers allow 3000 to 4999. */
const DROP_CODE = 4000;

export type LinkStatus = "connecting" | "open" | "reconnecting" | "closed";

export interface Ended {
  code: string;
  why?: string | undefined;
}

export type LinkOutput =
  | { do: "open" }
  | { do: "send"; message: object }
  /** The socket is of no more use; nothing that it still says counts. */
  | { do: "close"; code: number }
  | { up: "welcome"; welcome: Welcome }
  | { up: "message"; message: AnyMessage }
  | { up: "status"; status: LinkStatus; retryAt?: number | undefined }
  | { up: "ended"; ended: Ended };

type State =
  | { is: "idle" }
  | { is: "opening"; until: number }
  | { is: "greeting"; until: number; sent: number }
  | { is: "open" }
  | { is: "waiting"; until: number }
  | { is: "ended" };

export class Link {
  #state: State = { is: "idle" };
  #status: LinkStatus | null = null;
  readonly #outputs: LinkOutput[] = [];
  readonly #backoff: Backoff;
  readonly #memory: Memory;
  readonly #clock: ServerClock;
  readonly #sdp: number;
  #token: string;
  #welcomed = false;
  #seq = 0;
  #windowVersion = 0;
  #acked = 0;
  #ackAt: number | undefined;
  #heard = 0;
  #opened = 0;
  #ping: { sent: number; until: number } | undefined;
  #closing: Closing | undefined;

  /** `sdp`: the version of compact descriptions that the page reads; 0 is none. */
  constructor(token: string, memory: Memory, clock: ServerClock, sdp = 0, random: () => number = Math.random) {
    this.#token = token;
    this.#memory = memory;
    this.#clock = clock;
    this.#sdp = sdp;
    this.#backoff = new Backoff(random);
    this.#seq = memory.kept.resume?.seq ?? 0;
  }

  get isOpen(): boolean {
    return this.#state.is === "open";
  }

  /** The window that the page shows, for the next resume. */
  set windowVersion(version: number) {
    this.#windowVersion = version;
  }

  start(now: number): void {
    if (this.#state.is !== "idle" && this.#state.is !== "ended") return;
    this.#backoff.reset();
    this.#open(now);
  }

  onOpen(now: number): void {
    if (this.#state.is !== "opening") return;
    const { client, resume } = this.#memory.kept;
    const hello: Record<string, unknown> = { t: "hello", token: this.#token, client };
    if (resume) hello.resume = { token: resume.token, seq: this.#seq, window: this.#windowVersion };
    if (this.#sdp > 0) hello.sdp = this.#sdp;
    this.#state = { is: "greeting", until: this.#state.until, sent: now };
    this.#send(hello);
  }

  onMessage(message: AnyMessage, now: number): void {
    this.#heard = now;
    if (message.t === "closing") {
      this.#closing = message as unknown as Closing;
    } else if (message.t === "welcome") {
      this.#onWelcome(message as unknown as Welcome, now);
    } else if (this.#state.is === "open") {
      this.#onOther(message, now);
    }
  }

  onClose(close: number, now: number): void {
    if (this.#state.is === "ended" || this.#state.is === "waiting" || this.#state.is === "idle") return;
    const closing = this.#closing;
    const code = closing?.code ?? closingOf(close);
    const mayReturn = closing?.reconnect ?? (code === null || (CLOSINGS[code]?.reconnect ?? true));
    if (!mayReturn) return this.#end(code ?? "closed", closing?.why);
    this.#wait(now, closing?.retry_after_ms);
  }

  onTimer(now: number): void {
    const state = this.#state;
    if (state.is === "waiting" && now >= state.until) return this.#open(now);
    if ((state.is === "opening" || state.is === "greeting") && now >= state.until) return this.#drop(now);
    if (state.is !== "open") return;
    if (this.#ping && now >= this.#ping.until) {
      if (this.#heard > this.#ping.sent) this.#ping = undefined;
      else return this.#drop(now);
    }
    if (!this.#ping && now >= this.#heard + QUIET_MS) this.measure(now, ANSWER_MS);
    if (this.#ackAt !== undefined && now >= this.#ackAt) this.#ack();
  }

  nextTimer(): number | undefined {
    const state = this.#state;
    if (state.is === "opening" || state.is === "greeting" || state.is === "waiting") return state.until;
    if (state.is !== "open") return undefined;
    return Math.min(this.#ping?.until ?? this.#heard + QUIET_MS, this.#ackAt ?? Infinity);
  }

  /** The machine slept, or the network came back: whatever waits is tried now, whatever seems alive is asked. */
  wake(now: number): void {
    if (this.#state.is === "waiting") return this.#open(now);
    if (this.#state.is === "open" && (!this.#ping || this.#ping.until > now + WAKE_ANSWER_MS)) {
      this.measure(now, WAKE_ANSWER_MS);
    }
  }

  /** Asks for the server's time; also a sign of life that must be answered within `patienceMs`. */
  measure(now: number, patienceMs = ANSWER_MS): void {
    if (this.#state.is !== "open") return;
    this.#ping = { sent: now, until: now + patienceMs };
    this.#send({ t: "ping" });
  }

  /** Sends a message if there is an open link; a command that finds none is sent after the next welcome. */
  send(message: object): void {
    if (this.#state.is === "open") this.#send(message);
  }

  /** Goes for good: no grace, and a call that this page holds ends. */
  leave(): void {
    if (this.#state.is === "ended") return;
    if (this.#state.is !== "idle" && this.#state.is !== "waiting") this.#outputs.push({ do: "close", code: 1000 });
    this.#end("closed", undefined);
  }

  poll(): LinkOutput | undefined {
    return this.#outputs.shift();
  }

  #open(now: number): void {
    this.#closing = undefined;
    this.#state = { is: "opening", until: now + OPENING_MS };
    this.#tell(this.#welcomed ? "reconnecting" : "connecting");
    this.#outputs.push({ do: "open" });
  }

  #onWelcome(welcome: Welcome, now: number): void {
    if (this.#state.is !== "greeting") return;
    this.#clock.sample(welcome.now, this.#state.sent, now);
    this.#state = { is: "open" };
    this.#opened = now;
    this.#ping = undefined;
    this.#welcomed = true;
    if (!welcome.recovered) this.#seq = welcome.seq;
    this.#acked = this.#seq;
    this.#ackAt = undefined;
    this.#memory.keep({ resume: { token: welcome.resume, seq: this.#seq } });
    this.#outputs.push({ up: "welcome", welcome });
    this.#tell("open");
    // The way of a welcome is long (the hello is checked first); a ping gives a better sample of the clock.
    this.measure(now);
  }

  #onOther(message: AnyMessage, now: number): void {
    if (message.t === "pong") {
      if (this.#ping) this.#clock.sample(Number(message.now), this.#ping.sent, now);
      this.#ping = undefined;
      return;
    }
    if (typeof message.seq === "number") {
      if (message.seq <= this.#seq) return;
      this.#seq = message.seq;
      const resume = this.#memory.kept.resume;
      if (resume) this.#memory.keep({ resume: { token: resume.token, seq: this.#seq } });
      this.#ackAt ??= now + ACK_MS;
      if (this.#seq - this.#acked >= ACK_EVENTS) this.#ack();
    }
    this.#outputs.push({ up: "message", message });
  }

  #ack(): void {
    this.#ackAt = undefined;
    if (this.#seq === this.#acked) return;
    this.#acked = this.#seq;
    this.#send({ t: "ack", seq: this.#seq });
  }

  /** The socket says nothing any more; the server is left to its grace, and we come back. */
  #drop(now: number): void {
    this.#outputs.push({ do: "close", code: DROP_CODE });
    this.#wait(now, undefined);
  }

  #wait(now: number, retryAfterMs: number | undefined): void {
    // A welcome alone proves nothing: a server that greets and closes must not be asked twice a second.
    if (this.#state.is === "open" && now >= this.#opened + STEADY_MS) this.#backoff.reset();
    const delay = this.#backoff.next(retryAfterMs);
    this.#state = { is: "waiting", until: now + delay };
    this.#ping = undefined;
    this.#ackAt = undefined;
    this.#tell(this.#welcomed ? "reconnecting" : "connecting", now + delay);
  }

  #end(code: string, why: string | undefined): void {
    this.#state = { is: "ended" };
    // Whoever was taken over shares its client id with the taker (a duplicated tab): the next hello is somebody new.
    if (code === "superseded") {
      this.#memory.renew();
      this.#seq = 0;
      this.#windowVersion = 0;
    }
    this.#tell("closed");
    this.#outputs.push({ up: "ended", ended: { code, why } });
  }

  #send(message: object): void {
    this.#outputs.push({ do: "send", message });
  }

  #tell(status: LinkStatus, retryAt?: number): void {
    if (status === this.#status && retryAt === undefined) return;
    this.#status = status;
    this.#outputs.push({ up: "status", status, retryAt });
  }
}
