/**
 * A whole description: a skeleton that resembles it (of the library, of this side's earlier ones, of the other side's),
 * walked through line by line. Nearly every line is as the skeleton says; where one is not, lines are left out or put in,
 * found by what follows elsewhere, by number, or spelt. The values of a line follow it.
 */

import { Kinds } from "./candidate.js";
import { Chance, chances, type Coder, Reader, Small, Unreadable, Writer } from "./coder.js";
import { Letters } from "./letters.js";
import type { Library, Place } from "./library.js";
import { bytesOf, PAYLOAD, Said, VALUE, type Value } from "./line.js";
import { type Media, mediaOf, Payloads } from "./media.js";
import { type About, Before, Recent, Values } from "./value.js";

/** The chance of being told, of 65,536: the first bytes from 0xfa on are left for what is not. */
const IS_TOLD = 0xfa00;
const CANDIDATE = "a=candidate:";
/** Said where a description has all candidates. */
const END_OF_CANDIDATES = "a=end-of-candidates";
/** How many descriptions a side remembers of each side. */
const SHEETS = 6;
/** A text in which more lines are not as the skeleton says is not worth telling so. */
const MISSES = 256;
/** How many candidates. */
const CANDIDATES = 128;

/** A description as it is remembered. */
interface Sheet {
  templates: readonly string[];
  said: Said;
  version: number | undefined;
  /** By section. */
  payloads: readonly (readonly number[])[];
}

/** A candidate as it stands in a description. */
interface Known {
  section: number;
  ufrag: string;
  line: string;
}

/** What a description leaves behind. */
interface Done {
  text: string;
  sheet: Sheet;
  recent: Recent;
  candidates: readonly Known[];
}

/** What one side has said in this call. */
export class Memory {
  /** The newest first. */
  #sheets: Sheet[] = [];
  #count = 0;
  #candidates: Known[] = [];
  #text = "";
  recent = new Recent();

  get isEmpty(): boolean {
    return this.#count === 0 && this.#candidates.length === 0;
  }

  /** How many descriptions there ever were. */
  get count(): number {
    return this.#count;
  }

  get sheets(): readonly Sheet[] {
    return this.#sheets;
  }

  get newest(): Sheet | undefined {
    return this.#sheets[0];
  }

  note(known: Known): void {
    const isKnown = this.#candidates.some(
      (one) => one.section === known.section && one.ufrag === known.ufrag && one.line === known.line,
    );
    if (this.#candidates.length < CANDIDATES && !isKnown) this.#candidates.push(known);
  }

  /** The candidates of a section under the newest name, as they would stand in a description. */
  run(section: number): string[] {
    const ufrag = this.#candidates.at(-1)?.ufrag;
    return this.#candidates.filter((known) => known.section === section && known.ufrag === ufrag).map(({ line }) => line);
  }

