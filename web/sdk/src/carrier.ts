/**
 * A socket that is WebTransport where browser, network and server have it, and else a WebSocket: for `createSocket`.
 *
 * The server says at `/v1/quic` where it speaks and which certificate is its own. Whoever does not answer there within a
 * short time is reached by WebSocket, at once and for the rest of a while, so that a network without UDP costs one wait and not
 * one for each reconnect. A message is its length (RFC 9000, section 16) and itself, on one stream: in postcard, unless JSON is
 * asked for. A WebSocket in its place speaks JSON, unless postcard is asked for.
 */

import type { SocketLike } from "./driver.js";
import { SUB_PROTOCOLS, type FormName } from "./form.js";
import { httpUrl } from "./http.js";

/** How long WebTransport may take to open, and for how long it is not tried again. */
const PATIENCE_MS = 2_500;
const NOT_AGAIN_MS = 10 * 60_000;
/** How long the last words may take. */
const LAST_WORDS_MS = 1_000;
/** A message has at most 64 KiB. */
const MESSAGE_MAX_BYTES = 65_536;

/** Where WebTransport is, as `/v1/quic` has it. */
interface Told {
  port: number;
  webtransport: string;
  certificate_sha256: string[];
}

const givenUp = new Map<string, number>();

/** Opens a socket to `wss://host/v1/ws`, over whichever carrier can be had. */
export function openCarrier(url: string, protocol: string, form?: FormName): SocketLike {
  return new Carrier(url, protocol, form ?? "postcard");
}

class Carrier implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  readonly #url: string;
  readonly #offered: string;
  readonly #form: FormName;
  #socket: WebSocket | undefined;
  #session: WebTransport | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #closed: number | undefined;

  constructor(url: string, offered: string, form: FormName) {
    this.#url = url;
    this.#offered = offered;
    this.#form = form;
    void this.#open();
  }

  get protocol(): string {
    return this.#socket?.protocol ?? SUB_PROTOCOLS[this.#form];
  }

  send(data: string | Uint8Array): void {
    if (this.#socket) return this.#socket.send(data as string | Uint8Array<ArrayBuffer>);
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    // A stream that is over says so to the reader.
    this.#writer?.write(frame(bytes)).catch(() => undefined);
  }

  close(code = 1000): void {
    if (this.#closed !== undefined) return;
    this.#closed = code;
    this.#socket?.close(code);
    if (this.#session) void this.#leave(this.#session, code);
  }

  async #open(): Promise<void> {
    const base = httpUrl(this.#url);
    const streams = await openStream(base, this.#form);
    if (this.#closed !== undefined) {
      streams?.session.close({ closeCode: this.#closed });
      return;
    }
    if (!streams) return this.#fallBack();
    const { session } = streams;
    this.#session = session;
    this.#writer = streams.writer;
    // What a page leaves open its browser closes in its own time: the server is to know at once.
    const goes = (): void => session.close({ closeCode: 1001 });
    globalThis.addEventListener?.("pagehide", goes);
    this.#event(this.onopen, {});
    const clean = await this.#read(streams.reader).catch(() => false);
    if (!clean) session.close({ closeCode: 1001 });
    const code = await session.closed.then(({ closeCode }) => closeCode || 1006, () => 1006);
    globalThis.removeEventListener?.("pagehide", goes);
    this.onclose?.({ code });
  }

  #fallBack(): void {
    let socket: WebSocket;
    try {
      socket = this.#socket = new WebSocket(this.#url, this.#offered);
      socket.binaryType = "arraybuffer";
    } catch {
      this.onclose?.({ code: 1006 });
      return;
    }
    socket.onopen = (event) => this.#event(this.onopen, event);
    socket.onmessage = (event) => this.onmessage?.(event);
    socket.onclose = (event) => this.onclose?.(event);
    socket.onerror = (event) => this.#event(this.onerror, event);
  }

  #event(listener: ((event: never) => void) | null, event: object): void {
    listener?.(event as never);
  }

  /** Until the stream is over; false if it holds what is no message. */
  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<boolean> {
    let kept = new Uint8Array();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return true;
      const joined = new Uint8Array(kept.length + value.length);
      joined.set(kept);
      joined.set(value, kept.length);
      kept = joined;
      for (let next = take(kept); next; next = take(kept)) {
        if (next.length > MESSAGE_MAX_BYTES) return false;
        if (!next.message) break;
        kept = kept.slice(next.end);
        this.onmessage?.({ data: this.#form === "json" ? new TextDecoder().decode(next.message) : next.message.slice().buffer });
      }
    }
  }

  /** A close overtakes what was written before it: that must be there first. */
  async #leave(session: WebTransport, code: number): Promise<void> {
    await within(LAST_WORDS_MS, this.#writer?.close());
    session.close({ closeCode: code });
  }
}

interface Streams {
  session: WebTransport;
  reader: ReadableStreamDefaultReader<Uint8Array>;
  writer: WritableStreamDefaultWriter<Uint8Array>;
}

async function openStream(base: string, form: FormName): Promise<Streams | undefined> {
  if (typeof WebTransport === "undefined" || Date.now() < (givenUp.get(base) ?? 0)) return undefined;
  let session: WebTransport | undefined;
  const opening = (async (): Promise<Streams | undefined> => {
    const answer = await fetch(`${base}/v1/quic`, { cache: "no-store" });
    if (!answer.ok) return undefined;
    const told = (await answer.json()) as Told;
    const options: WebTransportOptions = {};
    if (told.certificate_sha256.length > 0) {
      options.serverCertificateHashes = told.certificate_sha256.map((hash) => ({ algorithm: "sha-256", value: bytes(hash) }));
    }
    session = new WebTransport(`https://${new URL(base).hostname}:${told.port}${told.webtransport}${form === "json" ? "?form=json" : ""}`, options);
    session.closed.catch(() => undefined);
    await session.ready;
    const { readable, writable } = await session.createBidirectionalStream();
    return { session, reader: readable.getReader(), writer: writable.getWriter() };
  })();
  const streams = await within(PATIENCE_MS, opening);
  if (streams) return streams;
  givenUp.set(base, Date.now() + NOT_AGAIN_MS);
  try {
    session?.close();
  } catch {
    // It never came to be.
  }
  return undefined;
}

/** What comes of it in time; undefined where nothing does. */
async function within<T>(ms: number, wish: Promise<T> | undefined): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  const result = await Promise.race([wish?.catch(() => undefined), late]);
  clearTimeout(timer);
  return result;
}

/** A message with its length before it. */
export function frame(message: Uint8Array): Uint8Array {
  const size = message.length < 0x40 ? 1 : message.length < 0x4000 ? 2 : 4;
  const framed = new Uint8Array(size + message.length);
  const view = new DataView(framed.buffer);
  if (size === 1) view.setUint8(0, message.length);
  else if (size === 2) view.setUint16(0, 0x4000 | message.length);
  else view.setUint32(0, (0x80000000 | message.length) >>> 0);
  framed.set(message, size);
  return framed;
}

/** The length at the front and, once it is whole, the message behind it; undefined while not even the length is there. */
export function take(kept: Uint8Array): { length: number; message?: Uint8Array; end: number } | undefined {
  const first = kept[0];
  if (first === undefined) return undefined;
  const size = 1 << (first >> 6);
  if (kept.length < size) return undefined;
  let length = first & 0x3f;
  for (const byte of kept.subarray(1, size)) length = length * 256 + byte;
  const end = size + length;
  return kept.length < end ? { length, end } : { length, message: kept.subarray(size, end), end };
}

function bytes(hexadecimal: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hexadecimal.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
