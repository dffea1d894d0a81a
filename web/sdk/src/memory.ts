/**
 * What a page keeps over a reload, in its session storage: its client id, its resume token with the last number that
 * it saw, the call whose seat it has, that call's ICE servers (there are only a few to be had), and a call that was hung up
 * while the server could not hear of it.
 *
 * The window's places are not kept: a reloaded page has to draw them anyway, so it asks for a fresh window.
 * A browser that duplicates a tab duplicates this too; `renew` is the way out. Without a storage it lasts as long as
 * the page.
 */

import type { CallId, IceServer } from "./wire.js";

/** The part of `Storage` that is used; anything with these three will do. */
export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Kept {
  client: string;
  resume?: { token: string; seq: number } | undefined;
  seat?: CallId | undefined;
  hungUp?: CallId | undefined;
  ice?: { call: CallId; servers: IceServer[]; expires: number } | undefined;
}

export class Memory {
  readonly #storage: StorageLike | undefined;
  readonly #key: string;
  readonly #draw: () => string;
  #kept: Kept;

  constructor(storage: StorageLike | undefined, key: string, draw: () => string = drawClient) {
    this.#storage = storage;
    this.#key = key;
    this.#draw = draw;
    this.#kept = this.#read() ?? { client: draw() };
    this.#write();
  }

  get kept(): Readonly<Kept> {
    return this.#kept;
  }

  keep(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change };
    this.#write();
  }

  /** Another page is this client now: be a new one. */
  renew(): void {
    this.#kept = { client: this.#draw() };
    this.#write();
  }

  forget(): void {
    this.#kept = { client: this.#draw() };
    try {
      this.#storage?.removeItem(this.#key);
    } catch {
      // A storage that refuses has nothing to forget.
    }
  }

  #read(): Kept | undefined {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(this.#key) ?? "null");
      const kept = value as Kept | null;
      return kept && /^[0-9a-f]{32}$/.test(kept.client) ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  #write(): void {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // A full or forbidden storage costs the reload, not the page.
    }
  }
}

/** 32 random hexadecimal digits. */
export function drawClient(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The page's session storage, where it may have one. */
export function pageStorage(): StorageLike | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}
