/**
 * When to try again: exponential with full jitter, so that many pages that lost one server do not return as one wave.
 *
 * It owns the count of failures and no clock. A server's own `retry_after_ms` is a lower bound; it is jittered already.
 */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** How long to wait before the next try, in milliseconds. */
  next(retryAfterMs = 0): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return Math.max(retryAfterMs, Math.floor(this.#random() * ceiling));
  }

  /** It worked. */
  reset(): void {
    this.#failures = 0;
  }
}
