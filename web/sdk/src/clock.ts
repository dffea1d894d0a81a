/**
 * The server's time, estimated: deadlines are in server time, and a page's own clock may be wrong by hours.
 *
 * Each sample is an instant of the server between two instants of ours; the truth lies within half of the way there
 * and back. The sample with the shortest way wins; an old one counts as worse with age, because clocks drift.
 * It owns the best sample, and knows no timer.
 */

const DRIFT = 1 / 1000;

export class ServerClock {
  #offset = 0;
  #uncertainty = Infinity;
  #at = 0;
  readonly #local: () => number;

  constructor(local: () => number = Date.now) {
    this.#local = local;
  }

  /** `server` was read by the server between `sent` and `received` of our clock. */
  sample(server: number, sent: number, received: number): void {
    const uncertainty = Math.max(0, received - sent) / 2;
    const aged = this.#uncertainty + Math.max(0, received - this.#at) * DRIFT;
    if (uncertainty > aged) return;
    this.#offset = server - (sent + received) / 2;
    this.#uncertainty = uncertainty;
    this.#at = received;
  }

  /** After a sleep our own clock may have been set anew: the next sample counts, whatever it is. */
  distrust(): void {
    this.#uncertainty = Infinity;
  }

  /** The present instant on the server's clock, in milliseconds since 1970. */
  now(): number {
    return this.#local() + this.#offset;
  }

  /** Server time minus ours, in milliseconds. */
  get offset(): number {
    return this.#offset;
  }
}
