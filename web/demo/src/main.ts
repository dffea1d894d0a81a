/**
 * The page: which of its states is shown, and what happens between them.
 *
 * It owns the link and the person of this tab. States are views that draw what the SDK knows; a change of the SDK or a
 * quarter of a second makes the present one draw again.
 */

import { Api, Duologue, DuologueError, openCarrier, type Card, type ConnectOptions } from "@duologue/sdk";
import { afterCall } from "./after.js";
import { Alerts } from "./alerts.js";
import { againOf, faceOf, Voice, type App, type View } from "./app.js";
import { arriveView, mark } from "./arrive.js";
import { callView } from "./call.js";
import { Devices } from "./devices.js";
import { h, setText, toggle } from "./dom.js";
import { lobbyView } from "./lobby.js";
import { endStay, forgetAll, keepStay, Neighbours, readDeviceStay, readProfile, readTabStay, type Stay } from "./remember.js";
import { ringView } from "./ring.js";
import { incomingEnded, nameOf, outgoingEnded } from "./words.js";
import "./style.css";

const QUERY = new URLSearchParams(location.search);
/** The server that served the page; `?server=` is for whoever works on the page itself. */
const SERVER = new URL(QUERY.get("server") ?? "./", location.href).href;
const FORM = QUERY.get("form");
/** `?carrier=auto` takes WebTransport where it can be had, else it is a WebSocket; `?form=postcard` speaks in bytes; `?compact=off` says descriptions as they are. */
const LINK: Partial<ConnectOptions> = {
  ...(QUERY.get("carrier") === "auto" ? { createSocket: openCarrier } : {}),
  ...(FORM === "json" || FORM === "postcard" ? { form: FORM } : {}),
  ...(QUERY.get("compact") === "off" ? { compact: false } : {}),
};
const TICK_MS = 250;
/** How long after the end of a ring the start of our own call may come, when that was its reason. */
const BUSY_MS = 500;

const root = document.querySelector<HTMLElement>("#app")!;
const stage = h("div.page");
const thin = h("div.thin", { role: "status", "data-testid": "reconnecting" }, h("span", {}, "reconnecting …"));
toggle(thin, false);
const over = h("div.over");
const voice = new Voice();
root.append(stage, over, thin, voice.element);

const profile = readProfile();
const devices = new Devices();
const alerts = new Alerts();
const neighbours = new Neighbours();

let duo: Duologue | null = null;
let stay: Stay | null = null;
let view: View | null = null;
let shownCall: number | null = null;
let ring: View | null = null;
/** The link has ended, and the page says so instead of lobby or call. */
let isHalted = false;
/** Whom an invite was with, for the sentence after its end. */
const partners = new Map<number, { card: Card; mine: boolean }>();

const app: App = {
  get duo() {
    return duo;
  },
  get stay() {
    return stay;
  },
  profile,
  devices,
  alerts,
  neighbours,
  useDevices: () => duo?.media.set({ audio: devices.audio, video: devices.video }),
  say: (text) => voice.say(text),
  note: (text, kind) => voice.note(text, kind),
  face: (card, kind) => faceOf(duo, card, kind),
  again: (instant) => againOf(duo, instant),
  enter,
  forgetMe,
  cover(veil) {
    over.append(veil);
    app.covered();
  },
  covered() {
    stage.inert = over.querySelector(".veil:not([hidden])") !== null;
  },
  goOut() {
    leave();
    arrive();
  },
};

Object.defineProperty(window, "__duologue", {
  value: {
    get duo() {
      return duo;
    },
    peerConnection: () => duo?.call?.peerConnection,
  },
});

// Unplugged, or another one chosen: what is sent follows.
devices.onChange(() => {
  if (!duo || !stay) return;
  if (duo.media.audio !== devices.audio || duo.media.video !== devices.video) app.useDevices();
});
setInterval(update, TICK_MS);
void boot();

async function boot(): Promise<void> {
  const old = readTabStay();
  if (!old) return arrive();
  // A reload in the middle: the link first, the camera when it is there.
  show(waitingView("Coming back …"));
  if (!old.noPicture) void devices.open().then(app.useDevices);
  else void devices.openMicrophone().then(app.useDevices);
  try {
    await enter(old);
  } catch {
    endStay(old.token);
    arrive();
  }
}

function arrive(): void {
  stay = null;
  isHalted = false;
  neighbours.claim(null);
  over.replaceChildren();
  ring?.destroy();
  ring = null;
  shownCall = null;
  alerts.quiet();
  show(arriveView(app, SERVER));
}

async function enter(next: Stay): Promise<void> {
  const opened = Duologue.open({ url: SERVER, token: next.token, ...LINK });
  listen(opened);
  opened.media.set({ audio: devices.audio, video: devices.video });
  duo = opened;
  try {
    await opened.ready;
    await goIn(opened);
  } catch (error) {
    if (duo === opened) duo = null;
    opened.leave();
    throw error;
  }
  stay = next;
  neighbours.claim(next.user);
  // The account of another window of this device stays what the device remembers.
  const remembered = readDeviceStay();
  const isOurs = !remembered || remembered.user === next.user || !(await neighbours.has(remembered.user));
  keepStay(next, isOurs);
  ring = ringView(app);
  over.replaceChildren(ring.element);
  choose();
}

