/** Postcard's bytes: what a message is made of, written one after the other, and read again without ever reading past the end. */

/** Bytes that are no message of this version, or a message that has no bytes in it. */
export class Malformed extends Error {
  override readonly name = "Malformed";

  /** `field`: which of the message's, where it is one. */
  constructor(readonly field?: string) {
    super(field === undefined ? "not a message of this version" : `${field} is missing or wrong`);
  }
}

export const U32_MAX = 0xffff_ffff;

export class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  byte(value: number): void {
    this.#room(1)[this.#length++] = value;
  }

  /** Seven bits a byte, lowest first; not by bit operations, which end at 32. */
  number(value: number): void {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.byte((value % 0x80) | 0x80);
    this.byte(value);
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(more: number): Uint8Array {
    if (this.#length + more > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Malformed();
    this.#at += 1;
    return byte;
  }

  number(max: number): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (value > max) throw new Malformed();
      if (byte < 0x80) return value;
      // No number has more bytes than the largest.
      if (unit > max) throw new Malformed();
    }
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new Malformed();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
