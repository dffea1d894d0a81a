/**
 * The second state: who is here. Cards stay in their places; one comes and goes softly, and no other moves for it.
 *
 * It draws the window of the SDK place by place, and never sorts. Above it: "Meet somebody", and how long to ring for.
 */

import { DuologueError, type Card, type Filter, type Shown } from "@duologue/sdk";
import type { App, View } from "./app.js";
import { mark } from "./arrive.js";
import { h, setText, toggle } from "./dom.js";
import { icon } from "./icons.js";
import { portraitDialog } from "./portrait.js";
import { keepOfferedBell, keepProfile, wasOfferedBell } from "./remember.js";
import { lengthSlider } from "./slider.js";
import { clock, company, inviteRefused, isMadeUp, nameOf } from "./words.js";

const WINDOW_SIZE = 20;
const LEAVE_MS = 420;
const FILTERS: readonly (readonly [gender: string, label: string])[] = [
  ["", "Everybody"],
  ["female", "Women"],
  ["male", "Men"],
  ["other", "Others"],
];

interface Cell {
  element: HTMLElement;
  user: string | null;
  card: HTMLElement | null;
  draw: ((shown: Shown) => void) | null;
  look: string;
}

export function lobbyView(app: App): View {
  const cells: Cell[] = [];
  let gender = "";
  let isAway = false;

  const filterOf = (): Filter | undefined => (gender ? { genders: [gender] } : undefined);
  const watch = (): Promise<void> => {
    const filter = filterOf();
    return app.duo!.lobby.watch(filter ? { size: WINDOW_SIZE, filter } : { size: WINDOW_SIZE });
  };

  // Not read out by itself: in a busy lobby it changes every second.
  const here = h("span.here", {});
  const own = h("button.me", { type: "button", "aria-expanded": "false", "aria-controls": "own-menu", "data-testid": "me-button" });
  const bell = h("button.menu-item", { type: "button" }, icon("bell"), "Tell me when somebody rings");
  const out = h("button.menu-item", { type: "button" }, icon("close"), "Leave");
  const forget = h("button.menu-item.danger", { type: "button", "data-testid": "forget-button" }, icon("block"), "Forget me");
  const picture = h("button.menu-item", { type: "button", "data-testid": "portrait-button" }, icon("photo"), "Your picture");
  const menu = h("div.menu", { id: "own-menu" }, picture, bell, out, forget);
  toggle(menu, false);

  const slider = lengthSlider({
    label: "Length of the call",
    testId: "length-slider",
    minutes: app.profile.minutes,
    onChange(minutes) {
      app.profile.minutes = minutes;
      keepProfile(app.profile);
    },
  });

  const meetTitle = h("h2", {});
  const meetText = h("p", {});
  const meetCompany = h("p.meet-company", {});
  // Waiting is when one turns to something else: the moment to ask whether we may call one back.
  const meetBell = h("button.bell", { type: "button", "data-testid": "bell-button" }, "Tell me, even when I look elsewhere");
  toggle(meetBell, false);
  const meetButton = h("button.primary", { type: "button", "data-testid": "meet-button" }, "Meet somebody");
  const meet = h("section.meet", { "aria-label": "Meet somebody" }, h("div.meet-orb", { "aria-hidden": "true" }, h("i"), h("i")), h("div.meet-text", {}, meetTitle, meetText, meetCompany, meetBell), meetButton);

  const show = (value: string): void => {
    gender = value;
    watch().catch((error: unknown) => app.note(error instanceof DuologueError ? error.message : "That did not work."));
  };
  const filters = h("div.chips.small", { role: "radiogroup", "aria-labelledby": "filter-label" });
  for (const [value, label] of FILTERS) {
    const input = h("input", { type: "radio", name: "filter", value });
    input.checked = value === gender;
    input.addEventListener("change", () => show(value));
    filters.append(h("label.chip", {}, input, h("span", {}, label)));
  }

  const grid = h("div.grid", { role: "list", "aria-label": "People who are free" });
  const emptyTitle = h("p.empty-title", {});
  const emptyText = h("p", {});
  const showAll = h("button.soft", { type: "button", "data-testid": "show-all-button" }, "Show everybody");
  showAll.addEventListener("click", () => {
    const everybody = filters.querySelector<HTMLInputElement>("input")!;
    everybody.checked = true;
    everybody.focus();
    show("");
  });
  const empty = h("div.empty", {}, h("div.empty-orb", { "aria-hidden": "true" }), emptyTitle, emptyText, showAll);
  const away = h(
    "div.away",
    { role: "alert" },
    h("p", {}, "You did not answer for a while, so others do not see you any more."),
    h("button.primary", { type: "button", onclick: () => void comeBack() }, "I am back"),
  );
  toggle(away, false);

  const element = h(
    "main.lobby",
    { "data-testid": "lobby" },
    h("h1.visually-hidden", {}, "People who are free"),
    h("header.bar", {}, h("div.wordmark", {}, mark(), "Duologue"), here, h("div.me-box", {}, own, menu)),
    away,
    h("div.lobby-top", {}, meet, h("section.length", { "aria-label": "Length of a call, and whom to show" }, slider.element, h("div.filters", {}, h("span.slider-label", { id: "filter-label" }, "Show"), filters))),
    grid,
    empty,
  );

  const comeBack = async (): Promise<void> => {
    isAway = false;
    await Promise.all([app.duo?.lobby.join(), watch()]).catch(() => app.note("That did not work. Try once more."));
    draw();
  };

  const ring = async (card: Card, button: HTMLButtonElement): Promise<void> => {
    button.disabled = true;
    const who = nameOf(card);
    try {
      await app.duo!.lobby.invite(card, { seconds: slider.seconds });
    } catch (error) {
      app.note(inviteRefused(error, who, (until) => app.again(until)));
    } finally {
      button.disabled = false;
      draw();
    }
  };

  meetButton.addEventListener("click", () => {
    const { lobby } = app.duo!;
    meetButton.disabled = true;
    const filter = filterOf();
    const act: Promise<unknown> = lobby.ticket ? lobby.stopMeeting() : lobby.meet(filter ? { filter } : {});
    act
      .catch((error: unknown) => app.note(error instanceof DuologueError ? error.message : "That did not work. Try once more."))
      .finally(() => {
        meetButton.disabled = false;
        draw();
      });
  });

  const openMenu = (isOpen: boolean): void => {
    // The focus never stays on what is hidden.
    const hadFocus = menu.contains(document.activeElement);
    toggle(menu, isOpen);
    own.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) toggle(bell, app.alerts.canAskToNotify);
    else if (hadFocus) own.focus();
  };
  own.addEventListener("click", () => openMenu(menu.hidden === true));
  const closeMenu = (event: Event): void => {
    if (event instanceof KeyboardEvent ? event.key === "Escape" : !menu.parentElement?.contains(event.target as Node)) openMenu(false);
  };
  document.addEventListener("pointerdown", closeMenu);
  document.addEventListener("keydown", closeMenu);
  const askToNotify = async (): Promise<void> => {
    keepOfferedBell();
    const isAllowed = await app.alerts.askToNotify();
    openMenu(false);
    app.note(isAllowed ? "We tell you when somebody rings." : "All right. Leave this page open, and you will hear the bell.");
    draw();
  };
  bell.addEventListener("click", () => void askToNotify());
  meetBell.addEventListener("click", () => void askToNotify());
  picture.addEventListener("click", () => {
    openMenu(false);
    app.cover(portraitDialog(app));
  });
  out.addEventListener("click", () => app.goOut());
  let forgetsAtSecond = false;
  forget.addEventListener("click", () => {
    if (forgetsAtSecond) return void app.forgetMe();
    forgetsAtSecond = true;
    forget.replaceChildren(icon("block"), "Yes, erase everything");
    setTimeout(() => {
      forgetsAtSecond = false;
      forget.replaceChildren(icon("block"), "Forget me");
    }, 4_000);
  });

  const newCard = (shown: Shown): { card: HTMLElement; draw: (shown: Shown) => void } => {
    const who = nameOf(shown.card);
    const label = h("span.card-name", {}, who);
    const by = h("span.card-by", {});
    const later = h("span.card-later", {});
    const button = h(
      "button.card-ring",
      { type: "button", "data-testid": "ring-button", "aria-label": `Ring ${who}` },
      icon("call"),
      h("span", {}, "Ring"),
    );
    let latest = shown;
    button.addEventListener("click", () => void ring(latest.card, button));
    const madeUp = isMadeUp(shown.card);
    const tags = (shown.card.tags ?? []).filter((tag) => tag !== "made-up").slice(0, 3).map((tag) => h("span.tag", {}, tag.replace(/^[a-z]+:/, "")));
    const mark = madeUp && h("span.tag.made-up", { "data-testid": "made-up", title: "Made up by this server, for company" }, "made up");
    const card = h(
      "div.card",
      { role: "listitem", "data-testid": "card", "data-user": shown.card.user, "aria-label": madeUp ? `${who}, made up` : who },
      app.face(shown.card, "fill"),
      h("div.card-foot", {}, label, tags.length > 0 && h("div.tags", {}, ...tags), h("div.card-lines", {}, by, later, mark && h("span", {}, mark)), button),
    );
    return {
      card,
      draw(now) {
        latest = now;
        const until = now.marks.cooldown_until;
        const isCooling = until !== undefined && until > app.duo!.clock.now();
        card.classList.toggle("is-cooling", isCooling);
        if (isCooling) {
          setText(later, `again ${app.again(until)}`);
          later.dataset.testid = "cooldown";
        } else {
          setText(later, "");
          delete later.dataset.testid;
        }
        setText(by, now.marks.introduced_by ? `introduced by ${now.marks.introduced_by}` : "");
        const isRung = app.duo!.invites.outgoing.some((it) => it.to?.user === now.card.user);
        card.classList.toggle("is-ringing", isRung);
        toggle(button, !isCooling);
      },
    };
  };

  const leave = (cell: Cell): void => {
    const old = cell.card;
    cell.user = cell.card = cell.draw = null;
    if (!old) return;
    old.classList.add("is-leaving");
    old.removeAttribute("data-testid");
    old.setAttribute("aria-hidden", "true");
    old.inert = true;
    setTimeout(() => old.remove(), LEAVE_MS);
  };

  const drawGrid = (): void => {
    const { places } = app.duo!.lobby;
    const count = Math.max(-1, ...places.keys()) + 1;
    while (cells.length < count) {
      const cell: Cell = { element: h("div.cell"), user: null, card: null, draw: null, look: "" };
      cells.push(cell);
      grid.append(cell.element);
    }
    cells.forEach((cell, place) => {
      const shown = places.get(place);
      // A new picture is a new card in the same place.
      const look = shown ? `${shown.card.user} ${shown.card.selfie ?? ""} ${shown.card.name ?? ""}` : "";
      if (look !== cell.look) {
        cell.look = look;
        leave(cell);
        if (shown) {
          const made = newCard(shown);
          cell.user = shown.card.user;
          cell.card = made.card;
          cell.draw = made.draw;
          cell.element.append(made.card);
        }
      }
      cell.element.classList.toggle("is-empty", !shown);
      if (shown) cell.draw?.(shown);
    });
    // Empty places at the end go, once nobody is leaving them; those between stay, so that nothing jumps.
    while (cells.length > count && cells.at(-1)!.element.childElementCount === 0) cells.pop()!.element.remove();
    const isEmpty = places.size === 0 && !isAway;
    if (isEmpty) drawEmpty();
    toggle(empty, isEmpty);
    toggle(grid, cells.length > 0);
  };

  const drawEmpty = (): void => {
    const fitsNobody = gender !== "" && app.duo!.lobby.available > 1;
    setText(emptyTitle, fitsNobody ? "None of those here fit" : "Quiet here, for now");
    setText(
      emptyText,
      fitsNobody
        ? "Whoever comes in and fits appears by itself."
        : "Whoever comes in appears on this page by itself. A second window of this page is enough to try it.",
    );
    toggle(showAll, fitsNobody);
  };

  /** Whether the window shows everybody who could be found, and each of them is somebody for another day. */
  const hasMetAll = (): boolean => {
    const { places, available } = app.duo!.lobby;
    const now = app.duo!.clock.now();
    const isWhole = gender !== "" ? places.size < WINDOW_SIZE : available - 1 <= places.size;
    return isWhole && places.size > 0 && [...places.values()].every(({ marks }) => (marks.cooldown_until ?? 0) > now);
  };

  let ownLook = "";
  const draw = (): void => {
    const { duo } = app;
    if (!duo) return;
    const { lobby } = duo;
    const me = `${duo.me.user} ${duo.me.selfie ?? ""} ${duo.me.name ?? ""}`;
    if (me !== ownLook) {
      ownLook = me;
      own.replaceChildren(app.face(duo.me, "small"), h("span.me-name", {}, duo.me.name ?? ""), h("span.visually-hidden", {}, "Menu"));
    }
    setText(here, lobby.name === null ? "" : company(lobby.available));
    const { ticket } = lobby;
    meet.classList.toggle("is-waiting", ticket !== null);
    if (ticket) {
      const waited = Math.max(0, Math.floor((duo.clock.now() - ticket.since) / 1000)) * 1000;
      setText(meetTitle, "Looking for somebody …");
      setText(meetText, hasMetAll() ? "You have met everybody who is here, for today. We wait for somebody new." : `${clock(waited)} so far. ${company(lobby.available)}.`);
      setText(meetButton, "Stop looking");
    } else {
      setText(meetTitle, "Not sure whom to ring?");
      setText(meetText, "We find somebody who is free, and you have a few minutes together.");
      setText(meetButton, "Meet somebody");
    }
    toggle(meetBell, ticket !== null && app.alerts.canAskToNotify && !wasOfferedBell());
    setText(meetCompany, `${company(lobby.available)}.`);
    meetButton.classList.toggle("primary", ticket === null);
    meetButton.classList.toggle("soft", ticket !== null);
    toggle(away, isAway && lobby.name === null);
    drawGrid();
  };

  const offLeft = app.duo!.on("left", ({ why }) => {
    isAway = true;
    app.say(why === "away" ? "You left the lobby because you did not answer." : "You were taken out of the lobby.");
    draw();
  });
  draw();

  return {
    element,
    update: draw,
    destroy() {
      offLeft();
      document.removeEventListener("pointerdown", closeMenu);
      document.removeEventListener("keydown", closeMenu);
    },
  };
}
