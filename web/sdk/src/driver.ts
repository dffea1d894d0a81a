/**
 * The shell around a `Link`: one socket at a time and the form that it speaks, one timer, and the signs that a machine woke up.
 *
 * It owns everything of the browser that a link needs and decides nothing. A socket that was given up is unhooked first,
 * so that it can say nothing more.
 */

import { FORMS, SUB_PROTOCOLS, type FormName } from "./form.js";
import type { Link, LinkOutput } from "./link.js";

/** The part of a `WebSocket` that is used. */
export interface SocketLike {
  /** The sub-protocol that was agreed on, once it is open; without one it is JSON. */
  readonly protocol?: string;
  binaryType?: BinaryType;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: ((event: never) => void) | null;
  /** Text, or bytes if that is what the sub-protocol has. */
  send(data: string | Uint8Array): void;
  close(code?: number): void;
}

/** `protocol`: what a WebSocket offers; `form`: what another carrier is to speak, or undefined where it may choose. */
export type CreateSocket = (url: string, protocol: string, form?: FormName) => SocketLike;

/** How often the clock is looked at, and how far it must have jumped to call it a sleep. */
const HEARTBEAT_MS = 2_000;
const JUMP_MS = 10_000;

/** What the driver tells. */
export interface Told {
  up(output: Up): void;
  /** The machine slept. */
  slept(): void;
  /** The network is there again, or is another one. */
  moved(): void;
}

export interface Sockets {
  create: CreateSocket;
  form: FormName | undefined;
}

type Up = Exclude<LinkOutput, { do: string }>;

export class Driver {
  readonly #link: Link;
  readonly #url: string;
  readonly #create: CreateSocket;
  /** A resume in another form would lose what is to be replayed, so the first one that was spoken stays. */
  #form: FormName | undefined;
  readonly #told: Told;
  #socket: SocketLike | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #draining = false;
  #unhook: (() => void)[] = [];

  constructor(link: Link, url: string, { create, form }: Sockets, told: Told) {
    this.#link = link;
    this.#url = url;
    this.#create = create;
    this.#form = form;
    this.#told = told;
  }

  start(): void {
    this.#hook();
    this.#link.start(Date.now());
    this.drain();
  }

  leave(): void {
    this.#link.leave();
    this.drain();
  }

  wake(): void {
    this.#link.wake(Date.now());
    this.drain();
  }

  /** Carries out what the link wants until it wants nothing, then sets the one timer. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let output = this.#link.poll(); output; output = this.#link.poll()) this.#carryOut(output);
    this.#draining = false;
    clearTimeout(this.#timer);
    const due = this.#link.nextTimer();
    if (due === undefined || due === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#link.onTimer(Date.now());
      this.drain();
    }, Math.max(0, due - Date.now()));
  }

  #carryOut(output: LinkOutput): void {
    if ("up" in output) {
      if (output.up === "ended") this.#release();
      return this.#told.up(output);
    }
    switch (output.do) {
      case "open":
        this.#drop(4000);
        this.#open();
        break;
      case "send":
        this.#send(output.message);
        break;
      case "close":
        this.#drop(output.code);
        break;
    }
  }

  #open(): void {
    const closed = (code: number): void => {
      this.#socket = undefined;
      this.#link.onClose(code, Date.now());
      this.drain();
    };
    let socket: SocketLike;
    try {
      socket = this.#create(this.#url, SUB_PROTOCOLS[this.#form ?? "json"], this.#form);
    } catch {
      queueMicrotask(() => closed(1006));
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#form = socket.protocol === SUB_PROTOCOLS.postcard ? "postcard" : "json";
      this.#link.onOpen(Date.now());
      this.drain();
    };
    socket.onmessage = ({ data }) => {
      const message = FORMS[this.#form ?? "json"].read(data);
      if (message) this.#link.onMessage(message, Date.now());
      this.drain();
    };
    socket.onclose = ({ code }) => closed(code);
    socket.onerror = () => undefined;
  }

  /** What cannot be said is refused as the server would. */
  #send(message: { id?: unknown }): void {
    if (!this.#socket) return;
    try {
      this.#socket.send(FORMS[this.#form ?? "json"].write(message));
    } catch (error) {
      if (typeof message.id !== "number") return;
      const { field, message: why } = error as Error & { field?: string };
      const refusal = { t: "no", re: message.id, code: "bad_message", ...(field === undefined ? {} : { field }), why };
      this.#link.onMessage(refusal, Date.now());
    }
  }

  #drop(code: number): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close(code);
    } catch {
      // It was closed already.
    }
  }

  #hook(): void {
    this.#release();
    let last = Date.now();
    this.#heartbeat = setInterval(() => {
      const now = Date.now();
      const jumped = Math.abs(now - last - HEARTBEAT_MS) > JUMP_MS;
      last = now;
      if (!jumped) return;
      this.#told.slept();
      this.wake();
    }, HEARTBEAT_MS);
    const wake = (): void => this.wake();
    const moved = (): void => {
      this.#told.moved();
      this.wake();
    };
    const show = (): void => {
      if (document.visibilityState === "visible") this.wake();
    };
    if (typeof addEventListener === "function" && typeof document !== "undefined") {
      addEventListener("online", moved);
      addEventListener("pageshow", wake);
      document.addEventListener("visibilitychange", show);
      document.addEventListener("resume", wake);
      this.#unhook.push(() => {
        removeEventListener("online", moved);
        removeEventListener("pageshow", wake);
        document.removeEventListener("visibilitychange", show);
        document.removeEventListener("resume", wake);
      });
    }
    this.#hookNetwork(moved);
  }

  /** From Wi-Fi to mobile without a gap, which `online` does not tell. Few browsers say of which kind a network is. */
  #hookNetwork(moved: () => void): void {
    const network = (globalThis.navigator as { connection?: EventTarget & { type?: string } } | undefined)?.connection;
    if (!network) return;
    let last = network.type;
    const look = (): void => {
      // It tells of estimated speeds too, and of the way through no network at all.
      const { type } = network;
      if (type === last || type === "none") return;
      last = type;
      moved();
    };
    network.addEventListener("change", look);
    this.#unhook.push(() => network.removeEventListener("change", look));
  }

  #release(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
    for (const off of this.#unhook) off();
    this.#unhook = [];
  }
}
