/**
 * How descriptions and candidates are said in one epoch of a call: compactly (SIG 5) where the other side reads that, else
 * as they are.
 *
 * Everything compact rests on what was said before in its epoch, so there is one of these for each epoch: what it says must
 * be sent, and what it hears must have been heard, once and in order. Whoever hears a plain description before they spoke
 * answers in plain words.
 */

import { asItIs } from "./compact/carried.js";
import { Codec } from "./compact/codec.js";
import type { Candidate } from "./wire.js";

export class Tongue {
  /** `null`: this side speaks plainly only, and so is spoken to. */
  readonly #codec: Codec | null;
  #isPlain: boolean;
  #hasSpoken = false;

  /** `speaks`: whether this side does at all (`hello.sdp`); `isPlain`: the other side is known not to read it. */
  constructor(speaks: boolean, isPlain: boolean) {
    this.#codec = speaks ? new Codec() : null;
    this.#isPlain = isPlain;
  }

  /** Whether something compact was said, so that a refusal may mean that the other side does not read it. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  sayDescription(sdp: string): string {
    if (!this.#codec) return sdp;
    if (this.#isPlain) return asItIs(sdp);
    this.#hasSpoken = true;
    return this.#codec.carryDescription(sdp);
  }

  sayCandidate(candidate: Candidate): Candidate {
    if (!this.#codec) return candidate;
    if (this.#isPlain) return { ...candidate, candidate: asItIs(candidate.candidate) };
    return this.#codec.carryCandidate(candidate);
  }

  /** Throws `Unreadable`. */
  hearDescription(sdp: string): string {
    if (!this.#codec) return sdp;
    const text = this.#codec.openDescription(sdp);
    if (!this.#hasSpoken && !sdp.startsWith("~")) this.#isPlain = true;
    return text;
  }

  /** Throws `Unreadable`. */
  hearCandidate(candidate: Candidate): Candidate {
    return this.#codec ? this.#codec.openCandidate(candidate) : candidate;
  }
}
