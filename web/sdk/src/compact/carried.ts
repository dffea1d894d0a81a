/**
 * How compact bytes travel in the `sdp` of a description and in the `candidate` of a candidate: as `~`, the library's
 * version, `.`, and the bytes in base64url without padding. `~0.` means that a text follows as it is, which only one that
 * begins with `~` itself needs. Everything else is the text.
 */

import { Unreadable } from "./coder.js";
import { decimal } from "./line.js";

/** A field that carries a text as it is, to someone who speaks compactly. */
export const asItIs = (text: string): string => (text.startsWith("~") ? `~0.${text}` : text);

/** A field that carries bytes. */
export const carry = (version: number, bytes: Uint8Array): string => {
  const base64 = btoa(String.fromCharCode(...bytes));
  return `~${version}.${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
};

/** What a field carries: bytes of this version, or a text. */
export const open = (field: string, version: number): Uint8Array | string => {
  if (!field.startsWith("~")) return field;
  const at = field.indexOf(".");
  const number = at < 0 ? undefined : decimal(field.slice(1, at));
  const rest = field.slice(at + 1);
  if (number === 0n) return rest;
  if (number !== BigInt(version) || !/^[A-Za-z0-9_-]*$/.test(rest) || rest.length % 4 === 1) throw new Unreadable();
  return Uint8Array.from(atob(rest.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
};
