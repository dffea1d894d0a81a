/**
 * One line of a description or one candidate, taken apart into a template, which many have in common, and values, which
 * are its own. A template says in marks what stood where:
 *
 * - `\u0001` role class: a value, to be read elsewhere;
 * - `\u0001` role `=` distance: a value of this role that the description has said before, so many values ago;
 * - `\u0002` `!` or `?` step: a payload type, by its place in the list of the `m=` line, counted from the one said last.
 *
 * Taking apart and putting together are inverse to each other for every line without these two characters.
 */

import { Unreadable } from "./coder.js";

export const VALUE = "\u0001";
export const PAYLOAD = "\u0002";

/** What a value is to its description; its letter is its place here, from `A`. */
export const ROLES = [
  "address", "cname", "direction", "fingerprint", "foundation", "mediaAddress", "mediaPort", "mid", "network", "password", "port",
  "priority", "relatedAddress", "relatedPort", "session", "setup", "ssrc", "stream", "track", "ufrag", "version",
] as const;
export type Role = (typeof ROLES)[number];

const letterOf = (role: Role): string => String.fromCharCode(65 + ROLES.indexOf(role));

/** Whose repetitions are part of the template. */
const FIXED: ReadonlySet<Role> = new Set<Role>(
  ["cname", "fingerprint", "mid", "password", "session", "ssrc", "stream", "track", "ufrag"],
);
/** Which are remembered. */
const SAID: ReadonlySet<Role> = new Set<Role>([...FIXED, "direction", "setup"]);

/** RFC 8866, 6.7. */
export const DIRECTIONS = ["sendrecv", "sendonly", "recvonly", "inactive"] as const;
/** RFC 4145, 4. */
export const SETUPS = ["actpass", "active", "passive", "holdconn"] as const;

/**
 * How a value is spelt, as its mark in a template: `p`, `d`, `D` decimal to 16, 32, 64 bits, `v` small, `h` fingerprint,
 * `x` hexadecimal, `w` word (with a character that says how long), `4` and `6` addresses, `u` UUID, `n` direction, `s` setup.
 */
export type Class = string;

const SHORTEST = 33;
const LONGEST = 90;
/** The step of a payload type that is the next one. */
const MIDDLE = 80;

export const lengthOf = (kind: Class): number => kind.charCodeAt(1) - SHORTEST;
const withLength = (letter: string, length: number): Class => letter + String.fromCharCode(SHORTEST + length);

export interface Value {
  role: Role;
  kind: Class;
  text: string;
}

/** The characters of a word (RFC 8839). */
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A decimal number as one writes it, to 64 bits. */
export const decimal = (text: string): bigint | undefined => {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return undefined;
  const number = BigInt(text);
  return number < 1n << 64n ? number : undefined;
};

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
const isFingerprint = (text: string): boolean => /^[0-9A-F]{2}(:[0-9A-F]{2}){0,89}$/.test(text);

const word = (text: string, least: number): Class | undefined => {
  if (text.length < least || text.length > LONGEST) return undefined;
  if (text.length >= 8 && /^[0-9a-f]+$/.test(text)) return withLength("x", text.length);
  return /^[A-Za-z0-9+/]+$/.test(text) ? withLength("w", text.length) : undefined;
};

export const ip4 = (text: string): number | undefined => {
  const parts = text.split(".").map(decimal);
  if (parts.length !== 4) return undefined;
  let bits = 0;
  for (const part of parts) {
    if (part === undefined || part > 255n) return undefined;
    bits = bits * 256 + Number(part);
  }
  return bits;
};

export const ip4Text = (bits: number): string => [24, 16, 8, 0].map((at) => (bits >>> at) & 255).join(".");

export const ip6 = (text: string): number[] | undefined => {
  const at = text.indexOf("::");
  const groups = (part: string): number[] | undefined => {
    if (part === "") return [];
    const all = part.split(":");
    return all.every((group) => /^[0-9a-f]{1,4}$/.test(group)) ? all.map((group) => parseInt(group, 16)) : undefined;
  };
  const head = groups(at < 0 ? text : text.slice(0, at));
  const tail = groups(at < 0 ? "" : text.slice(at + 2));
  if (!head || !tail) return undefined;
  const zeros = 8 - head.length - tail.length;
  if (zeros < 0 || at >= 0 !== zeros > 0) return undefined;
  return [...head, ...new Array<number>(zeros).fill(0), ...tail];
};

