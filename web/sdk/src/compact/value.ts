/**
 * Values: said before, or bit for bit. A value that a side has said earlier in the call costs about nothing when it comes in
 * the order in which it came then; addresses, ports and the like are found by how recently they were said.
 */

import { Chance, type Coder, Small, Unreadable } from "./coder.js";
import type { Library } from "./library.js";
import {
  type Class, decimal, DIRECTIONS, ip4, ip4Text, ip6, ip6Text, lengthOf, LETTERS, type Role, ROLES, type Said, SETUPS, type Value,
} from "./line.js";

/** How many values of a kind are kept. */
const KEPT = 64;

type Kind = "addresses" | "foundations" | "networks" | "ports" | "priorities";

const KINDS: Partial<Record<Role, Kind>> = {
  address: "addresses",
  foundation: "foundations",
  mediaAddress: "addresses",
  mediaPort: "ports",
  network: "networks",
  port: "ports",
  priority: "priorities",
  relatedAddress: "addresses",
  relatedPort: "ports",
};

interface Known {
  kind: Class;
  text: string;
}

/** What a side has said of those roles whose repetitions are no part of the template, the newest first. */
export class Recent {
  readonly #lists: Record<Kind, Known[]> = { addresses: [], foundations: [], networks: [], ports: [], priorities: [] };

  of(role: Role): Known[] | undefined {
    const kind = KINDS[role];
    return kind && this.#lists[kind];
  }

