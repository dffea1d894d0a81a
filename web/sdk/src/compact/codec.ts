/**
 * Descriptions and candidates in few bytes, byte for byte the same when they are read again, whatever is in them.
 *
 * A `Codec` is one side's end of one epoch of a call: what it writes must be read by the other end in the same order, each
 * once, as the relay delivers it. If something was lost nevertheless, reading says so by `Unreadable`; the epoch is lost then.
 * Nothing that comes in takes more than `DESCRIPTION_MAX` bytes.
 */

import { deflateSync, inflateSync } from "fflate";
import type { Candidate } from "../wire.js";
import { isShort, Trickle } from "./candidate.js";
import { asItIs, carry, open } from "./carried.js";
import { Reader, Unreadable, Writer } from "./coder.js";
import { Memory, read, remember, write } from "./description.js";
import { textOf } from "./letters.js";
import { builtIn, type Library } from "./library.js";
import { bytesOf } from "./line.js";

export { Unreadable } from "./coder.js";

/** Bytes of a description, in UTF-8, that are written or read. */
export const DESCRIPTION_MAX = 32 * 1024;
/** Bytes of a candidate and of its `mid`, each. */
export const CANDIDATE_MAX = 1024;
/** The first byte of a description that is not told. */
const PLAIN = 0xfe;
const DEFLATED = 0xff;

export class Codec {
  readonly #library: Library;
  readonly #own = new Memory();
  readonly #ownTrickle = new Trickle();
  readonly #peer = new Memory();
  readonly #peerTrickle = new Trickle();

  constructor(library: Library = builtIn()) {
    this.#library = library;
  }

  /** The `sdp` that carries a description to someone with the same library. */
  carryDescription(text: string): string {
    const bytes = bytesOf(text);
    if (bytes > DESCRIPTION_MAX || !isWellFormed(text)) return asItIs(text);
    const isShorter = (length: number): boolean => Math.floor(((length + 3) * 4) / 3) < bytes;
    const told = write(this.#library, this.#own, this.#peer, text, DESCRIPTION_MAX);
    if (told && isShorter(told.bytes.length)) {
      this.#own.keep(told.done);
      return carry(this.#library.version, told.bytes);
    }
    remember(this.#library, this.#own, text, DESCRIPTION_MAX);
    const deflated = deflateSync(new TextEncoder().encode(text), { level: 6 });
    return isShorter(deflated.length) ? carry(this.#library.version, Uint8Array.of(DEFLATED, ...deflated)) : asItIs(text);
  }

  /** The description that an `sdp` carries. */
  openDescription(sdp: string): string {
    const carried = open(sdp, this.#library.version);
    if (typeof carried === "string") return this.#plain(carried);
    switch (carried[0]) {
      case PLAIN:
        return this.#plain(textOf(carried.subarray(1)));
      case DEFLATED:
        return this.#plain(textOf(inflate(carried.subarray(1))));
      default:
        return read(this.#library, this.#peer, this.#own, carried, DESCRIPTION_MAX);
    }
  }

  /** The candidate that carries one to someone with the same library: its `mid` and `line` are in its text. */
  carryCandidate(candidate: Candidate): Candidate {
    const isTold = isShort(candidate, CANDIDATE_MAX) && isWellFormed(candidate.candidate + (candidate.mid ?? ""));
    if (!isTold) return { ...candidate, candidate: asItIs(candidate.candidate) };
    const writer = new Writer();
    this.#ownTrickle.candidate(writer, this.#library, this.#own, candidate, CANDIDATE_MAX);
    return { candidate: carry(this.#library.version, writer.finish()) };
  }

  /** The candidate that one carries. */
  openCandidate(carried: Candidate): Candidate {
    const opened = open(carried.candidate, this.#library.version);
    if (typeof opened === "string") return { ...carried, candidate: opened };
    const nothing = { candidate: "" };
    return this.#peerTrickle.candidate(new Reader(opened), this.#library, this.#peer, nothing, CANDIDATE_MAX);
  }

  #plain(text: string): string {
    if (bytesOf(text) > DESCRIPTION_MAX) throw new Unreadable();
    remember(this.#library, this.#peer, text, DESCRIPTION_MAX);
    return text;
  }
}

/** Whether it can be said in UTF-8: there is no half of a surrogate pair. */
const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text);

/** Beyond its end, the buffer takes nothing: one byte more than allowed says that there was more. */
const inflate = (bytes: Uint8Array): Uint8Array => {
  const out = new Uint8Array(DESCRIPTION_MAX + 1);
  try {
    const inflated = inflateSync(bytes, { out });
    if (inflated.length <= DESCRIPTION_MAX) return inflated;
  } catch {
    // Not deflated.
  }
  throw new Unreadable();
};
