/**
 * The lobby as this page wants it and as it is: its name, the window of cards, the ticket.
 *
 * It owns the intents. What a page asked for (a lobby, a window, to be paired) is kept at the server over losses of the
 * link; after a restart of the server it is gone, and is declared again here, by itself, until the page takes it back or
 * the server ends it (`left`, a call).
 */

import { DuologueError } from "./errors.js";
import type { Host } from "./host.js";
import type { Ringing } from "./invites.js";
import type { Invites } from "./invites.js";
import type { Answer, Card, Filter, PairId, PairedFields, ServerEvents, ServerViews, Snapshot, Ticket, UserId } from "./wire.js";
import { WindowView, type Shown } from "./window.js";

interface Wants {
  lobby?: string | undefined;
  window?: { size?: number; filter?: Filter } | undefined;
  ticket?: { filter?: Filter; confirm?: boolean } | undefined;
}

export class Lobby {
  readonly #host: Host;
  readonly #invites: Invites;
  readonly #window = new WindowView();
  #wants: Wants = {};
  /** Wishes on their way: they are sent again by their number, so they need no second saying. */
  readonly #underWay = new Set<keyof Wants>();
  #name: string | null = null;
  #ticket: Ticket | null = null;
  #pair: PairedFields | null = null;
  #asksWindow = false;
  /** Counts what was taken back: nothing older than that is said again. */
  #takenBack = 0;

  constructor(host: Host, invites: Invites) {
    this.#host = host;
    this.#invites = invites;
  }

  /** The lobby one is in, or `null`. */
  get name(): string | null {
    return this.#name;
  }

  /** Cards by place; a place without one is empty, and a card stays in its place. */
  get places(): ReadonlyMap<number, Shown> {
    return this.#window.places;
  }

  /** How many are here and free, oneself included. */
  get available(): number {
    return this.#window.available;
  }

  get windowVersion(): number {
    return this.#window.version;
  }

  /** Whether this page looks at the lobby. It may be in it without: a person has one lobby, and each of their pages a window. */
  get isWatching(): boolean {
    return this.#wants.window !== undefined;
  }

  /** The wish to be paired, while one waits. */
  get ticket(): Ticket | null {
    return this.#ticket;
  }

  /** Somebody found, to be confirmed by both. */
  get pair(): PairedFields | null {
    return this.#pair;
  }

  find(user: UserId): Shown | undefined {
    return this.#window.find(user);
  }

