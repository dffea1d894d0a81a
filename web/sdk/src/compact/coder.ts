/**
 * A binary arithmetic coder: a yes that was likely costs a fraction of a bit, a random one costs one. Whoever describes a
 * text says each decision once, through `Coder`: the writer is told what is true and writes it, the reader answers what
 * was written. Integers only, so that it is the same as in the server's language.
 */

/** What comes in makes no sense, or rests on something that was lost. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

const LEARNS = 24;
const LEAST = 48;

/** How likely a yes is, of 65,536, and how much it has learned: the more, the slower it changes. */
export class Chance {
  #yes: number;
  #seen: number;

  constructor(yes = 32_768, seen = 0) {
    this.#yes = yes;
    this.#seen = seen;
  }

  get yes(): number {
    return this.#yes;
  }

  learn(yes: boolean): void {
    const share = Math.floor(65_536 / (this.#seen + 2));
    if (yes) this.#yes += ((65_536 - this.#yes) * share) >>> 16;
    else this.#yes -= (this.#yes * share) >>> 16;
    this.#yes = Math.min(Math.max(this.#yes, LEAST), 65_536 - LEAST);
    this.#seen = Math.min(this.#seen + 1, Math.max(LEARNS, this.#seen));
  }
}

export const chances = (...all: [yes: number, seen: number][]): Chance[] => all.map(([yes, seen]) => new Chance(yes, seen));

/** What `Coder.small` learns. */
export class Small {
  readonly longer = Array.from({ length: 16 }, () => new Chance());
  readonly first = Array.from({ length: 17 }, () => new Chance());

  /** One that expects 1 or 2. */
  static nearOne(): Small {
    const small = new Small();
    small.longer[0] = new Chance(60_000, 4);
    small.longer[1] = new Chance(8_000, 4);
    return small;
  }
}

export abstract class Coder {
  abstract readonly reads: boolean;

  /** One decision, with the chance of a yes of 65,536; `is` counts for a writer only. */
  abstract bit(yes: number, is: boolean): boolean;

  /** One decision with a chance that learns from it. */
  decide(chance: Chance, is: boolean): boolean {
    const bit = this.bit(chance.yes, is);
    chance.learn(bit);
    return bit;
  }

  /** `count` random bits, at most 32. */
  random(count: number, value: number): number {
    let out = 0;
    for (let at = count - 1; at >= 0; at -= 1) {
      out = out * 2 + (this.bit(32_768, ((value >>> at) & 1) === 1) ? 1 : 0);
    }
    return out;
  }

  /** One of `count` that are equally likely. */
  oneOf(count: number, value: number): number {
    let low = 0;
    let high = count;
    while (high - low > 1) {
      const middle = low + ((high - low) >>> 1);
      const yes = Math.floor(((middle - low) * 65_536) / (high - low));
      if (this.bit(Math.min(Math.max(yes, 1), 65_535), value < middle)) high = middle;
      else low = middle;
    }
    return low;
  }

  /** A number that is likely small (Exp-Golomb with chances that learn), below 2^16. */
  small(small: Small, value: number): number {
    const bits = 31 - Math.clz32(value + 1);
    let length = 0;
    while (length < 16 && this.decide(small.longer[length]!, bits > length)) length += 1;
    if (length === 0) return 0;
    const first = this.decide(small.first[length]!, (((value + 1) >>> (length - 1)) & 1) === 1);
    const rest = this.random(length - 1, value + 1);
    return (first ? 3 : 2) * 2 ** (length - 1) + rest - 1;
  }
}

const middleOf = (low: number, high: number, yes: number): number => {
  const range = high - low;
  return low + (range >>> 16) * yes + (((range & 0xffff) * yes) >>> 16);
};

export class Writer extends Coder {
  readonly reads = false;
  #low = 0;
  #high = 0xffff_ffff;
  readonly #bytes: number[] = [];

  bit(yes: number, is: boolean): boolean {
    const middle = middleOf(this.#low, this.#high, yes);
    if (is) this.#high = middle;
    else this.#low = middle + 1;
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#bytes.push(this.#high >>> 24);
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 255) >>> 0;
    }
    return is;
  }

  /** The fewest bytes that, followed by zeros, say what was written. */
  finish(): Uint8Array {
    for (let count = 0; count <= 4; count += 1) {
      const unit = 2 ** (32 - 8 * count);
      const value = Math.ceil(this.#low / unit) * unit;
      if (value <= this.#high) {
        for (let at = 0; at < count; at += 1) this.#bytes.push((value >>> (24 - 8 * at)) & 255);
        break;
      }
    }
    while (this.#bytes.at(-1) === 0) this.#bytes.pop();
    return Uint8Array.from(this.#bytes);
  }
}

/** Beyond the end there are zeros. */
export class Reader extends Coder {
  readonly reads = true;
  readonly #bytes: Uint8Array;
  #low = 0;
  #high = 0xffff_ffff;
  #value = 0;
  #at = 0;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
    for (let count = 0; count < 4; count += 1) this.#shift();
  }

  bit(yes: number): boolean {
    const middle = middleOf(this.#low, this.#high, yes);
    const bit = this.#value <= middle;
    if (bit) this.#high = middle;
    else this.#low = middle + 1;
    while ((this.#low ^ this.#high) >>> 24 === 0) {
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 255) >>> 0;
      this.#shift();
    }
    return bit;
  }

  #shift(): void {
    this.#value = ((this.#value << 8) | (this.#bytes[this.#at] ?? 0)) >>> 0;
    this.#at += 1;
  }
}
