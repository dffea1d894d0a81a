/**
 * The shell around a `Link`: one WebSocket at a time, one timer, and the signs that a machine woke up.
 *
 * It owns everything of the browser that a link needs and decides nothing. A socket that was given up is unhooked first,
 * so that it can say nothing more.
 */

import type { Link, LinkOutput } from "./link.js";

/** The part of a `WebSocket` that is used. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export type CreateSocket = (url: string, protocol: string) => SocketLike;

export const SUB_PROTOCOL = "duologue.v1.json";
/** How often the clock is looked at, and how far it must have jumped to call it a sleep. */
const HEARTBEAT_MS = 2_000;
const JUMP_MS = 10_000;

type Up = Exclude<LinkOutput, { do: string }>;

export class Driver {
  readonly #link: Link;
  readonly #url: string;
  readonly #create: CreateSocket;
  readonly #up: (output: Up) => void;
  readonly #onSleep: () => void;
  #socket: SocketLike | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #draining = false;
  #unhook: (() => void)[] = [];

  constructor(link: Link, url: string, create: CreateSocket, up: (output: Up) => void, onSleep: () => void) {
    this.#link = link;
    this.#url = url;
    this.#create = create;
    this.#up = up;
    this.#onSleep = onSleep;
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
      return this.#up(output);
    }
    switch (output.do) {
      case "open":
        this.#drop(4000);
        this.#open();
        break;
      case "send":
        this.#socket?.send(output.text);
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
      socket = this.#create(this.#url, SUB_PROTOCOL);
    } catch {
      queueMicrotask(() => closed(1006));
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      this.#link.onOpen(Date.now());
      this.drain();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#link.onText(data, Date.now());
      this.drain();
    };
    socket.onclose = ({ code }) => closed(code);
    socket.onerror = () => undefined;
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
      this.#onSleep();
      this.wake();
    }, HEARTBEAT_MS);
    const wake = (): void => this.wake();
    const show = (): void => {
      if (document.visibilityState === "visible") this.wake();
    };
    if (typeof addEventListener === "function" && typeof document !== "undefined") {
      addEventListener("online", wake);
      addEventListener("pageshow", wake);
      document.addEventListener("visibilitychange", show);
      document.addEventListener("resume", wake);
      this.#unhook.push(() => {
        removeEventListener("online", wake);
        removeEventListener("pageshow", wake);
        document.removeEventListener("visibilitychange", show);
        document.removeEventListener("resume", wake);
      });
    }
  }

  #release(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
    for (const off of this.#unhook) off();
    this.#unhook = [];
  }
}
