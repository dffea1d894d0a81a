/**
 * The third state, over the lobby: somebody rings, or is being rung, or was found. A ring around the picture empties
 * with the time left.
 *
 * It owns the dialog and shows one matter at a time: what comes in before what goes out. Others who ring wait as small
 * faces below, and one can turn to them.
 */

import { DuologueError, type Card, type InviteState } from "@duologue/sdk";
import type { App, View } from "./app.js";
import { h, setText, svg, toggle, trapFocus } from "./dom.js";
import { icon } from "./icons.js";
import { lengthSlider, type Slider } from "./slider.js";
import { isMadeUp, length, nameOf } from "./words.js";

const RADIUS = 96;
const AROUND = 2 * Math.PI * RADIUS;
/** "Ring longer" is offered when the end is near. */
const EXTEND_MS = 12_000;

/** So long the buttons of a dialog that has just come do nothing. */
const HASTE_MS = 700;

interface Shown {
  key: string;
  card: Card;
  expires: number;
  full: number;
  draw: () => void;
}

export function ringView(app: App): View {
  const dialog = h("div.ring", { role: "dialog", "aria-modal": "true", "data-testid": "ring-dialog", "aria-labelledby": "ring-title" });
  const element = h("div.veil", {}, dialog);
  toggle(element, false);
  trapFocus(dialog);

  let shown: Shown | null = null;
  let wanted: number | null = null;
  let before: Element | null = null;
  const arc = svg("circle", { cx: 104, cy: 104, r: RADIUS, class: "arc", "stroke-dasharray": AROUND, pathLength: AROUND });

  const face = (card: Card): HTMLElement =>
    h(
      "div.ring-face",
      {},
      svg("svg", { viewBox: "0 0 208 208", class: "ring-arc", "aria-hidden": "true" }, svg("circle", { cx: 104, cy: 104, r: RADIUS, class: "track" }), arc) as unknown as HTMLElement,
      app.face(card, "large"),
    );

  const whatFor = (card: Card, text: string): string => `${text}${isMadeUp(card) ? " · made up, for company" : ""}`;

  const refuse = (error: unknown): void => app.note(error instanceof DuologueError ? error.message : "That did not work. Try once more.");

  const press = (button: HTMLButtonElement, act: () => Promise<unknown>): void => {
    button.disabled = true;
    act()
      .catch(refuse)
      .finally(() => (button.disabled = false));
  };

  /** Escape takes one to the careful answer and gives none: a no lasts for a day, and no key says it by accident. */
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dialog.querySelector<HTMLElement>("[data-testid=decline-button], [data-testid=cancel-ring-button]")?.focus();
  });
  // Whoever presses a key or a button while the dialog comes means something else; a key that is held is the same press. The style
  // lets no pointer through, so that nothing but keys comes as far as this.
  let cameAt = 0;
  let calm: ReturnType<typeof setTimeout> | undefined;
  const isNew = (): boolean => performance.now() - cameAt < HASTE_MS;
  dialog.addEventListener(
    "click",
    (event) => {
      if (!isNew()) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
  dialog.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter") event.preventDefault();
  });
  const beNew = (): void => {
    cameAt = performance.now();
    dialog.classList.add("is-new");
    clearTimeout(calm);
    calm = setTimeout(() => dialog.classList.remove("is-new"), HASTE_MS);
  };

  const showIncoming = (invite: InviteState): void => {
    const card = invite.from!;
    const who = nameOf(card);
    const minutes = Math.min(30, Math.max(1, Math.round(invite.seconds / 60)));
    const sum = h("p.ring-sum", { "aria-live": "polite" });
    const say = (): void => {
      const own = slider.seconds;
      const average = Math.floor((own + invite.seconds) / 2);
      setText(sum, own === invite.seconds ? `You will have ${length(average)}.` : `${who} ${length(invite.seconds)}, you ${length(own)}: you will have ${length(average)}.`);
    };
    const slider: Slider = lengthSlider({ label: "Your length", testId: "callee-length", minutes, onChange: say });
    say();
    const accept = h("button.primary.big", { type: "button", "data-testid": "accept-button" }, icon("call"), "Accept");
    const decline = h("button.soft.big", { type: "button", "data-testid": "decline-button" }, "Decline");
    accept.addEventListener("click", () => press(accept, () => app.duo!.invites.accept(invite.invite, { seconds: slider.seconds })));
    decline.addEventListener("click", () =>
      press(decline, async () => {
        const { cooldown_until } = await app.duo!.invites.decline(invite.invite);
        if (cooldown_until) app.note(`You said no. ${who} can ask again ${app.again(cooldown_until)}.`, "cooldown");
      }),
    );
    const others = h("div.ring-others");
    dialog.replaceChildren(
      face(card),
      h("h2", { id: "ring-title" }, `${who} would like to talk`),
      h("p.ring-text", {}, whatFor(card, `for ${length(invite.seconds)}`)),
      slider.element,
      sum,
      h("div.pair", {}, decline, accept),
      h("p.fine", {}, "If you decline, they will not see you for a day."),
      others,
    );
    accept.focus();
    app.say(`${who} is ringing, and would like to talk for ${length(invite.seconds)}.`);
    app.alerts.ring(who, `For a call of ${length(invite.seconds)}`);
    shown!.draw = () => {
      const rest = app.duo!.invites.incoming.filter((it) => it.invite !== invite.invite);
      const key = rest.map((it) => it.invite).join();
      if (others.dataset.key === key) return;
      others.dataset.key = key;
      others.replaceChildren(
        ...(rest.length === 0 ? [] : [h("span", {}, rest.length === 1 ? "also ringing" : `${rest.length} more are ringing`)]),
        ...rest.map((it) =>
          h("button.ring-other", { type: "button", "aria-label": `Turn to ${nameOf(it.from)}`, title: nameOf(it.from), onclick: () => ((wanted = it.invite), draw()) }, app.face(it.from!, "small")),
        ),
      );
    };
  };

  const showOutgoing = (invite: InviteState): void => {
    const card = invite.to!;
    const known = card.name ? card : (app.duo!.lobby.find(card.user)?.card ?? card);
    const who = nameOf(known);
    const cancel = h("button.soft.big", { type: "button", "data-testid": "cancel-ring-button" }, "Cancel");
    const longer = h("button.quiet", { type: "button" }, "Ring a little longer");
    const fine = h("p.fine", {}, "If you cancel, you can ring them again in an hour.");
    cancel.addEventListener("click", () =>
      press(cancel, async () => {
        const { cooldown_until } = await app.duo!.invites.rescind(invite.invite);
        if (cooldown_until) app.note(`You can ring ${who} again ${app.again(cooldown_until)}.`, "cooldown");
      }),
    );
    longer.addEventListener("click", () => press(longer, () => app.duo!.invites.extend(invite.invite)));
    dialog.replaceChildren(
      face(known),
      h("h2", { id: "ring-title" }, `Ringing ${who}\u00a0…`),
      h("p.ring-text", {}, whatFor(known, `for a call of ${length(invite.seconds)}`)),
      h("div.stack", {}, cancel, h("div.ring-foot", {}, fine, longer)),
    );
    cancel.focus();
    app.say(`Ringing ${who}, for a call of ${length(invite.seconds)}.`);
    app.alerts.tick();
    shown!.draw = () => {
      const left = shown!.expires - app.duo!.clock.now();
      longer.classList.toggle("is-hidden", left > EXTEND_MS);
      longer.inert = left > EXTEND_MS;
      fine.classList.toggle("is-hidden", left <= EXTEND_MS);
    };
  };

  const showPair = (pair: number, card: Card, seconds: number): void => {
    const who = nameOf(card);
    const accept = h("button.primary.big", { type: "button", "data-testid": "accept-button" }, icon("call"), "Meet");
    const decline = h("button.soft.big", { type: "button", "data-testid": "decline-button" }, "Not now");
    accept.addEventListener("click", () => press(accept, () => app.duo!.lobby.confirm(pair).then(() => setText(accept, "Waiting for them …"))));
    decline.addEventListener("click", () => press(decline, () => app.duo!.lobby.stopMeeting()));
    dialog.replaceChildren(face(card), h("h2", { id: "ring-title" }, `We found ${who}`), h("p.ring-text", {}, whatFor(card, `for a call of ${length(seconds)}`)), h("div.pair", {}, decline, accept));
    accept.focus();
    app.say(`We found ${who}.`);
    app.alerts.ring(who, "We found somebody for you");
    shown!.draw = () => undefined;
  };

  const open = (next: { key: string; card: Card; expires: number }, fill: () => void): void => {
    if (shown?.key === next.key) {
      // An extension fills the ring again.
      if (next.expires !== shown.expires) shown.full = next.expires - app.duo!.clock.now();
      shown.expires = next.expires;
      return;
    }
    if (!shown) before = document.activeElement;
    app.alerts.quiet();
    shown = { ...next, full: Math.max(1, next.expires - app.duo!.clock.now()), draw: () => undefined };
    toggle(element, true);
    app.covered();
    beNew();
    fill();
  };

  const close = (): void => {
    if (!shown) return;
    shown = null;
    app.alerts.quiet();
    toggle(element, false);
    app.covered();
    dialog.replaceChildren();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };

  const draw = (): void => {
    const { duo } = app;
    if (!duo || duo.call) return close();
    const { incoming, outgoing } = duo.invites;
    const pair = duo.lobby.pair;
    const into = incoming.find((it) => it.invite === wanted) ?? incoming[0];
    const [out] = outgoing;
    if (into) open({ key: `in ${into.invite}`, card: into.from!, expires: into.expires }, () => showIncoming(into));
    else if (pair) open({ key: `pair ${pair.pair}`, card: pair.with, expires: pair.expires }, () => showPair(pair.pair, pair.with, pair.seconds));
    else if (out) open({ key: `out ${out.invite}`, card: out.to!, expires: out.expires }, () => showOutgoing(out));
    else return close();
    if (!shown) return;
    const part = Math.min(1, Math.max(0, (shown.expires - duo.clock.now()) / shown.full));
    arc.style.strokeDashoffset = String(AROUND * (1 - part));
    arc.classList.toggle("is-late", part < 0.25);
    shown.draw();
  };

  return { element, update: draw, destroy: close };
}