  async join(lobby = "main"): Promise<void> {
    this.#wants.lobby = lobby;
    await this.#declare("lobby", async () => {
      this.#name = (await this.#host.command("join", { lobby })).lobby;
    });
  }

  async leave(): Promise<void> {
    this.#takenBack += 1;
    this.#wants = {};
    await this.#host.command("leave", {});
    this.#gone();
  }

  /** Opens the window, or another in its place. */
  async watch(options: { size?: number; filter?: Filter } = {}): Promise<void> {
    this.#wants.window = options;
    await this.#declare("window", async () => {
      await this.#host.command("window", options);
    });
  }

  async unwatch(): Promise<void> {
    this.#takenBack += 1;
    this.#wants.window = undefined;
    await this.#host.command("window_close", {});
    this.#window.clear();
    this.#host.changed();
  }

  /** More cards, at random, nobody twice before everybody was seen. */
  reel(limit: number, options: { filter?: Filter; restart?: boolean } = {}): Promise<Answer<"reel">> {
    return this.#host.command("reel", { limit, ...options });
  }

  /** Waits to be paired with somebody; a call starts by itself, or after both confirmed. */
  async meet(options: { filter?: Filter; confirm?: boolean } = {}): Promise<{ since: number }> {
    this.#wants.ticket = options;
    const answer = await this.#declare("ticket", () => this.#host.command("pair", options));
    if (this.#wants.ticket) this.#ticket = { since: answer.since, ...options };
    this.#host.changed();
    return answer;
  }

  async stopMeeting(): Promise<void> {
    this.#takenBack += 1;
    this.#wants.ticket = undefined;
    await this.#host.command("unpair", {});
    this.#ticket = this.#pair = null;
    this.#host.changed();
  }

  async confirm(pair: PairId): Promise<void> {
    await this.#host.command("confirm", { pair });
  }

  invite(to: UserId | Card, options: { seconds: number }): Promise<Ringing> {
    return this.#invites.invite(typeof to === "string" ? (this.find(to)?.card ?? to) : to, options);
  }

  onSnapshot(state: Snapshot, isNewPage: boolean): void {
    if (isNewPage) {
      // What the page before the reload wanted is wanted still.
      if (state.lobby !== null) this.#wants.lobby ??= state.lobby;
      if (state.window !== null) this.#wants.window ??= { size: state.window };
      if (state.ticket) this.#wants.ticket ??= ticketWish(state.ticket);
    }
    this.#name = state.lobby;
    this.#ticket = state.ticket;
    this.#pair = state.pair;
    if (state.call) this.#wants.ticket = undefined;
    const { lobby, window, ticket } = this.#wants;
    const isSettled = (wish: keyof Wants): boolean => !this.#underWay.has(wish);
    if (lobby !== undefined && state.lobby === null && isSettled("lobby")) this.#again(() => this.join(lobby));
    if (window && state.window === null && isSettled("window")) this.#again(() => this.watch(window));
    if (ticket && !state.ticket && !state.pair && !state.call && isSettled("ticket")) this.#again(() => this.meet(ticket));
    this.#host.changed();
  }

  onWindow(view: ServerViews["window"]): void {
    this.#asksWindow = false;
    this.#window.onWindow(view);
    this.#host.tell("window", this);
    this.#host.changed();
  }

  onDelta(delta: ServerViews["window_delta"]): void {
    const step = this.#window.onDelta(delta);
    if (step === "changed") {
      this.#host.tell("window", this);
      this.#host.changed();
    } else if (step === "gap" && !this.#asksWindow) {
      this.#asksWindow = true;
      this.#again(() => this.watch(this.#wants.window ?? { size: this.#window.size }));
    }
  }

  onLeft(left: ServerEvents["left"]): void {
    this.#takenBack += 1;
    this.#wants = {};
    this.#gone();
    this.#host.tell("left", left);
  }

  onPaired(pair: PairedFields): void {
    this.#pair = pair;
    this.#host.tell("paired", pair);
    this.#host.changed();
  }

  onPairEnded(ended: ServerEvents["pair_ended"]): void {
    this.#pair = null;
    if (!ended.waiting) {
      this.#ticket = null;
      this.#wants.ticket = undefined;
    }
    this.#host.tell("pair_ended", ended);
    this.#host.changed();
  }

  onCallStarted(): void {
    this.#wants.ticket = undefined;
    this.#ticket = this.#pair = null;
  }

  #gone(): void {
    this.#name = null;
    this.#ticket = this.#pair = null;
    this.#window.clear();
    this.#host.tell("window", this);
    this.#host.changed();
  }

  /** A wish that the server refuses is none any more; one that it could not hear of stays. */
  async #declare<T>(wish: keyof Wants, act: () => Promise<T>): Promise<T> {
    const wanted = this.#wants[wish];
    this.#underWay.add(wish);
    try {
      // Answered, but how is forgotten: these commands may be said twice.
      const answer = await act().catch((error: unknown) => {
        if (error instanceof DuologueError && error.code === "answered") return act();
        throw error;
      });
      this.#host.changed();
      return answer;
    } catch (error) {
      const isRefused = error instanceof DuologueError && error.code !== "superseded" && error.code !== "closed";
      if (isRefused && this.#wants[wish] === wanted) this.#wants[wish] = undefined;
      throw error;
    } finally {
      this.#underWay.delete(wish);
    }
  }

  /** Said again by ourselves: nobody waits for the answer, and "not just now" is asked once more. */
  #again(act: () => Promise<unknown>): void {
    const takenBack = this.#takenBack;
    act().catch((error: unknown) => {
      this.#asksWindow = false;
      if (error instanceof DuologueError && error.retryAfterMs !== undefined) {
        setTimeout(() => takenBack === this.#takenBack && this.#again(act), error.retryAfterMs);
      }
      this.#host.changed();
    });
  }
}

function ticketWish({ filter, confirm }: Ticket): { filter?: Filter; confirm?: boolean } {
  return { ...(filter ? { filter } : {}), ...(confirm ? { confirm } : {}) };
}
