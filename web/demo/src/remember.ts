/**
 * What this device remembers: who somebody was here, and what they chose. And what one tab remembers over a reload.
 *
 * Two windows of one browser are two people: a tab keeps its own account in its session storage, the device keeps the
 * last one for the next visit, and a tab that finds that one in use next door becomes somebody new.
 */

export interface Profile {
  name: string;
  gender?: string;
  minutes: number;
  /** Whether one goes on without a picture. */
  noPicture?: boolean;
}

export interface Stay {
  token: string;
  user: string;
  name: string;
  gender?: string;
  noPicture?: boolean;
}

const PROFILE = "duologue.profile";
const STAY = "duologue.stay";
const CHAT = "duologue.chat";
const DEVICES = "duologue.devices";
const ASKED = "duologue.asked";

/** The camera and the microphone that somebody chose on this device, by the browser's ids. */
export interface Chosen {
  camera?: string;
  microphone?: string;
}

export function readProfile(): Profile {
  return { name: "", minutes: 5, ...read<Partial<Profile>>(localStorage, PROFILE) };
}

export function keepProfile(profile: Profile): void {
  write(localStorage, PROFILE, profile);
}

export function readChosen(): Chosen {
  return read<Chosen>(localStorage, DEVICES) ?? {};
}

export function keepChosen(chosen: Chosen): void {
  write(localStorage, DEVICES, chosen);
}

/** Whether somebody was offered to be notified, and said something to it. */
export function wasOfferedBell(): boolean {
  return read<boolean>(localStorage, ASKED) === true;
}

export function keepOfferedBell(): void {
  write(localStorage, ASKED, true);
}

/** The account of this tab, if it was reloaded in the middle of a stay. */
export function readTabStay(): Stay | null {
  return read<Stay>(sessionStorage, STAY);
}

/** The account that this device had last. */
export function readDeviceStay(): Stay | null {
  return read<Stay>(localStorage, STAY);
}

export function keepStay(stay: Stay, onDevice: boolean): void {
  write(sessionStorage, STAY, stay);
  if (onDevice) write(localStorage, STAY, stay);
}

/** The stay is over, the name may be remembered. */
export function endStay(token: string): void {
  remove(sessionStorage, STAY);
  if (readDeviceStay()?.token === token) remove(localStorage, STAY);
}

export function forgetAll(): void {
  for (const key of [PROFILE, STAY, DEVICES, ASKED]) remove(localStorage, key);
  for (const key of [STAY, CHAT, "duologue"]) remove(sessionStorage, key);
}

/** The lines of the present call, for a reload. */
export function keepChat<T>(call: number, lines: readonly T[]): void {
  write(sessionStorage, CHAT, { call, lines });
}

export function readChat<T>(call: number): T[] {
  const kept = read<{ call: number; lines: T[] }>(sessionStorage, CHAT);
  return kept?.call === call ? kept.lines : [];
}

/** Answers for our token to other tabs, and asks whether one of them has a token. */
export class Neighbours {
  readonly #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("duologue");
  #mine: string | null = null;

  constructor() {
    this.#channel?.addEventListener("message", ({ data }) => {
      const message = data as { ask?: string };
      if (message.ask && message.ask === this.#mine) this.#channel?.postMessage({ here: message.ask });
    });
  }

  claim(user: string | null): void {
    this.#mine = user;
  }

  has(user: string): Promise<boolean> {
    const channel = this.#channel;
    if (!channel) return Promise.resolve(false);
    return new Promise((resolve) => {
      const hear = ({ data }: MessageEvent): void => {
        if ((data as { here?: string }).here === user) done(true);
      };
      const done = (answer: boolean): void => {
        channel.removeEventListener("message", hear);
        resolve(answer);
      };
      channel.addEventListener("message", hear);
      channel.postMessage({ ask: user });
      setTimeout(() => done(false), 150);
    });
  }
}

function read<T>(storage: Storage, key: string): T | null {
  try {
    return JSON.parse(storage.getItem(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}

function write(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage: nothing is remembered, everything works.
  }
}

function remove(storage: Storage, key: string): void {
  try {
    storage.removeItem(key);
  } catch {
    // As above.
  }
}