  copy(): Recent {
    const copy = new Recent();
    for (const [kind, list] of Object.entries(this.#lists)) copy.#lists[kind as Kind].push(...list);
    return copy;
  }
}

/** What a side's descriptions said, by role: what is likely said again, in this order. */
export class Before {
  readonly values = new Map<Role, Value[]>();
  readonly next = new Map<Role, number>();
  /** The last number of `version`. */
  readonly version: number | undefined;

  /** `said`: the newest first. */
  constructor(said: readonly Said[] = [], version?: number) {
    this.version = version;
    for (const role of ROLES) {
      const isChoice = role === "direction" || role === "setup";
      const values: Value[] = [];
      for (const one of said) {
        if (isChoice && values.length > 0) break;
        for (const value of one.values(role)) {
          const isNew = isChoice || !values.some((known) => known.text === value.text && known.kind === value.kind);
          if (values.length < KEPT && isNew) values.push(value);
        }
      }
      this.values.set(role, values);
    }
  }
}

/** What values are told against. */
export interface About {
  library: Library;
  before: Before;
  recent: Recent;
}

const byRole = <T>(make: (role: Role) => T): Record<Role, T> =>
  Object.fromEntries(ROLES.map((role) => [role, make(role)])) as Record<Role, T>;

const text32 = (text: string): number => Number(BigInt.asUintN(32, decimal(text) ?? 0n));

export class Values {
  readonly #again = byRole((role) => new Chance(role === "ufrag" ? 44_000 : 58_000, 1));
  /** A new name has a new password. */
  readonly #password = new Chance(1_500, 8);
  #isRenewed = false;
  readonly #elsewhere = new Chance(8_000, 2);
  readonly #skipped = new Small();
  readonly #recent = byRole(() => new Chance(24_000, 1));
  readonly #back = byRole(() => new Small());
  readonly #listed = new Chance(60_000, 3);
  readonly #list = new Small();
  readonly #versionNumber = new Small();
  readonly #network = new Small();
  readonly #foundation = new Small();
  readonly #version = new Chance(50_000, 1);
  readonly #sameVersion = new Chance(50_000, 1);
  readonly #uuid4 = new Chance(65_000, 20);
  readonly #highPort = new Chance(60_000, 4);
  readonly #low64 = new Chance(60_000, 8);
  readonly #usualAddress = new Chance(56_000, 2);
  readonly #usualPort = new Chance(56_000, 2);
  readonly #sameDirection = new Chance(60_000, 1);
  readonly #sameSetup = new Chance(44_000, 0);
  readonly #isTrack = new Chance(4_000, 4);

  /** One value; `is` counts for a writer only. */
  value(coder: Coder, about: About, said: Said, role: Role, kind: Class, is: string): string {
    if (role === "version") return this.#versionOf(coder, about, kind, is);
    if (role === "direction") return this.#choice(coder, about, said, role, this.#sameDirection, DIRECTIONS, is);
    if (role === "setup") return this.#choice(coder, about, said, role, this.#sameSetup, SETUPS, is);
    if (role === "mediaAddress" && kind === "4" && coder.decide(this.#usualAddress, is === "0.0.0.0")) return "0.0.0.0";
    if (role === "mediaPort" && coder.decide(this.#usualPort, is === "9")) return "9";
    const known = about.recent.of(role);
    if (known) return this.#recentOf(coder, about, known, role, kind, is);
    const again = this.#againOf(coder, about, role, kind, is);
    if (again !== undefined) return again;
    const track = role === "cname" ? said.values("track").at(-1) : undefined;
    if (track?.kind === kind && coder.decide(this.#isTrack, track.text === is)) return track.text;
    return this.#anew(coder, role, kind, is);
  }

  #againOf(coder: Coder, about: About, role: Role, kind: Class, is: string): string | undefined {
    const values = about.before.values.get(role)!;
    const next = about.before.next.get(role) ?? 0;
    const likely = values.findIndex((value, at) => at >= next && value.kind === kind);
    if (likely < 0) return undefined;
    const chance = role === "password" && this.#isRenewed ? this.#password : this.#again[role];
    let place = coder.decide(chance, values[likely]!.text === is) ? likely : undefined;
    if (role === "ufrag") this.#isRenewed = place === undefined;
    if (place === undefined) {
      const others = values.flatMap((value, at) => (at !== likely && value.kind === kind ? [at] : []));
      const found = others.findIndex((at) => values[at]!.text === is);
      if (others.length > 0 && coder.decide(this.#elsewhere, found >= 0)) {
        place = others[coder.small(this.#skipped, Math.max(found, 0))];
        if (place === undefined) throw new Unreadable();
      }
    }
    if (place === undefined) return undefined;
    about.before.next.set(role, place + 1);
    return values[place]!.text;
  }

  /** One of few: as this side said at this place before, else as it said last. */
  #choice(coder: Coder, about: About, said: Said, role: Role, chance: Chance, all: readonly string[], is: string): string {
    const values = said.values(role);
    const before = about.before.values.get(role)![values.length] ?? values.at(-1);
    const likely = before?.text ?? all[0]!;
    if (coder.decide(chance, is === likely)) return likely;
    const others = all.filter((one) => one !== likely);
    return others[coder.oneOf(3, Math.max(others.indexOf(is), 0))]!;
  }

  #versionOf(coder: Coder, about: About, kind: Class, is: string): string {
    const number = text32(is);
    const { version } = about.before;
    const after = (other: number): number => (version === undefined ? other : (version + 1) >>> 0);
    if (kind !== "v") {
      const likely = after(0);
      return String(coder.decide(this.#version, number === likely) ? likely : coder.random(32, number));
    }
    const likely = after(2);
    if (coder.decide(this.#version, number === likely)) return String(likely);
    const other = version ?? 0;
    if (coder.decide(this.#sameVersion, number === other)) return String(other);
    return String(coder.small(this.#versionNumber, number));
  }

  #recentOf(coder: Coder, about: About, known: Known[], role: Role, kind: Class, is: string): string {
    const same = known.filter((one) => one.kind === kind);
    const back = same.findIndex((one) => one.text === is);
    let text: string;
    if (same.length > 0 && coder.decide(this.#recent[role], back >= 0)) {
      const one = same[coder.small(this.#back[role], Math.max(back, 0))];
      if (!one) throw new Unreadable();
      known.splice(known.indexOf(one), 1);
      text = one.text;
    } else {
      text = this.#anewOrListed(coder, about, role, kind, is);
      const others = known.filter((one) => one.text !== text);
      known.splice(0, known.length, ...others);
    }
    known.unshift({ kind, text });
    if (known.length > KEPT) known.length = KEPT;
    return text;
  }

  #anewOrListed(coder: Coder, about: About, role: Role, kind: Class, is: string): string {
    if (role === "priority") {
      const list = about.library.priorities;
      const place = list.indexOf(is);
      if (coder.decide(this.#listed, place >= 0)) {
        const text = list[coder.small(this.#list, Math.max(place, 0))];
        if (text === undefined) throw new Unreadable();
        return text;
      }
    }
    return this.#anew(coder, role, kind, is);
  }

  /** Bit for bit. */
  #anew(coder: Coder, role: Role, kind: Class, is: string): string {
    switch (kind[0]) {
      case "p": {
        const number = text32(is);
        const isHigh = coder.decide(this.#highPort, number >= 32_768);
        return String(coder.random(15, number) + (isHigh ? 32_768 : 0));
      }
      case "d":
        return String(coder.random(32, text32(is)));
      case "D": {
        const number = decimal(is) ?? 0n;
        const isLow = coder.decide(this.#low64, number >> 63n === 0n);
        const high = coder.random(31, Number((number >> 32n) & 0x7fff_ffffn));
        const low = coder.random(32, Number(number & 0xffff_ffffn));
        return String((isLow ? 0n : 1n << 63n) + (BigInt(high) << 32n) + BigInt(low));
      }
      case "h": {
        const bytes = Array.from({ length: lengthOf(kind) }, (_, at) => coder.random(8, parseInt(is.slice(at * 3, at * 3 + 2), 16) || 0));
        return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(":");
      }
      case "x": {
        const digits = Array.from({ length: lengthOf(kind) }, (_, at) => coder.random(4, parseInt(is[at] ?? "0", 16) || 0));
        return digits.map((digit) => digit.toString(16)).join("");
      }
      case "4":
        return ip4Text(coder.random(32, ip4(is) ?? 0));
      case "6": {
        const groups = ip6(is) ?? new Array<number>(8).fill(0);
        return ip6Text(groups.map((group) => coder.random(16, group)));
      }
      case "v":
        return String(coder.small(role === "network" ? this.#network : this.#foundation, text32(is)));
      case "u":
        return this.#uuid(coder, is);
      case "w": {
        const letters = Array.from({ length: lengthOf(kind) }, (_, at) => LETTERS[coder.random(6, Math.max(LETTERS.indexOf(is[at] ?? "A"), 0))]!);
        return letters.join("");
      }
      default:
        throw new Unreadable();
    }
  }

  /** The random ones of RFC 9562 have six bits that are not. */
  #uuid(coder: Coder, is: string): string {
    const hex = is.replaceAll("-", "").padStart(32, "0");
    const bits = (from: number, digits: number): number => parseInt(hex.slice(from, from + digits), 16) || 0;
    const top = bits(16, 4);
    const isRandom = coder.decide(this.#uuid4, hex[12] === "4" && top >>> 14 === 2);
    const digits = (number: number, length: number): string => number.toString(16).padStart(length, "0");
    const first = digits(coder.random(32, bits(0, 8)), 8);
    const second = digits(coder.random(16, bits(8, 4)), 4);
    const version = isRandom ? 4 : coder.random(4, bits(12, 1));
    const third = digits(version, 1) + digits(coder.random(12, bits(13, 3)), 3);
    const variant = isRandom ? 2 : coder.random(2, top >>> 14);
    const fourth = digits(variant * 16_384 + coder.random(14, top & 0x3fff), 4);
    const fifth = digits(coder.random(16, bits(20, 4)), 4) + digits(coder.random(32, bits(24, 8)), 8);
    return [first, second, third, fourth, fifth].join("-");
  }
}
