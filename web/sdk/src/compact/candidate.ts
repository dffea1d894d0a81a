/** Candidates as they trickle, one by one; each is told against those before it, and against the description it belongs to. */

import type { Candidate } from "../wire.js";
import { Chance, type Coder, Small, Unreadable } from "./coder.js";
import type { Memory } from "./description.js";
import { Letters, textOf } from "./letters.js";
import type { Library } from "./library.js";
import { bytesOf, PAYLOAD, Said, VALUE } from "./line.js";
import { Before, Values } from "./value.js";

/** How many kinds of candidates a side remembers. */
const KINDS = 32;

/** What is learned of kinds of candidates. */
export class Kinds {
  /** The kinds said, the newest first. */
  #kinds: string[] = [];
  /** What followed which. */
  #next: { one: string; next: string }[] = [];
  readonly #isNext = new Chance(40_000, 1);
  readonly #isKnown = new Chance(32_768, 1);
  readonly #known = new Small();
  readonly #listed = new Chance(62_000, 6);
  readonly #list = new Small();

  /** Which kind of candidate. */
  shape(coder: Coder, library: Library, is: string, most: number): string {
    const before = this.#kinds[0] ?? "";
    const likely = this.#next.find(({ one }) => one === before)?.next;
    const isNext = likely !== undefined && coder.decide(this.#isNext, likely === is);
    const shape = isNext ? likely : this.#other(coder, library, is, most);
    this.#next = [...this.#next.filter(({ one }) => one !== before), { one: before, next: shape }].slice(-KINDS);
    this.#kinds = [shape, ...this.#kinds.filter((kind) => kind !== shape)].slice(0, KINDS);
    return shape;
  }

  #other(coder: Coder, library: Library, is: string, most: number): string {
    const known = this.#kinds.indexOf(is);
    if (this.#kinds.length > 0 && coder.decide(this.#isKnown, known >= 0)) {
      return this.#at(this.#kinds, coder.small(this.#known, Math.max(known, 0)));
    }
    const listed = library.candidates.indexOf(is);
    if (coder.decide(this.#listed, listed >= 0)) {
      return this.#at(library.candidates, coder.small(this.#list, Math.max(listed, 0)));
    }
    return new Letters().line(coder, library, this.#kinds[0] ?? library.candidates[0] ?? "", is, most);
  }

  #at(list: readonly string[], place: number): string {
    const kind = list[place];
    if (kind === undefined) throw new Unreadable();
    return kind;
  }
}

/** What a side's candidates have taught so far. */
export class Trickle {
  readonly #kinds = new Kinds();
  #line = 0;
  readonly #values = new Values();
  readonly #shaped = new Chance(64_000, 20);
  readonly #letters = new Chance(60_000, 8);
  readonly #empty = new Chance(1_500, 8);
  readonly #sameLine = new Chance(58_000, 4);
  readonly #hasLine = new Chance(65_000, 20);
  readonly #lines = new Small();
  readonly #hasMid = new Chance(64_500, 16);
  readonly #isNumber = new Chance(62_000, 6);
  readonly #isNamed = new Chance(60_000, 4);

  /** Writes or reads one, of at most `most` bytes, and so its `mid`. */
  candidate(coder: Coder, library: Library, side: Memory, is: Candidate, most: number): Candidate {
    const line = this.#lineOf(coder, is.line);
    const mid = this.#midOf(coder, library, side, line, is.mid, most);
    const candidate = this.#textOf(coder, library, side, is.candidate, most);
    if (candidate !== "") note(side, line ?? 0, candidate);
    return { candidate, ...(mid === undefined ? {} : { mid }), ...(line === undefined ? {} : { line }) };
  }

  #lineOf(coder: Coder, is: number | undefined): number | undefined {
    if (!coder.decide(this.#hasLine, is !== undefined)) return undefined;
    const line = is ?? 0;
    if (!coder.decide(this.#sameLine, line === this.#line)) {
      const isSmall = coder.bit(65_000, line < 60_000);
      this.#line = isSmall ? coder.small(this.#lines, line) : coder.random(32, line);
    }
    return this.#line;
  }

  #midOf(coder: Coder, library: Library, side: Memory, line: number | undefined, is: string | undefined, most: number): string | undefined {
    if (!coder.decide(this.#hasMid, is !== undefined)) return undefined;
    const mid = is ?? "";
    const number = String(line ?? 0);
    if (coder.decide(this.#isNumber, mid === number)) return number;
    const name = side.newest?.said.values("mid")[line ?? 0]?.text;
    if (name !== undefined && coder.decide(this.#isNamed, name === mid)) return name;
    return this.#spelt(coder, library, mid, most);
  }

  #textOf(coder: Coder, library: Library, side: Memory, is: string, most: number): string {
    if (coder.decide(this.#empty, is === "")) return "";
    const said = new Said();
    if (side.newest) said.follow(side.newest.said, "ufrag");
    const isPlain = ![VALUE, PAYLOAD, "\n"].some((sign) => is.includes(sign));
    if (!coder.decide(this.#shaped, isPlain)) return this.#spelt(coder, library, is, most);
    const again = new Said();
    again.follow(said, "ufrag");
    const { template, values } = coder.reads ? { template: "", values: [] } : again.split(is);
    const shape = this.#kinds.shape(coder, library, template, most * 4);
    const about = { library, before: new Before(), recent: side.recent };
    let at = 0;
    return said.join(shape, most, (role, kind) => {
      const value = values[at]?.text ?? "";
      at += 1;
      return this.#values.value(coder, about, said, role, kind, value);
    });
  }

  /** Letters where there is no line feed among them, else bytes. */
  #spelt(coder: Coder, library: Library, is: string, most: number): string {
    if (coder.decide(this.#letters, !is.includes("\n"))) return new Letters().line(coder, library, "", is, most);
    const bytes = new TextEncoder().encode(is);
    const length = coder.random(16, bytes.length);
    if (length > most) throw new Unreadable();
    return textOf(Uint8Array.from({ length }, (_, at) => coder.random(8, bytes[at] ?? 0)));
  }
}

/** As it would stand in a description. */
const note = (side: Memory, section: number, text: string): void => {
  const kept: string[] = [];
  let ufrag = "";
  const words = text.split(" ");
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] === "ufrag") {
      at += 1;
      ufrag = words[at] ?? "";
    } else {
      kept.push(words[at]!);
    }
  }
  ufrag ||= side.newest?.said.values("ufrag").at(-1)?.text ?? "";
  side.note({ section, ufrag, line: `a=${kept.join(" ")}` });
};

/** Whether a candidate is short enough to be told. */
export const isShort = (candidate: Candidate, most: number): boolean =>
  bytesOf(candidate.candidate) <= most && bytesOf(candidate.mid ?? "") <= most;