/** As RFC 5952 has it: the first of the longest runs of zeros, of two or more, is left out. */
export const ip6Text = (groups: number[]): string => {
  let [best, longest] = [8, 1];
  for (let from = 0; from < 8; from += 1) {
    let length = 0;
    while (groups[from + length] === 0) length += 1;
    if (length > longest) [best, longest] = [from, length];
  }
  let out = "";
  for (let at = 0; at < 8; ) {
    if (at === best) {
      out += "::";
      at += longest;
    } else {
      out += (out === "" || out.endsWith(":") ? "" : ":") + groups[at]!.toString(16);
      at += 1;
    }
  }
  return out;
};

const ip = (text: string): Class | undefined => {
  const four = ip4(text);
  if (four !== undefined && ip4Text(four) === text) return "4";
  const six = ip6(text);
  return six !== undefined && ip6Text(six) === text ? "6" : undefined;
};

const USUAL_ADDRESSES = ["0.0.0.0", "127.0.0.1", "::"];
const IN_32_BITS = 1n << 32n;

/** How the value of a role is spelt, if it is one: what many have in common is part of the template. */
const classOf = (role: Role, text: string): Class | undefined => {
  const number = decimal(text);
  switch (role) {
    case "address":
    case "relatedAddress":
      return USUAL_ADDRESSES.includes(text) ? undefined : ip(text);
    case "direction":
      return (DIRECTIONS as readonly string[]).includes(text) ? "n" : undefined;
    case "fingerprint":
      return isFingerprint(text) ? withLength("h", (text.length + 1) / 3) : undefined;
    case "foundation":
      if (number !== undefined && number < 100n) return "v";
      return number !== undefined && number < IN_32_BITS ? "d" : word(text, 8);
    case "mediaAddress":
      return ip(text);
    case "mediaPort":
      return number !== undefined && number < 65_536n ? "p" : undefined;
    case "mid": {
      const isName = text.length === 3 && number === undefined && word(text, 1) !== undefined && !/^[a-z]*$/.test(text);
      return isName ? withLength("w", 3) : undefined;
    }
    case "network":
      return number !== undefined && number < 1_000n ? "v" : undefined;
    case "password":
    case "ufrag":
      return word(text, 1);
    case "port":
    case "relatedPort":
      return number !== undefined && number !== 0n && number !== 9n && number < 65_536n ? "p" : undefined;
    case "priority":
    case "ssrc":
      return number !== undefined && number < IN_32_BITS ? "d" : undefined;
    case "session":
      return number !== undefined ? "D" : undefined;
    case "setup":
      return (SETUPS as readonly string[]).includes(text) ? "s" : undefined;
    case "cname":
    case "stream":
    case "track":
      return isUuid(text) ? "u" : word(text, 16);
    case "version":
      if (number === undefined) return undefined;
      if (number <= 60_000n) return "v";
      return number < IN_32_BITS ? "d" : undefined;
  }
};

/** How many bytes a text has in UTF-8. */
export const bytesOf = (text: string): number => {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff)) bytes += 2;
    else if (unit > 0x7f) bytes += 1;
  }
  return bytes;
};

/** What a description has said so far, as far as later lines refer to it. */
export class Said {
  readonly #values = new Map<Role, Value[]>();
  #payloads: string[] = [];
  #payload = 0;

  /** The values of a role, in the order in which they were said. */
  values(role: Role): readonly Value[] {
    return this.#values.get(role) ?? [];
  }

  /** Takes over what another description has said of a role. */
  follow(other: Said, role: Role): void {
    this.#values.set(role, [...other.values(role)]);
  }

  /** Takes a line apart. It must not contain the marks. */
  split(line: string): { template: string; values: Value[] } {
    const parts = new Parts(this);
    parts.line(line);
    this.#beginSection(line);
    return parts;
  }

