/**
 * The two forms in which messages travel: JSON as text, postcard as bytes. What is said in them is the same.
 *
 * A message of the server that cannot be read is as if it had not come; one of ours that cannot be written throws.
 */

import { readServer, writeClient } from "./postcard/messages.js";
import type { AnyMessage } from "./wire.js";

export type FormName = "json" | "postcard";

export interface Form {
  write(message: object): string | Uint8Array;
  read(data: unknown): AnyMessage | undefined;
}

export const SUB_PROTOCOLS: Record<FormName, string> = { json: "duologue.v1.json", postcard: "duologue.v1.postcard" };

export const FORMS: Record<FormName, Form> = {
  json: {
    write: JSON.stringify,
    read: (data) => (typeof data === "string" ? messageOf(() => JSON.parse(data)) : undefined),
  },
  postcard: {
    write: writeClient,
    read: (data) => (data instanceof ArrayBuffer ? messageOf(() => readServer(new Uint8Array(data))) : undefined),
  },
};

function messageOf(read: () => unknown): AnyMessage | undefined {
  try {
    const value = read();
    const isMessage = value !== null && typeof value === "object" && typeof (value as AnyMessage).t === "string";
    return isMessage ? (value as AnyMessage) : undefined;
  } catch {
    return undefined;
  }
}
