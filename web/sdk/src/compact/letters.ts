/** Text of which nothing better is known: letter by letter, guessed from a text that it resembles, else from the letter before. */

import { Chance, chances, type Coder, Unreadable } from "./coder.js";
import type { Library } from "./library.js";

const END = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A text from UTF-8. */
export const textOf = (bytes: Uint8Array): string => {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Unreadable();
  }
};

export class Letters {
  readonly #guessed = chances([40_000, 2], [40_000, 2], [50_000, 2], [58_000, 4], [62_000, 6], [63_500, 8]);
  /** By the letter before, and the bits of this one so far; made when first needed. */
  readonly #letters: Chance[] = [];

  /** A text without line feed, of at most `most` bytes, that may resemble `like`. */
  line(coder: Coder, library: Library, like: string, is: string, most: number): string {
    const target = encoder.encode(is);
    const out: number[] = [];
    let source: Uint8Array = encoder.encode(like);
    let at = 0;
    let same = 1;
    for (;;) {
      const wanted = target[out.length] ?? END;
      const guess = source[at] ?? END;
      at += 1;
      let letter = guess;
      if (coder.decide(this.#guessed[Math.min(same, 5)]!, wanted === guess)) {
        same += 1;
      } else {
        letter = this.#letter(coder, out.at(-1) ?? END, wanted);
        if (same === 0 && out.length >= 2) {
          const place = library.behind(out[out.length - 2]!, out[out.length - 1]!, letter);
          if (place !== undefined) [source, at] = [library.text, place];
        }
        same = 0;
      }
      if (letter === END) return textOf(Uint8Array.from(out));
      if (out.length === most) throw new Unreadable();
      out.push(letter);
    }
  }

  #letter(coder: Coder, before: number, is: number): number {
    const from = Math.min(before, 127) * 256;
    let node = 1;
    for (let bit = 7; bit >= 0; bit -= 1) {
      const chance = (this.#letters[from + node] ??= new Chance());
      node = node * 2 + (coder.decide(chance, ((is >>> bit) & 1) === 1) ? 1 : 0);
    }
    return node & 255;
  }
}