  before(): Before {
    return new Before(this.#sheets.map(({ said }) => said), this.newest?.version);
  }

  /** Remembers a description, however it was carried. */
  keep(done: Done): void {
    if (this.#text === done.text) return;
    this.#text = done.text;
    this.recent = done.recent;
    for (const known of done.candidates) this.note(known);
    this.#sheets = [done.sheet, ...this.#sheets].slice(0, SHEETS);
    this.#count += 1;
  }
}

/** Where the skeleton comes from; of those of the call, the newest is 0. */
interface Source {
  from: "library" | "own" | "peer";
  number: number;
}

/** A line of the text to be written. */
interface Line {
  text: string;
  template: string;
  values: readonly Value[];
}

/** A writer's choice: so many lines of the skeleton are left out; it goes on with the line that did not match; it goes on at
 * the place in the library where this line was found. */
interface Way {
  skip: number;
  stays: boolean;
  jumps: boolean;
}

const STRAIGHT: Way = { skip: 0, stays: false, jumps: false };

/** Writes a text; `undefined` if it cannot be told this way. */
export const write = (library: Library, own: Memory, peer: Memory, text: string, most: number): { bytes: Uint8Array; done: Done } | undefined => {
  const lines = takeApart(text);
  if (!lines) return undefined;
  let best: { bytes: Uint8Array; done: Done } | undefined;
  for (const source of sources(library, own, peer, lines)) {
    const writer = new Writer();
    const walk = new Walk(library, own, peer, source, most, lines);
    if (!attempt(() => walk.whole(writer, text)) || walk.out !== text) continue;
    const bytes = writer.finish();
    if (!best || bytes.length < best.bytes.length) best = { bytes, done: walk.done() };
  }
  return best;
};

/** Reads what `write` has written. Here, `own` is the side that wrote it. */
export const read = (library: Library, own: Memory, peer: Memory, bytes: Uint8Array, most: number): string => {
  const walk = new Walk(library, own, peer, { from: "library", number: 0 }, most, undefined);
  walk.whole(new Reader(bytes), "");
  own.keep(walk.done());
  return walk.out;
};

/** Remembers a text that was carried otherwise, if it can be told in lines. */
export const remember = (library: Library, own: Memory, text: string, most: number): void => {
  const lines = takeApart(text);
  if (!lines) return;
  const walk = new Walk(library, own, new Memory(), { from: "library", number: 0 }, most, lines);
  if (attempt(() => walk.walk(new Writer())) && walk.out === text) own.keep(walk.done());
};

const attempt = (what: () => void): boolean => {
  try {
    what();
    return true;
  } catch (error) {
    if (error instanceof Unreadable) return false;
    throw error;
  }
};

const takeApart = (text: string): Line[] | undefined => {
  if (!text.endsWith("\r\n") || text.includes(VALUE) || text.includes(PAYLOAD)) return undefined;
  const lines = text.slice(0, -2).split("\r\n");
  if (lines.some((line) => line.includes("\r") || line.includes("\n"))) return undefined;
  const said = new Said();
  return lines.map((line) => ({ text: line, ...pick(said.split(line)) }));
};

const pick = ({ template, values }: { template: string; values: Value[] }): { template: string; values: Value[] } => ({ template, values });

/** The skeletons that are worth a try: the newest of this call, and the nearest of the library. */
const sources = (library: Library, own: Memory, peer: Memory, lines: readonly Line[]): Source[] => {
  const ids = new Set(lines.map(({ template }) => library.id(template)));
  const near = library.skeletons.map((skeleton, number) => {
    const common = skeleton.filter((id) => ids.has(id)).length;
    return { distance: skeleton.length + lines.length - 2 * Math.min(common, lines.length), number };
  });
  near.sort((one, other) => one.distance - other.distance || one.number - other.number);
  return [
    ...own.sheets.slice(0, 2).map((_, number) => ({ from: "own" as const, number })),
    ...peer.sheets.slice(0, 2).map((_, number) => ({ from: "peer" as const, number })),
    ...near.slice(0, 3).map(({ number }) => ({ from: "library" as const, number })),
  ];
};

/** A walk through a description. */
class Walk {
  readonly #library: Library;
  readonly #own: Memory;
  readonly #peer: Memory;
  readonly #most: number;
  /** Of a writer. */
  readonly #lines: readonly Line[] | undefined;
  /** How many of the peer's descriptions the writer had seen. */
  #seen: number;
  #source: Source;
  /** The next line of the skeleton. */
  #at = 0;
  /** The next line of the text. */
  #number = 0;
  readonly #said = new Said();
  readonly #about: About;
  readonly #templates: string[] = [];
  #version: number | undefined;
  readonly #candidates: Known[] = [];
  /** Number of `m=` lines so far; whether this section had candidates, just now, and their end. */
  #sections = 0;
  #candidatesSaid = false;
  #directly = false;
  #ended = false;
  #missed = false;
  #misses = 0;
  #bytes = 0;
  #out = "";

  readonly #chances = {
    seen: Small.nearOne(),
    own: new Chance(60_000, 4),
    peer: new Chance(3_000, 4),
    back: new Small(),
    hit: chances([65_200, 60], [40_000, 2]),
    known: chances([200, 8], [50_000, 1], [50_000, 1]),
    candidates: chances([200, 40], [8_000, 4], [8_000, 4], [60_000, 2]),
    ended: chances([30_000, 1], [30_000, 1], [300, 20]),
    skip: new Chance(28_000, 1),
    skipped: new Small(),
    spelt: new Chance(16_000, 1),
    media: new Chance(40_000, 1),
    likelyHead: new Chance(60_000, 2),
    follows: new Chance(40_000, 1),
    rank: new Small(),
    stays: new Chance(28_000, 1),
    jumps: new Chance(28_000, 1),
  };
  readonly #kinds = new Kinds();
  readonly #payloads = new Payloads();
  readonly #values = new Values();
  readonly #letters = new Letters();

  constructor(library: Library, own: Memory, peer: Memory, source: Source, most: number, lines: readonly Line[] | undefined) {
    this.#library = library;
    this.#own = own;
    this.#peer = peer;
    this.#seen = peer.count;
    this.#source = source;
    this.#most = most;
    this.#lines = lines;
    this.#about = { library, before: own.before(), recent: own.recent.copy() };
  }

  get out(): string {
    return this.#out;
  }

  done(): Done {
    const media = this.#templates.filter((template) => template.startsWith("m="));
    const payloads = media.map((template) => mediaOf(template)?.payloads ?? []);
    const sheet = { templates: this.#templates, said: this.#said, version: this.#version, payloads };
    return { text: this.#out, sheet, recent: this.#about.recent, candidates: this.#candidates };
  }

  /** All of it. Whoever has heard nothing needs nothing of the call, and the text no proof that both remember the same. */
  whole(coder: Coder, text: string): void {
    if (!coder.bit(IS_TOLD, true)) throw new Unreadable();
    const isFirst = this.#own.isEmpty && this.#peer.count === 0;
    if (coder.bit(32_768, isFirst)) {
      this.#seen = 0;
      if (!this.#own.isEmpty) throw new Unreadable();
      this.#start(coder);
      this.walk(coder);
      return;
    }
    this.#seen = coder.small(this.#chances.seen, this.#seen);
    this.#start(coder);
    this.walk(coder);
    const is = sum(coder.reads ? this.#out : text);
    if (coder.random(16, is) !== is) throw new Unreadable();
  }

  walk(coder: Coder): void {
    for (;;) {
      this.#knownCandidates(coder);
      this.#eachCandidate(coder);
      if (this.#endOfCandidates(coder)) {
        this.#number += 1;
        continue;
      }
      const template = this.#nextTemplate(coder);
      if (template === undefined) return;
      const line = this.#join(coder, template, this.#ahead(0)?.values ?? []);
      this.#templates.push(template);
      this.#say(line);
      this.#number += 1;
    }
  }

  /** A line of the text to be written, from the next one on. */
  #ahead(more: number): Line | undefined {
    return this.#lines?.[this.#number + more];
  }

  /** Which skeleton. */
  #start(coder: Coder): void {
    const { from, number } = this.#source;
    const numberIf = (one: Source["from"]): number => (from === one ? number : 0);
    if (this.#own.sheets.length > 0 && coder.decide(this.#chances.own, from === "own")) {
      this.#source = { from: "own", number: coder.small(this.#chances.back, numberIf("own")) };
    } else if (this.#seen > 0 && coder.decide(this.#chances.peer, from === "peer")) {
      this.#source = { from: "peer", number: coder.small(this.#chances.back, numberIf("peer")) };
    } else {
      this.#source = { from: "library", number: coder.oneOf(this.#library.skeletons.length, numberIf("library")) };
    }
    if (!this.#skeleton(this.#source)) throw new Unreadable();
  }

  /** How many descriptions of the peer the writer had not seen. */
  get #unseen(): number {
    const unseen = this.#peer.count - this.#seen;
    return unseen < 0 ? Infinity : unseen;
  }

  #skeleton({ from, number }: Source): readonly unknown[] | undefined {
    switch (from) {
      case "library":
        return this.#library.skeletons[number];
      case "own":
        return this.#own.sheets[number]?.templates;
      case "peer":
        return this.#peer.sheets[number + this.#unseen]?.templates;
    }
  }

  /** A line of a skeleton; `undefined` is its end. */
  #lineOf(source: Source, at: number): string | undefined {
    const line = this.#skeleton(source)?.[at];
    return typeof line === "number" ? this.#library.lines[line] : (line as string | undefined);
  }

  #join(coder: Coder, template: string, values: readonly Value[]): string {
    const room = this.#most - this.#bytes - 2;
    if (room < 0) throw new Unreadable();
    let at = 0;
    return this.#said.join(template, room, (role, kind) => {
      const is = values[at]?.text ?? "";
      at += 1;
      const text = this.#values.value(coder, this.#about, this.#said, role, kind, is);
      if (role === "version") this.#version = Number(text);
      return text;
    });
  }

  #say(line: string): void {
    this.#bytes += bytesOf(line) + 2;
    if (this.#bytes > this.#most) throw new Unreadable();
    if (line.startsWith("m=")) {
      this.#sections += 1;
      this.#candidatesSaid = false;
      this.#ended = false;
    }
    this.#out += `${line}\r\n`;
  }

  /** Where candidates stand in most descriptions. */
  get #place(): number {
    const last = this.#templates.at(-1) ?? "";
    return last.startsWith("a=rtcp:") ? 1 : last.startsWith("c=") ? 2 : 0;
  }

  /** The candidates that this side has told of, all together. */
  #knownCandidates(coder: Coder): void {
    if (this.#candidatesSaid || this.#sections === 0) return;
    const run = this.#own.run(this.#sections - 1);
    if (run.length === 0) return;
    const are = run.every((known, at) => this.#ahead(at)?.text === known);
    if (!coder.decide(this.#chances.known[this.#place]!, are)) return;
    this.#candidatesSaid = true;
    this.#directly = true;
    for (const line of run) {
      this.#said.split(line);
      this.#say(line);
    }
    this.#number += run.length;
  }

  /** Candidates one by one. */
  #eachCandidate(coder: Coder): void {
    let place = this.#place;
    while (this.#sections > 0) {
      const next = this.#ahead(0);
      const line = next?.text.startsWith(CANDIDATE) ? next : undefined;
      if (!coder.decide(this.#chances.candidates[place]!, line !== undefined)) return;
      place = 3;
      const kind = this.#kinds.shape(coder, this.#library, line?.template.slice(2) ?? "", this.#most);
      const told = `a=${this.#join(coder, kind, line?.values ?? [])}`;
      const ufrag = this.#said.values("ufrag").at(-1)?.text ?? "";
      this.#say(told);
      this.#candidates.push({ section: this.#sections - 1, ufrag, line: told });
      this.#candidatesSaid = true;
      this.#directly = true;
      this.#number += 1;
    }
  }

  /** Only behind candidates: at once, or behind the direction. */
  #endOfCandidates(coder: Coder): boolean {
    const directly = this.#directly;
    this.#directly = false;
    if (!this.#candidatesSaid || this.#ended) return false;
    const place = directly ? 0 : this.#templates.at(-1)?.startsWith(`a=${VALUE}`) ? 1 : 2;
    this.#ended = coder.decide(this.#chances.ended[place]!, this.#ahead(0)?.text === END_OF_CANDIDATES);
    if (this.#ended) this.#say(END_OF_CANDIDATES);
    return this.#ended;
  }

  /** The template of the next line; `undefined` at the end of the text. */
  #nextTemplate(coder: Coder): string | undefined {
    const is = this.#ahead(0)?.template;
    const likely = this.#lineOf(this.#source, this.#at);
    const missed = this.#missed;
    this.#missed = false;
    if (coder.decide(this.#chances.hit[missed ? 1 : 0]!, is === likely)) {
      this.#at += 1;
      return likely;
    }
    this.#missed = true;
    this.#misses += 1;
    if (this.#misses > MISSES) throw new Unreadable();
    const way = coder.reads ? STRAIGHT : this.#way();
    if (coder.decide(this.#chances.skip, way.skip > 0)) {
      this.#at += coder.small(this.#chances.skipped, Math.max(way.skip - 1, 0)) + 1;
      const template = this.#lineOf(this.#source, this.#at);
      this.#at += 1;
      return template;
    }
    const { template, place } = this.#otherLine(coder, likely ?? "", is ?? "");
    if (coder.decide(this.#chances.stays, way.stays)) return template;
    this.#at += 1;
    if (place && coder.decide(this.#chances.jumps, way.jumps)) {
      this.#source = { from: "library", number: place.skeleton };
      this.#at = place.line + 1;
    }
    return template;
  }

  /** A line that the skeleton does not have here: of the library, with its place there, or spelt. */
  #otherLine(coder: Coder, likely: string, is: string): { template: string; place?: Place } {
    const id = this.#library.id(is);
    if (coder.decide(this.#chances.spelt, id === undefined)) {
      const media = mediaOf(is);
      if (coder.decide(this.#chances.media, media !== undefined)) return { template: this.#media(coder, likely, media) };
      return { template: this.#letters.line(coder, this.#library, likely, is, this.#most) };
    }
    const follows = this.#library.follows(this.#templates.at(-1) ?? "");
    const rank = follows.findIndex((follow) => follow.id === id);
    if (follows.length > 0 && coder.decide(this.#chances.follows, rank >= 0)) {
      const follow = follows[coder.small(this.#chances.rank, Math.max(rank, 0))];
      if (!follow) throw new Unreadable();
      return { template: this.#library.lines[follow.id]!, place: follow.place };
    }
    const one = coder.oneOf(this.#library.lines.length, id ?? 0);
    return { template: this.#library.lines[one]!, place: this.#library.first(one) };
  }

  /** An `m=` line with a list of payload types of its own. */
  #media(coder: Coder, likely: string, is: Media | undefined): string {
    const like = mediaOf(likely) ?? { head: `m=video ${VALUE}Gp UDP/TLS/RTP/SAVPF`, payloads: [] };
    const isHead = coder.decide(this.#chances.likelyHead, (is?.head ?? "") === like.head);
    const head = isHead ? like.head : this.#letters.line(coder, this.#library, like.head, is?.head ?? "", this.#most);
    const ofPeer = this.#peer.sheets[this.#unseen]?.payloads[this.#sections];
    const list = this.#payloads.list(coder, ofPeer ? [ofPeer, like.payloads] : [like.payloads], is?.payloads ?? [], this.#most);
    return [head, ...list].join(" ");
  }

  /** How the writer goes on after a line that the skeleton does not have here: so that the most lines match after it. */
  #way(): Way {
    const first = this.#ahead(0);
    if (!first) return { ...STRAIGHT, skip: (this.#skeleton(this.#source)?.length ?? 0) - this.#at };
    let best = { score: 0, way: STRAIGHT };
    const offer = (score: number, way: Partial<Way>): void => {
      if (score > best.score) best = { score, way: { ...STRAIGHT, ...way } };
    };
    for (let skip = 1; skip <= 100 && this.#lineOf(this.#source, this.#at + skip) !== undefined; skip += 1) {
      const run = this.#run(this.#source, this.#at + skip, 0);
      if (run > 0) offer(run * 4 + 2, { skip });
    }
    offer(this.#run(this.#source, this.#at, 1) * 4 + 1, { stays: true });
    offer(this.#run(this.#source, this.#at + 1, 1) * 4 + 1, {});
    const id = this.#library.id(first.template);
    if (id !== undefined) {
      const follow = this.#library.follows(this.#templates.at(-1) ?? "").find((one) => one.id === id);
      const place = follow?.place ?? this.#library.first(id);
      const run = this.#run({ from: "library", number: place.skeleton }, place.line + 1, 1);
      offer(Math.max(run * 4 - 8, 0), { jumps: true });
    }
    return best.way;
  }

  /** How many lines match from here on. */
  #run(source: Source, at: number, ahead: number): number {
    let run = 0;
    while (run < 32) {
      const line = this.#ahead(ahead + run);
      if (!line || this.#lineOf(source, at + run) !== line.template) break;
      run += 1;
    }
    return run;
  }
}

/** 16 bits that another text is unlikely to have (FNV-1a, folded). */
const sum = (text: string): number => {
  let sum = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x0100_0193) >>> 0;
  return ((sum >>> 16) ^ sum) & 0xffff;
};
