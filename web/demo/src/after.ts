/**
 * After a call, over the lobby: how long it was, why it ended, when the two can meet again.
 */

import type { Card, DuologueEvents } from "@duologue/sdk";
import type { App } from "./app.js";
import { h, trapFocus } from "./dom.js";
import { callEnded, nameOf, span } from "./words.js";

export function afterCall(app: App, ended: DuologueEvents["call_ended"], peer: Card): HTMLElement {
  const who = nameOf(peer);
  const { title, text } = callEnded(ended, who);
  const back = h("button.primary.big", { type: "button", "data-testid": "after-close" }, "Back to the lobby");
  const { totals } = ended;
  const dialog = h(
    "div.ring.after",
    { role: "dialog", "aria-modal": "true", "aria-labelledby": "after-title", "data-testid": "after-call" },
    app.face(peer, "large"),
    h("h2", { id: "after-title" }, title),
    h("p.ring-text", {}, text),
    ended.cooldown_until !== undefined &&
      ended.why !== "blocked" &&
      h("p.after-again", {}, "again ", h("strong", {}, app.again(ended.cooldown_until))),
    totals && totals.calls > 1 && h("p.fine", {}, `Your ${ordinal(totals.calls)} call. ${span(totals.seconds)} in all.`),
    back,
  );
  const veil = h("div.veil", {}, dialog);
  const close = (): void => {
    veil.remove();
    document.removeEventListener("keydown", onKey);
    app.covered();
    document.querySelector<HTMLElement>("[data-testid=meet-button]")?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") close();
  };
  document.addEventListener("keydown", onKey);
  back.addEventListener("click", close);
  trapFocus(dialog);
  setTimeout(() => back.focus(), 0);
  app.say(`${title}. ${text}`);
  return veil;
}

function ordinal(count: number): string {
  const tens = count % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${suffix}`;
}