  /** Puts a line together, of at most `most` bytes; `read` gives each value that the template asks for, in order. */
  join(template: string, most: number, read: (role: Role, kind: Class) => string): string {
    let line = "";
    const letters = Array.from(template);
    let at = 0;
    const next = (): string => {
      const letter = letters[at];
      if (letter === undefined) throw new Unreadable();
      at += 1;
      return letter;
    };
    let bytes = 0;
    while (at < letters.length) {
      const letter = next();
      let piece = letter;
      if (letter === VALUE) {
        const role = ROLES[next().codePointAt(0)! - 65];
        if (role === undefined) throw new Unreadable();
        const mark = next();
        if (mark === "=") {
          const values = this.values(role);
          const value = values[values.length - 1 - (next().codePointAt(0)! - SHORTEST)];
          if (value === undefined) throw new Unreadable();
          piece = value.text;
        } else {
          const kind = classFrom(mark, next);
          piece = read(role, kind);
          this.say({ role, kind, text: piece });
        }
      } else if (letter === PAYLOAD) {
        const mark = next();
        const place = this.#payload + next().codePointAt(0)! - MIDDLE;
        const payload = this.#payloads[place];
        if (payload === undefined) throw new Unreadable();
        piece = payload;
        if (mark === "!") this.#payload = place + 1;
      }
      line += piece;
      bytes += bytesOf(piece);
      if (bytes > most) throw new Unreadable();
    }
    this.#beginSection(line);
    return line;
  }

  say(value: Value): void {
    if (!SAID.has(value.role)) return;
    const values = this.#values.get(value.role);
    if (values) values.push(value);
    else this.#values.set(value.role, [value]);
  }

  /** A payload type as a mark; `undefined` where it is none, or too far away. */
  payload(text: string, moves: boolean): string | undefined {
    const place = this.#payloads.indexOf(text);
    const step = place + MIDDLE - this.#payload;
    if (place < 0 || step < 33 || step > 126) return undefined;
    if (moves) this.#payload = place + 1;
    return PAYLOAD + (moves ? "!" : "?") + String.fromCharCode(step);
  }

  #beginSection(line: string): void {
    if (!line.startsWith("m=")) return;
    this.#payloads = line.split(" ").slice(3);
    this.#payload = 0;
  }
}

const classFrom = (mark: string, next: () => string): Class => {
  if ("pdD46vuns".includes(mark)) return mark;
  if (!"hxw".includes(mark)) throw new Unreadable();
  const length = next().codePointAt(0)! - SHORTEST;
  if (length < 1 || length > LONGEST) throw new Unreadable();
  return withLength(mark, length);
};

const cut = (text: string, sign: string): [string, string] | undefined => {
  const at = text.indexOf(sign);
  return at < 0 ? undefined : [text.slice(0, at), text.slice(at + sign.length)];
};

const streamAndTrack = (at: number): Role => (at === 0 ? "stream" : "track");

/** A line on its way apart. */
class Parts {
  readonly #said: Said;
  template = "";
  readonly values: Value[] = [];

  constructor(said: Said) {
    this.#said = said;
  }

  line(line: string): void {
    const named = cut(line, ":");
    if (line.startsWith("o=")) {
      this.template += "o=";
      this.#words(line.slice(2), (at) => ([undefined, "session", "version", undefined, undefined, "address"] as const)[at]);
    } else if (line.startsWith("m=")) {
      this.template += "m=";
      this.#words(line.slice(2), (at) => (at === 1 ? "mediaPort" : undefined));
    } else if (line.startsWith("c=")) {
      this.template += "c=";
      this.#words(line.slice(2), (at) => (at === 2 ? "mediaAddress" : undefined));
    } else if (named) {
      const [name, rest] = named;
      this.template += `${name}:`;
      this.#attribute(name.startsWith("a=") ? name.slice(2) : name, rest);
    } else if (line.startsWith("a=")) {
      this.template += "a=";
      this.#value("direction", line.slice(2));
    } else {
      this.template += line;
    }
  }

