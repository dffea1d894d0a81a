/**
 * Rings, in and out: who rings whom, for how long, until when.
 *
 * It owns the open invites of this user. Whoever ends an invite has only the answer to that command; everybody else is
 * told. An answer may come after the end that it does not know of (it was sent again after a resume), so ends are
 * remembered for a while.
 */

import type { Host } from "./host.js";
import type { Card, InviteId, InviteState, ServerEvents, Snapshot, UserId } from "./wire.js";

const ENDED_KEPT = 64;
/** So long after its end by the clock the server has said so, or never will. */
const OVERDUE_MS = 4_000;

/** What an invite led to: it rings, or it crossed another and is a call already. */
export type Ringing = { invite: InviteId; expires: number } | { call: number };

export class Invites {
  readonly #host: Host;
  readonly #open = new Map<InviteId, InviteState>();
  readonly #ended: InviteId[] = [];
  readonly #overdue = new Map<InviteId, ReturnType<typeof setTimeout>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Who rings us, the first one first. */
  get incoming(): InviteState[] {
    return [...this.#open.values()].filter((it) => it.from);
  }

  /** Whom we ring. */
  get outgoing(): InviteState[] {
    return [...this.#open.values()].filter((it) => it.to);
  }

  get(invite: InviteId): InviteState | undefined {
    return this.#open.get(invite);
  }

  async invite(to: UserId | Card, options: { seconds: number }): Promise<Ringing> {
    const card: Card = typeof to === "string" ? { user: to } : to;
    const { seconds } = options;
    const answer = await this.#host.command("invite", { to: card.user, seconds });
    if (answer.invite === undefined) return { call: answer.call ?? 0 };
    const ringing = { invite: answer.invite, expires: answer.expires ?? 0 };
    if (!this.#ended.includes(ringing.invite)) this.#put({ ...ringing, to: card, seconds });
    return ringing;
  }

  async accept(invite: InviteId, options: { seconds: number }): Promise<{ call: number }> {
    const { call } = await this.#host.command("accept", { invite, seconds: options.seconds });
    this.#end(invite);
    return { call };
  }

  async decline(invite: InviteId): Promise<{ cooldown_until?: number }> {
    const answer = await this.#host.command("decline", { invite });
    this.#end(invite);
    return answer;
  }

  async rescind(invite: InviteId): Promise<{ cooldown_until?: number }> {
    const answer = await this.#host.command("rescind", { invite });
    this.#end(invite);
    return answer;
  }

  /** Rings a while longer. */
  async extend(invite: InviteId): Promise<{ expires: number }> {
    const { expires } = await this.#host.command("extend_invite", { invite });
    this.onExtended({ invite, expires });
    return { expires };
  }

  onRang(rang: ServerEvents["rang"]): void {
    if (this.#ended.includes(rang.invite)) return;
    this.#put({ invite: rang.invite, from: rang.from, seconds: rang.seconds, expires: rang.expires });
    this.#host.tell("rang", rang);
  }

  onExtended({ invite, expires }: ServerEvents["invite_extended"]): void {
    const known = this.#open.get(invite);
    if (!known) return;
    this.#put({ ...known, expires });
    this.#host.tell("invite_extended", { invite, expires });
  }

  onEnded(ended: ServerEvents["invite_ended"]): void {
    const known = this.#open.has(ended.invite);
    // Told before it is forgotten, so that a listener can still look up with whom it was.
    if (known || !this.#ended.includes(ended.invite)) this.#host.tell("invite_ended", ended);
    this.#end(ended.invite);
  }

  /** The snapshot is all there is. */
  onSnapshot({ invites }: Snapshot): void {
    const there = new Set(invites.map((it) => it.invite));
    for (const invite of [...this.#open.keys()]) if (!there.has(invite)) this.onEnded({ invite, why: "lost" });
    for (const it of invites) {
      if (it.from && !this.#open.has(it.invite)) {
        this.onRang({ invite: it.invite, from: it.from, seconds: it.seconds, expires: it.expires });
      } else {
        this.#put(it);
      }
    }
  }

  clear(): void {
    for (const invite of [...this.#open.keys()]) this.#end(invite);
  }

  #put(state: InviteState): void {
    this.#open.set(state.invite, state);
    clearTimeout(this.#overdue.get(state.invite));
    const wait = Math.max(0, state.expires - this.#host.clock.now()) + OVERDUE_MS;
    this.#overdue.set(
      state.invite,
      setTimeout(() => this.onEnded({ invite: state.invite, why: "lost" }), Math.min(wait, 2 ** 31 - 1)),
    );
    this.#host.changed();
  }

  #end(invite: InviteId): void {
    clearTimeout(this.#overdue.get(invite));
    this.#overdue.delete(invite);
    this.#open.delete(invite);
    if (!this.#ended.includes(invite)) this.#ended.push(invite);
    if (this.#ended.length > ENDED_KEPT) this.#ended.shift();
    this.#host.changed();
  }
}
