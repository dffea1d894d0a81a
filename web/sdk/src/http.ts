/**
 * What is asked over HTTP rather than over the link: guest accounts, one's own profile and picture, history, the end.
 *
 * Each call answers or throws a `DuologueError`; a network that fails is `unreachable`. It keeps nothing but the token.
 */

import { DuologueError, type ErrorDetails } from "./errors.js";
import { pageStorage, type StorageLike } from "./memory.js";
import type { CallId, Card, Totals, UserId } from "./wire.js";

export interface GuestWish {
  name: string;
  gender?: string;
  introduction?: string;
  access_code?: string;
}

export interface Guest {
  user: Card;
  token: string;
  expires: number;
}

export interface Account {
  user: Card;
  totals: Totals;
  access: { allowed: boolean; code?: string; uses_left?: number };
  expires: number;
}

export interface PastCall {
  call: CallId;
  peer: Card;
  started: number;
  ended: number;
  seconds: number;
  agreed: number;
  why: string;
  chat?: { from: UserId; text: string; at: number }[];
}

/** Makes an account that lasts some days; its token opens the link. */
export async function createGuest(baseUrl: string, wish: GuestWish): Promise<Guest> {
  return (await request(baseUrl, "POST", "/v1/guests", undefined, wish)) as Guest;
}

const GUEST = "duologue.guest";

/**
 * The guest of this tab: the one that it had before a reload, and a new one where there was none or its time is over. With another
 * server, name or gender it is somebody new too. `storage` is the page's session storage unless told otherwise.
 */
export async function guest(baseUrl: string, wish: GuestWish, storage: StorageLike | undefined = pageStorage()): Promise<Guest> {
  const who = [httpUrl(baseUrl), wish.name, wish.gender ?? ""].join(" ");
  const kept = readGuest(storage, who);
  if (kept) {
    try {
      await new Api(baseUrl, kept.token).me();
      return kept;
    } catch (error) {
      if (!(error instanceof DuologueError) || !/^(bad|expired)_token$/.test(error.code)) throw error;
    }
  }
  const made = await createGuest(baseUrl, wish);
  try {
    storage?.setItem(GUEST, JSON.stringify({ who, guest: made }));
  } catch {
    // A full or forbidden storage costs the reload, not the page.
  }
  return made;
}

function readGuest(storage: StorageLike | undefined, who: string): Guest | undefined {
  try {
    const kept = JSON.parse(storage?.getItem(GUEST) ?? "null") as { who: string; guest: Guest } | null;
    return kept?.who === who ? kept.guest : undefined;
  } catch {
    return undefined;
  }
}

/** A signed-in user's own things. */
export class Api {
  readonly #base: string;
  readonly #token: string;

  constructor(baseUrl: string, token: string) {
    this.#base = baseUrl;
    this.#token = token;
  }

  me(): Promise<Account> {
    return this.#ask("GET", "/v1/me") as Promise<Account>;
  }

  /** `null` clears a field; what is absent stays. */
  updateMe(change: { name?: string; gender?: string | null; selfie?: string | null; tags?: string[] | null }): Promise<Account> {
    return this.#ask("PATCH", "/v1/me", change) as Promise<Account>;
  }

  /**
   * JPEG, PNG or WebP, at most 512 KiB and eight million pixels; the server keeps the middle of it as a square of 384.
   * `Duologue.setSelfie` does the same and knows one's card afterwards. Where no pictures are kept: `unknown_path`.
   */
  putSelfie(picture: Blob): Promise<Account> {
    return this.#ask("PUT", "/v1/me/selfie", picture) as Promise<Account>;
  }

  history(options: { before?: CallId; limit?: number } = {}): Promise<{ calls: PastCall[]; more: boolean }> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options)) query.set(name, String(value));
    return this.#ask("GET", `/v1/history?${query}`) as Promise<{ calls: PastCall[]; more: boolean }>;
  }

  /** Revokes the token. */
  async signOut(): Promise<void> {
    await this.#ask("DELETE", "/v1/session");
  }

  /** Erases the person: profile, picture, chat. */
  async erase(): Promise<void> {
    await this.#ask("DELETE", "/v1/me");
  }

  #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    return request(this.#base, method, path, this.#token, body);
  }
}

async function request(base: string, method: string, path: string, token?: string, body?: unknown): Promise<unknown> {
  const headers: Record<string, string> = {};
  if (token) headers.authorization = `Bearer ${token}`;
  const init: RequestInit = { method, headers };
  if (body instanceof Blob) {
    headers["content-type"] = body.type;
    init.body = body;
  } else if (body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(httpUrl(base) + path, init);
  } catch {
    throw unreachable(base);
  }
  const text = await response.text().catch(() => "");
  const value = parse(text);
  if (response.ok) return value;
  const problem = (value ?? {}) as ErrorDetails & { code?: string };
  throw new DuologueError(problem.code ?? codeOf(response.status), problem);
}

/** A browser does not tell a page of another origin why it has no answer. */
function unreachable(base: string): DuologueError {
  const here = globalThis.location?.origin;
  if (here === undefined || new URL(httpUrl(base)).origin === here) return new DuologueError("unreachable");
  return new DuologueError("unreachable", {}, "The server cannot be reached, or does not let in pages of this origin (its key http.origins).");
}

function codeOf(status: number): string {
  if (status === 401) return "bad_token";
  if (status === 429) return "rate_limited";
  if (status === 413) return "too_large";
  if (status >= 500) return "unavailable";
  return "bad_message";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `https://host/base` of any of the ways to name a server, without a slash at the end. */
export function httpUrl(url: string): string {
  const parsed = new URL(url, globalThis.location?.href);
  parsed.protocol = parsed.protocol.replace(/^ws/, "http");
  parsed.search = parsed.hash = "";
  return parsed.href.replace(/\/+$/, "").replace(/\/v1\/ws$/, "");
}

/** `wss://host/base/v1/ws` of the same. */
export function socketUrl(url: string): string {
  return `${httpUrl(url).replace(/^http/, "ws")}/v1/ws`;
}