  #attribute(name: string, rest: string): void {
    switch (name) {
      case "candidate":
        return this.#candidate(rest);
      case "fingerprint":
        return this.#words(rest, (at) => (at === 1 ? "fingerprint" : undefined));
      case "fmtp":
      case "rtcp-fb":
      case "rtpmap":
        return this.#codec(rest);
      case "group":
        return this.#words(rest, (at) => (at > 0 ? "mid" : undefined));
      case "ice-pwd":
        return this.#value("password", rest);
      case "ice-ufrag":
        return this.#value("ufrag", rest);
      case "mid":
        return this.#value("mid", rest);
      case "msid":
        return this.#words(rest, streamAndTrack);
      case "msid-semantic":
        return this.#words(rest, (at) => (at > 0 ? "stream" : undefined));
      case "rtcp":
        return this.#words(rest, (at) => (at === 0 ? "mediaPort" : at === 3 ? "mediaAddress" : undefined));
      case "setup":
        return this.#value("setup", rest);
      case "ssrc":
        return this.#ssrc(rest);
      case "ssrc-group":
        return this.#words(rest, (at) => (at > 0 ? "ssrc" : undefined));
      default:
        this.template += rest;
    }
  }

  #candidate(rest: string): void {
    this.#words(rest, (at, before) => {
      if (at === 0) return "foundation";
      if (at === 3) return "priority";
      if (at === 4) return "address";
      if (at === 5) return "port";
      if (before === "raddr") return "relatedAddress";
      if (before === "rport") return "relatedPort";
      if (before === "ufrag") return "ufrag";
      return before === "network-id" ? "network" : undefined;
    });
  }

  #ssrc(rest: string): void {
    const parts = cut(rest, " ");
    if (!parts) return this.#value("ssrc", rest);
    this.#value("ssrc", parts[0]);
    this.template += " ";
    const named = cut(parts[1], ":");
    if (!named) {
      this.template += parts[1];
      return;
    }
    const [name, text] = named;
    this.template += `${name}:`;
    if (name === "cname") this.#value("cname", text);
    else if (name === "label") this.#value("track", text);
    else if (name === "mslabel") this.#value("stream", text);
    else if (name === "msid") this.#words(text, streamAndTrack);
    else this.template += text;
  }

  /** `PAYLOAD`, and what follows it: `apt=PAYLOAD` and `PAYLOAD/PAYLOAD` name others. */
  #codec(rest: string): void {
    const end = rest.indexOf(" ") < 0 ? rest.length : rest.indexOf(" ");
    const tail = rest.slice(end);
    this.#payload(rest.slice(0, end), true);
    if (tail.startsWith(" apt=")) {
      this.template += " apt=";
      this.#payload(tail.slice(5), false);
    } else if (tail.includes("/") && /^[0-9/ ]*$/.test(tail)) {
      this.template += " ";
      tail.slice(1).split("/").forEach((other, at) => {
        if (at > 0) this.template += "/";
        this.#payload(other, false);
      });
    } else {
      this.template += tail;
    }
  }

  #payload(text: string, moves: boolean): void {
    this.template += this.#said.payload(text, moves) ?? text;
  }

  /** Words between single spaces; `role` is asked with the place of each and the word before it. */
  #words(rest: string, role: (at: number, before: string) => Role | undefined): void {
    let before = "";
    rest.split(" ").forEach((word, at) => {
      if (at > 0) this.template += " ";
      const one = role(at, before);
      if (one) this.#value(one, word);
      else this.template += word;
      before = word;
    });
  }

  #value(role: Role, text: string): void {
    // Firefox has braces around its ids, mDNS names are ids with an ending, and webrtc-rs has ids of eight digits.
    const inBraces = text.startsWith("{") && text.endsWith("}") && isUuid(text.slice(1, -1));
    const isMdns = text.endsWith(".local") && isUuid(text.slice(0, -6));
    const dash = text.lastIndexOf("-");
    const tail = text.slice(dash + 1);
    if (inBraces) {
      this.template += "{";
      this.#one(role, "u", text.slice(1, -1));
      this.template += "}";
    } else if (isMdns) {
      this.#one(role, "u", text.slice(0, -6));
      this.template += ".local";
    } else if (dash >= 0 && (role === "stream" || role === "track") && !isUuid(text) && /^[0-9a-f]{8}$/.test(tail)) {
      this.template += text.slice(0, dash + 1);
      this.#one(role, withLength("x", 8), tail);
    } else {
      const kind = classOf(role, text);
      if (kind) this.#one(role, kind, text);
      else this.template += text;
    }
  }

  #one(role: Role, kind: Class, text: string): void {
    const values = this.#said.values(role);
    this.template += VALUE + letterOf(role);
    if (FIXED.has(role)) {
      for (let back = 0; back < Math.min(values.length, LONGEST); back += 1) {
        const value = values[values.length - 1 - back]!;
        if (value.text === text && value.kind === kind) {
          this.template += `=${String.fromCharCode(SHORTEST + back)}`;
          return;
        }
      }
    }
    this.template += kind;
    const value = { role, kind, text };
    this.#said.say(value);
    this.values.push(value);
  }
}
