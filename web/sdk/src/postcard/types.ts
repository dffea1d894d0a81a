/**
 * The types of the wire, each as what its value is in JSON and in bytes. A message is put together from these.
 *
 * `undefined` is a field that is not there. A reader makes no more of a message than its bytes are worth: every item of a
 * list takes at least one, and nothing is made before its bytes have been seen.
 */

import { Malformed, U32_MAX, type Reader, type Writer } from "./bytes.js";

export interface Type {
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
}

export type Fields = Record<string, Type>;

type Json = Record<string, unknown>;

const whole = (max: number): Type => ({
  read: (reader) => reader.number(max),
  write: (writer, value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) throw new Malformed();
    writer.number(value);
  },
});

/** Ids, instants, spans: as large as JSON has them. */
export const integer = whole(Number.MAX_SAFE_INTEGER);
export const small = whole(U32_MAX);

export const byte: Type = {
  read: (reader) => reader.byte(),
  write: (writer, value) => writer.byte(value as number),
};

export const flag: Type = {
  read: (reader) => {
    const value = reader.byte();
    if (value > 1) throw new Malformed();
    return value === 1;
  },
  write: (writer, value) => {
    if (typeof value !== "boolean") throw new Malformed();
    writer.byte(value ? 1 : 0);
  },
};

export const text: Type = {
  read: (reader) => {
    const bytes = reader.bytes(reader.number(U32_MAX));
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Malformed();
    }
  },
  write: (writer, value) => {
    if (typeof value !== "string") throw new Malformed();
    const bytes = new TextEncoder().encode(value);
    writer.number(bytes.length);
    writer.bytes(bytes);
  },
};

/** Sixteen bytes, in hexadecimal digits that look like `pattern`. */
const sixteen = (pattern: RegExp, shown: (digits: string) => string): Type => ({
  read: (reader) => shown(Array.from(reader.bytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("")),
  write: (writer, value) => {
    if (typeof value !== "string" || !pattern.test(value)) throw new Malformed();
    writer.bytes(Uint8Array.from(value.replaceAll("-", "").match(/../g)!, (digits) => parseInt(digits, 16)));
  },
});

export const userId = sixteen(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, (digits) =>
  [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-"),
);
export const clientId = sixteen(/^[\da-f]{32}$/i, (digits) => digits);

/** A value with other words for it in JSON. */
export const mapped = <T>(type: Type, shown: (value: T) => unknown, said?: (value: never) => T): Type => ({
  read: (reader) => shown(type.read(reader) as T),
  write: (writer, value) => type.write(writer, said ? said(value as never) : value),
});

const perhaps = (type: Type, nothing: null | undefined): Type => ({
  read: (reader) => (flag.read(reader) ? type.read(reader) : nothing),
  write: (writer, value) => {
    const isThere = value !== undefined && value !== null;
    writer.byte(isThere ? 1 : 0);
    if (isThere) type.write(writer, value);
  },
});

/** Absent where it is not. */
export const option = (type: Type): Type => perhaps(type, undefined);
/** `null` where it is not. */
export const nullable = (type: Type): Type => perhaps(type, null);

/** Absent where it equals this. */
export const or = (type: Type, usual: boolean | number | string | readonly never[] | Readonly<Record<string, never>>): Type => ({
  read: (reader) => {
    const value = type.read(reader);
    const isUsual = typeof usual === "object" ? Object.keys(value as object).length === 0 : value === usual;
    return isUsual ? undefined : value;
  },
  write: (writer, value) => type.write(writer, value ?? usual),
});

export const list = (item: Type): Type => ({
  read: (reader) => {
    const items: unknown[] = [];
    for (let count = reader.number(U32_MAX); count > 0; count -= 1) items.push(item.read(reader));
    return items;
  },
  write: (writer, value) => {
    if (!Array.isArray(value)) throw new Malformed();
    writer.number(value.length);
    for (const it of value) item.write(writer, it);
  },
});

export const tuple = (...types: Type[]): Type => ({
  read: (reader) => types.map((type) => type.read(reader)),
  write: (writer, value) => types.forEach((type, at) => type.write(writer, (value as unknown[])[at])),
});

/** Fields in their order. The fields of `"..."` stand beside the others. */
export const struct = (fields: Fields): Type => {
  const all = Object.entries(fields);
  return {
    read: (reader) => {
      const read: Json = {};
      for (const [name, type] of all) {
        const value = type.read(reader);
        if (name === "...") Object.assign(read, value);
        else if (value !== undefined) read[name] = value;
      }
      return read;
    },
    write: (writer, value) => {
      if (typeof value !== "object" || value === null) throw new Malformed();
      for (const [name, type] of all) {
        try {
          type.write(writer, name === "..." ? value : (value as Json)[name]);
        } catch (error) {
          throw error instanceof Malformed && error.field === undefined && name !== "..." ? new Malformed(name) : error;
        }
      }
    },
  };
};

/** One of several, by number; `which` tells it from a value, for those that are written. */
export const oneOf = (types: readonly Type[], which: (value: Json) => number = () => -1): Type => ({
  read: (reader) => {
    const type = types[reader.number(U32_MAX)];
    if (!type) throw new Malformed();
    return type.read(reader);
  },
  write: (writer, value) => {
    const number = which(value as Json);
    if (!types[number]) throw new Malformed();
    writer.number(number);
    types[number].write(writer, value);
  },
});

/** A word that says itself, in no bytes. */
export const word = (name: string): Type => ({ read: () => name, write: () => undefined });

export const wordOf = (...names: string[]): Type => mapped(small, (number: number) => {
  const name = names[number];
  if (name === undefined) throw new Malformed();
  return name;
}, (name: string) => names.indexOf(name));

/** One of several structs, told from each other by the word in `key`. */
export const variants = (key: string, table: Record<string, Fields>): Type => {
  const names = Object.keys(table);
  return oneOf(
    Object.entries(table).map(([name, fields]) => struct({ [key]: word(name), ...fields })),
    (value) => names.indexOf(String(value[key])),
  );
};
