/**
 * A face for everybody: the picture where there is one, else initials on a gradient that belongs to the person.
 *
 * The colours come from the user's id, so that somebody looks the same to everyone and every day.
 */

import type { Card } from "@duologue/sdk";
import { h } from "./dom.js";

/** Hues in which faces look well in both schemes: more warm than cold, and none of the greens that turn to mud. */
const HUES = [18, 38, 56, 352, 330, 305, 280, 252, 225, 190];

export function avatar(card: Card, pictureUrl: string | undefined, kind = ""): HTMLElement {
  const face = h("div.avatar", { "aria-hidden": "true" }, h("span.initials", {}, initials(card.name)));
  if (kind) face.classList.add(kind);
  paint(face, card.user);
  if (pictureUrl) {
    const picture = h("img", { alt: "", decoding: "async", draggable: "false" });
    picture.addEventListener("load", () => picture.classList.add("is-there"));
    picture.addEventListener("error", () => picture.remove());
    picture.src = pictureUrl;
    face.append(picture);
  }
  return face;
}

export function paint(element: HTMLElement, user: string): void {
  const [hue, other] = huesOf(user);
  element.style.setProperty("--hue", String(hue));
  element.style.setProperty("--hue-2", String(other));
}

/** The two hues of somebody. */
export function huesOf(user: string): [hue: number, other: number] {
  const value = hash(user);
  const hue = HUES[value % HUES.length]! + ((value >>> 8) % 16) - 8;
  const turn = (value >>> 16) % 2 === 0 || hue < 90 || (hue > 170 && hue < 250) ? 34 : -30;
  return [(hue + 360) % 360, (hue + turn + 360) % 360];
}

function initials(name: string | undefined): string {
  const words = (name ?? "").trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "·")][0] ?? "·";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}

/** A number that belongs to a text. */
export function hash(text: string): number {
  let value = 2166136261;
  for (const unit of text) value = Math.imul(value ^ unit.codePointAt(0)!, 16777619) >>> 0;
  return value;
}
