/**
 * What the four states of the page share: the link, the person, the devices, a voice for screen readers, short notes.
 *
 * It owns which state is shown, and the one ticking clock that all of them draw by.
 */

import type { Card, Duologue } from "@duologue/sdk";
import type { Alerts } from "./alerts.js";
import { avatar } from "./avatar.js";
import type { Devices } from "./devices.js";
import { h } from "./dom.js";
import type { Neighbours, Profile, Stay } from "./remember.js";
import { when } from "./words.js";

export interface View {
  readonly element: HTMLElement;
  /** Something has changed, or a quarter of a second has passed. */
  update(): void;
  destroy(): void;
}

export interface App {
  readonly duo: Duologue | null;
  readonly stay: Stay | null;
  readonly profile: Profile;
  readonly devices: Devices;
  readonly alerts: Alerts;
  readonly neighbours: Neighbours;
  /** What is sent is what the devices give. */
  useDevices(): void;
  /** Reads out. */
  say(text: string): void;
  /** Shows a line for a few seconds, and reads it out. */
  note(text: string, kind?: "plain" | "cooldown"): void;
  face(card: Card, kind?: string): HTMLElement;
  /** "again" instants are the server's; people look at their own clock. */
  again(serverInstant: number): string;
  /** In with a person; throws what keeps them out. */
  enter(stay: Stay): Promise<void>;
  /** Out, and everything about this person erased, here and at the server. */
  forgetMe(): Promise<void>;
  /** Shows a dialog over everything. */
  cover(veil: HTMLElement): void;
  /** A dialog came or went: what lies under one cannot be reached. */
  covered(): void;
  /** Out, back to the door. */
  goOut(): void;
}

export function faceOf(duo: Duologue | null, card: Card, kind?: string): HTMLElement {
  return avatar(card, duo?.mediaUrl(card.selfie), kind);
}

export function againOf(duo: Duologue | null, serverInstant: number): string {
  return when(serverInstant - (duo?.clock.offset ?? 0), Date.now());
}

/** Notes at the foot of the page, and the voice. */
export class Voice {
  readonly element: HTMLElement;
  readonly #polite = h("div.visually-hidden", { "aria-live": "polite", role: "status" });
  readonly #notes = h("aside.notes", { "aria-label": "Notes" });

  constructor() {
    this.element = h("div", {}, this.#polite, this.#notes);
  }

  say(text: string): void {
    // The same sentence twice is said twice only if the region was empty in between.
    this.#polite.textContent = "";
    setTimeout(() => (this.#polite.textContent = text), 60);
  }

  note(text: string, kind: "plain" | "cooldown" = "plain"): void {
    this.say(text);
    const note = h("div.note", kind === "cooldown" ? { "data-testid": "cooldown" } : {}, text);
    this.#notes.append(note);
    while (this.#notes.childElementCount > 3) this.#notes.firstElementChild?.remove();
    setTimeout(() => {
      note.classList.add("is-leaving");
      setTimeout(() => note.remove(), 400);
    }, 5_500);
  }
}
