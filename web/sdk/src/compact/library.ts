/**
 * What both ends know beforehand: templates of lines, skeletons (which lines follow each other in a whole description),
 * templates of candidates, and the priorities that candidates have. Two ends understand each other only with the same one,
 * so it has a version.
 */

import { LIBRARY } from "./library-text.js";
import { PAYLOAD, VALUE } from "./line.js";

export interface Place {
  skeleton: number;
  line: number;
}

export class Library {
  readonly version: number;
  readonly lines: readonly string[];
  readonly skeletons: readonly (readonly number[])[];
  readonly candidates: readonly string[];
  readonly priorities: readonly string[];
  /** All templates, in UTF-8, a line each. */
  readonly text: Uint8Array;
  readonly #ids = new Map<string, number>();
  /** What follows a line anywhere, with the first place where it does, in the order of the skeletons. */
  readonly #follows: { id: number; place: Place }[][];
  readonly #first: Place[] = [];
  /** The last place in `text` behind three bytes. */
  readonly #behind = new Map<number, number>();

  constructor(written: string) {
    const all = written.split("\n");
    this.version = versionOf(written);
    let at = 1;
    const part = (): string[] => {
      const count = Number(all[at]!.split(" ")[1]);
      at += count + 1;
      return all.slice(at - count, at);
    };
    const marked = (line: string): string => line.replaceAll("«", VALUE).replaceAll("»", PAYLOAD);
    this.lines = part().map(marked);
    this.skeletons = part().map(runs);
    this.candidates = part().map(marked);
    this.priorities = part();
    this.lines.forEach((line, id) => this.#ids.set(line, id));
    this.#follows = this.lines.map(() => []);
    this.skeletons.forEach((lines, skeleton) => {
      lines.forEach((id, line) => {
        this.#first[id] ??= { skeleton, line };
        const follows = this.#follows[lines[line - 1] ?? -1];
        if (follows && !follows.some((follow) => follow.id === id)) follows.push({ id, place: { skeleton, line } });
      });
    });
    this.text = new TextEncoder().encode([...this.lines, ...this.candidates].map((line) => `${line}\n`).join(""));
    for (let place = 3; place <= this.text.length; place += 1) {
      this.#behind.set(keyOf(this.text[place - 3]!, this.text[place - 2]!, this.text[place - 1]!), place);
    }
  }

  id(line: string): number | undefined {
    return this.#ids.get(line);
  }

  follows(line: string): readonly { id: number; place: Place }[] {
    const id = this.id(line);
    return id === undefined ? [] : this.#follows[id]!;
  }

  first(id: number): Place {
    return this.#first[id] ?? { skeleton: 0, line: 0 };
  }

  behind(one: number, two: number, three: number): number | undefined {
    return this.#behind.get(keyOf(one, two, three));
  }
}

function versionOf(written: string): number {
  return Number(written.slice(0, written.indexOf("\n")).split(" ")[3]);
}

const keyOf = (one: number, two: number, three: number): number => (one << 16) | (two << 8) | three;

const runs = (text: string): number[] =>
  text.split(" ").flatMap((run) => {
    const [from, to] = run.split("-").map(Number) as [number, number?];
    return Array.from({ length: (to ?? from) - from + 1 }, (_, more) => from + more);
  });

/** Of the one that this version of the SDK speaks, as `hello.sdp` says it. */
export const VERSION = versionOf(LIBRARY);

let known: Library | undefined;

/** The one that this version of the SDK speaks; made when it is first needed. */
export const builtIn = (): Library => (known ??= new Library(LIBRARY));
