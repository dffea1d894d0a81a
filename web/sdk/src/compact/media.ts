/**
 * The payload types of an `m=` line, told against another list: an answer keeps some of the offer's, a newer browser deals
 * them out a little differently.
 */

import { Chance, chances, type Coder, Unreadable } from "./coder.js";
import { decimal } from "./line.js";

/** The template of an `m=` line: what comes before the list, and the list. */
export interface Media {
  head: string;
  payloads: number[];
}

/** `undefined` where it is no such line. */
export const mediaOf = (template: string): Media | undefined => {
  if (!template.startsWith("m=")) return undefined;
  const words = template.split(" ");
  if (words.length < 4) return undefined;
  const payloads = words.slice(3).map((word) => decimal(word));
  if (!payloads.every((payload) => payload !== undefined && payload < 128n)) return undefined;
  return { head: words.slice(0, 3).join(" "), payloads: payloads.map(Number) };
};

export class Payloads {
  readonly #first = new Chance(50_000, 1);
  readonly #new = chances([2_000, 2], [30_000, 1]);
  readonly #kept = chances([60_000, 1], [16_000, 1]);
  readonly #next = new Chance(40_000, 1);

  /** A list; `likes`: one or two that it may resemble. */
  list(coder: Coder, likes: readonly (readonly number[])[], is: readonly number[], most: number): number[] {
    const common = (like: readonly number[]): number => is.filter((payload) => like.includes(payload)).length;
    const prefersFirst = likes.length < 2 || common(likes[0]!) >= common(likes[1]!);
    const isFirst = likes.length < 2 || coder.decide(this.#first, prefersFirst);
    const like = likes[isFirst ? 0 : 1] ?? [];
    const out: number[] = [];
    let at = 0;
    let wasNew = false;
    let wasKept = true;
    for (;;) {
      const wanted = is[out.length];
      const isNew = wanted !== undefined && !like.slice(at).includes(wanted);
      wasNew = coder.decide(this.#new[wasNew ? 1 : 0]!, isNew);
      if (wasNew) {
        const next = out.length > 0 ? (out.at(-1)! + 1) & 127 : 96;
        const isNext = coder.decide(this.#next, (wanted ?? 0) === next);
        out.push(isNext ? next : coder.random(7, wanted ?? 0));
      } else if (at < like.length) {
        const payload = like[at]!;
        wasKept = coder.decide(this.#kept[wasKept ? 0 : 1]!, wanted === payload);
        if (wasKept) out.push(payload);
        at += 1;
      } else {
        return out;
      }
      if (out.length * 2 > most) throw new Unreadable();
    }
  }
}
