/**
 * The window as its viewer sees it: which card is in which place, kept right by versions.
 *
 * A `window` replaces everything; a delta counts only if its version is exactly one more. After a gap the places stay
 * as they are (old cards are better than none) until the fresh window comes that the answer `gap` asks for.
 */

import type { Card, Marks, Place, ServerViews } from "./wire.js";

export interface Shown {
  card: Card;
  marks: Marks;
}

export type WindowStep = "changed" | "gap" | "ignored";

export class WindowView {
  readonly #places = new Map<number, Shown>();
  #version = 0;
  #available = 0;
  #size = 0;
  #trusted = false;

  /** Cards by place; places without one are empty. */
  get places(): ReadonlyMap<number, Shown> {
    return this.#places;
  }

  /** How many are in the lobby and free, oneself included. */
  get available(): number {
    return this.#available;
  }

  get size(): number {
    return this.#size;
  }

  /** What the server last sent; 0 is nothing. */
  get version(): number {
    return this.#version;
  }

  onWindow(view: ServerViews["window"]): WindowStep {
    this.#places.clear();
    for (const place of view.places) this.#set(place);
    this.#version = view.version;
    this.#size = view.size;
    this.#available = view.available;
    this.#trusted = true;
    return "changed";
  }

  onDelta(delta: ServerViews["window_delta"]): WindowStep {
    if (!this.#trusted) return "ignored";
    if (delta.version <= this.#version) return "ignored";
    if (delta.version !== this.#version + 1) {
      this.#trusted = false;
      return "gap";
    }
    for (const place of delta.set ?? []) this.#set(place);
    this.#version = delta.version;
    if (delta.available !== undefined) this.#available = delta.available;
    return "changed";
  }

  clear(): void {
    this.#places.clear();
    this.#available = 0;
    this.#trusted = false;
    this.#version = 0;
  }

  find(user: string): Shown | undefined {
    for (const shown of this.#places.values()) if (shown.card.user === user) return shown;
    return undefined;
  }

  #set([place, card, marks]: Place): void {
    if (card) this.#places.set(place, { card, marks: marks ?? {} });
    else this.#places.delete(place);
  }
}