/** Into the lobby, and one looks around: another tab of the same person, or this one before a reload, may have done either already. */
async function goIn({ lobby }: Duologue): Promise<void> {
  await Promise.all([lobby.name === null && lobby.join(), !lobby.isWatching && lobby.watch({ size: 20 })]);
}

/** Everything that an event says beyond what views draw by themselves. */
function listen(to: Duologue): void {
  to.on("change", () => {
    if (to !== duo || !stay) return;
    for (const it of to.invites.incoming) partners.set(it.invite, { card: it.from!, mine: false });
    for (const it of to.invites.outgoing) partners.set(it.invite, { card: it.to!, mine: true });
    choose();
    update();
  });
  to.on("link", drawLink);
  to.on("invite_ended", (ended) => {
    const partner = partners.get(ended.invite);
    partners.delete(ended.invite);
    if (!partner) return;
    const who = nameOf(partner.card);
    const text = partner.mine ? outgoingEnded(ended, who, app.again) : incomingEnded(ended, who);
    const tell = (): void => {
      if (text) voice.note(text, ended.cooldown_until === undefined ? "plain" : "cooldown");
    };
    if (ended.why !== "busy") return tell();
    // Either of the two is in a call. If that is us, its start follows, and nothing is to be said.
    setTimeout(() => to === duo && !to.call && tell(), BUSY_MS);
  });
  to.on("pair_ended", ({ waiting, why }) => {
    if (why === "refused" || why === "timeout") voice.note(waiting ? "That did not work out. We go on looking." : "You did not answer, so we stopped looking.");
  });
  to.on("call_ended", (ended) => {
    if (!ended.peer || to !== duo || !stay) return;
    choose();
    over.querySelector("[data-testid=after-call]")?.parentElement?.remove();
    over.append(afterCall(app, ended, ended.peer));
    app.covered();
  });
  to.on("call_started", () => {
    over.querySelector("[data-testid=after-call]")?.parentElement?.remove();
    app.covered();
  });
  to.on("notified", ({ kind, about, by }) => {
    if (kind === "introduced") voice.note(`${by ?? "Somebody"} brings ${nameOf(about)} to meet you.`);
    else if (kind === "access_unlocked") voice.note("You have earned an access code of your own.");
    else if (kind === "report_decided") voice.note("Your report has been looked at. Thank you.");
  });
  to.on("closed", (error) => {
    if (to === duo && stay) onClosed(to, error);
  });
}

/** Lobby or call, by what the SDK knows. */
function choose(): void {
  if (!duo || !stay || isHalted) return;
  const { call } = duo;
  if (call && shownCall !== call.id) {
    shownCall = call.id;
    show(callView(app, call));
  } else if (!call && (shownCall !== null || view?.element.dataset.testid !== "lobby")) {
    shownCall = null;
    show(lobbyView(app));
  }
}

function show(next: View): void {
  view?.destroy();
  view = next;
  stage.replaceChildren(next.element);
  app.covered();
}

function update(): void {
  if (!duo || !stay) return;
  view?.update();
  ring?.update();
  app.covered();
}

function drawLink(): void {
  toggle(thin, stay !== null && duo?.linkStatus === "reconnecting");
}

function onClosed(closed: Duologue, error: DuologueError): void {
  toggle(thin, false);
  alerts.quiet();
  if (error.code === "closed") return;
  if (error.code === "bad_token" || error.code === "expired_token") {
    leave();
    arrive();
    return voice.note("Your visit has ended. Come in again.");
  }
  isHalted = true;
  const elsewhere = error.code === "superseded" || error.code === "signed_in_elsewhere";
  over.replaceChildren();
  shownCall = null;
  show(
    elsewhere
      ? waitingView(error.message, "Continue here", () => {
          show(waitingView("Coming back …"));
          closed.start();
          void closed.once("welcome").then(async () => {
            isHalted = false;
            ring ??= ringView(app);
            over.replaceChildren(ring.element);
            await goIn(closed).catch(() => undefined);
            choose();
          });
        })
      : waitingView(error.message, error.code === "banned" ? undefined : "Try again", () => location.reload()),
  );
}

/** Out: no grace, the devices are closed. */
function leave(): void {
  duo?.leave();
  if (stay) endStay(stay.token);
  duo = null;
  stay = null;
  devices.close();
  toggle(thin, false);
}

async function forgetMe(): Promise<void> {
  const old = stay;
  leave();
  forgetAll();
  profile.name = "";
  delete profile.gender;
  arrive();
  if (!old) return;
  const api = new Api(SERVER, old.token);
  // Erasing first: the token is needed for it. A server without it still throws the picture away and ends the session.
  const erased = await api.erase().then(() => true, () => false);
  if (!erased) await api.updateMe({ selfie: null }).catch(() => undefined);
  await api.signOut().catch(() => undefined);
  voice.note(erased ? "Forgotten. Nothing of you is left here." : "You are signed out, and this device has forgotten you.");
}

/** A word in the middle of the page, with at most one thing to do about it. */
function waitingView(text: string, button?: string, act?: () => void): View {
  const line = h("p", {});
  setText(line, text);
  return {
    element: h("main.waiting", {}, mark(), line, button !== undefined && h("button.primary", { type: "button", onclick: () => act?.() }, button)),
    update: () => undefined,
    destroy: () => undefined,
  };
}
