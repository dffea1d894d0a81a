/**
 * The fourth state: the other fills the page, oneself in a corner, the server's clock counts down.
 *
 * It draws what the SDK knows of the call and owns no fact of its own, but for what one is typing.
 */

import { DuologueError, type Call, type ChatLine } from "@duologue/sdk";
import type { App, View } from "./app.js";
import { paint } from "./avatar.js";
import { movable } from "./corner.js";
import { drawnFace } from "./drawn.js";
import { h, set, setText, svg, toggle, trapFocus } from "./dom.js";
import { icon, type IconName } from "./icons.js";
import { keepChat, readChat } from "./remember.js";
import { levelMeter, pickers } from "./pickers.js";
import { clock, isMadeUp, length, nameOf, weak } from "./words.js";

const LATE_MS = 30_000;
const CHAT_MAX = 500;
/** So long a line may be on its way before it is said to be. */
const SENDING_MS = 500;
const REASONS: readonly (readonly [reason: string, label: string])[] = [
  ["harassment", "Rude or threatening"],
  ["nudity", "Naked or sexual"],
  ["minor", "Seems to be a child"],
  ["spam", "Advertising or fraud"],
  ["other", "Something else"],
];

export function callView(app: App, call: Call): View {
  const { duo, devices } = app;
  const who = nameOf(call.peer);
  const offs: (() => void)[] = [];

  const remote = h("video.remote", { autoplay: true, playsinline: true, "data-testid": "remote-video", "aria-label": `${who}, live` });
  const face = h("div.call-face", {}, h("div.call-face-glow", { "aria-hidden": "true" }), app.face(call.peer, "large"));
  paint(face, call.peer.user);
  // Whom the server has made up sends nothing: this page draws a face.
  const drawn = isMadeUp(call.peer) ? drawnFace(call.peer.user, `${who}, drawn`) : null;
  const unmute = h("button.primary.unmute", { type: "button", onclick: () => void play() }, `Tap to hear ${who}`);
  toggle(unmute, false);

  const local = h("video.mirror", { autoplay: true, playsinline: true, muted: true, "data-testid": "local-video", "aria-label": "You" });
  local.muted = true;
  const self = h("div.self", { "aria-label": "Your own picture; the arrow keys move it", role: "group" }, app.face(duo!.me, "fill"), local);
  movable(self, "top-right");

  const time = h("span.call-clock", { role: "timer", "data-testid": "call-clock" });
  const arc = svg("circle", { cx: 12, cy: 12, r: 10, pathLength: 1, class: "arc" });
  const timer = h("div.call-time", {}, svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("circle", { cx: 12, cy: 12, r: 10, class: "track" }), arc) as unknown as HTMLElement, time);
  const status = h("p.call-status", { "data-testid": "call-status" });
  const peerMuted = h("span.call-muted", { title: `${who} is muted` }, icon("micOff"));
  toggle(peerMuted, false);

  const banner = h("div.call-banner", { role: "status" });
  toggle(banner, false);

  const control = (name: IconName, label: string, testId: string, act: () => void, kind = ""): HTMLButtonElement => {
    const button = h("button.control", { type: "button", title: label, "aria-label": label, "data-testid": testId, onclick: act }, icon(name));
    if (kind) button.classList.add(kind);
    return button;
  };

  const mute = control("mic", "Mute", "mute-button", () => {
    duo!.media.mute(!duo!.media.muted);
    draw();
  });
  const camera = control("camera", "Camera off", "camera-button", () => void switchCamera());
  const chatButton = control("chat", "Chat", "chat-button", () => openChat(!element.classList.contains("has-chat")));
  const unread = h("span.badge");
  chatButton.append(unread);
  toggle(unread, false);
  const more = control("more", "More time?", "more-button", () => openSheet(moreSheet));
  // The call is over whatever comes of it: nobody is left to be told what the server thinks.
  const hangUp = control("hangUp", "Hang up", "hangup-button", () => void call.hangUp().catch(() => undefined), "danger");
  const menuButton = control("dots", "More", "menu-button", () => openSheet(menu));

  const menu = h(
    "div.sheet",
    { role: "dialog", "aria-label": "More" },
    h("button.menu-item", { type: "button", "data-testid": "devices-button", onclick: () => openSheet(deviceSheet) }, icon("camera"), "Camera and microphone"),
    h("button.menu-item", { type: "button", "data-testid": "share-button", onclick: () => openSheet(shareSheet) }, icon("contact"), "Exchange contacts"),
    h("button.menu-item", { type: "button", "data-testid": "block-button", onclick: () => openSheet(blockSheet) }, icon("block"), `Block ${who}`),
    h("button.menu-item.danger", { type: "button", "data-testid": "report-button", onclick: () => openSheet(reportSheet) }, icon("flag"), `Report ${who}`),
  );
  const deviceChoices = pickers(devices, () => {
    app.useDevices();
    draw();
  });
  const meter = levelMeter(devices);
  const meterText = h("span", {}, "How loud you are");
  const deviceSheet = h(
    "div.sheet",
    { role: "dialog", "aria-label": "Camera and microphone" },
    h("h2", {}, "Camera and microphone"),
    deviceChoices.element,
    h("div.sheet-level", {}, meter.element, meterText),
    h("button.soft", { type: "button", onclick: () => openSheet(null) }, "Done"),
  );
  const blockSheet = h(
    "div.sheet",
    { role: "dialog", "aria-label": `Block ${who}` },
    h("h2", {}, `Block ${who}?`),
    h("p", {}, "The call ends, and you two will not see each other any more. They are not told."),
    h("div.pair", {}, h("button.soft", { type: "button", onclick: () => openSheet(null) }, "Keep talking"), h("button.primary", { type: "button", "data-testid": "block-confirm", onclick: () => void act(() => call.block()) }, "Block")),
  );
  const reportSheet = h(
    "div.sheet",
    { role: "dialog", "aria-label": `Report ${who}` },
    h("h2", {}, `What is wrong with ${who}?`),
    h("p", {}, "The call ends, and somebody looks at it. They are not told who said so."),
    ...REASONS.map(([reason, label]) =>
      h("button.menu-item", { type: "button", "data-testid": "report-reason", "data-reason": reason, onclick: () => void act(() => call.report(reason), "Thank you. Somebody will look at it.") }, label),
    ),
  );
  const moreChips = h("div.more-chips");
  for (const minutes of [1, 3, 5, 10]) {
    moreChips.append(
      h("button.chip-button", { type: "button", "data-testid": "extend-minutes", "data-minutes": minutes, onclick: () => void act(() => askForMore(minutes * 60)) }, length(minutes * 60)),
    );
  }
  const moreText = h("p", {});
  const moreSheet = h("div.sheet", { role: "dialog", "aria-label": "More time" }, h("h2", {}, "A little more time?"), moreText, moreChips);
  const contact = h("input.text", { type: "text", maxlength: 256, placeholder: "A number, an address, a name somewhere", "aria-label": "Your contact" });
  const shareSheet = h(
    "form.sheet",
    {
      role: "dialog",
      "aria-label": "Exchange contacts",
      onsubmit: (event: Event) => {
        event.preventDefault();
        const value = contact.value.trim();
        if (value) void act(() => call.share({ contact: value }), `${who} sees it as soon as they share theirs.`);
      },
    },
    h("h2", {}, "Exchange contacts"),
    h("p", {}, `${who} sees yours only if they share theirs too.`),
    contact,
    h("button.primary", { type: "submit" }, "Share"),
  );
  const sheets = [menu, deviceSheet, blockSheet, reportSheet, moreSheet, shareSheet];
  for (const sheet of sheets) {
    toggle(sheet, false);
    trapFocus(sheet);
  }

  const lines = h("div.chat-lines", { role: "log", "aria-live": "polite", "aria-label": "Chat" });
  const input = h("input.text", { type: "text", maxlength: CHAT_MAX, placeholder: "Write something", "aria-label": "Message", autocomplete: "off", enterkeyhint: "send", "data-testid": "chat-input" });
  const send = h("button.send", { type: "submit", "aria-label": "Send", title: "Send", "data-testid": "chat-send" }, icon("send"));
  const form = h("form.chat-form", {}, input, send);
  const chat = h("section.chat", { "aria-label": "Chat" }, lines, form);

  const foot = h("div.controls", { role: "group", "aria-label": "Call" }, mute, camera, chatButton, more, hangUp, menuButton);
  const element = h(
    "main.call",
    { "data-testid": "call" },
    h("div.stage", {}, face, drawn?.element, remote),
    h("div.call-shade", { "aria-hidden": "true" }),
    h("header.call-head", {}, h("div.call-who", {}, h("h1", {}, who, peerMuted), status), timer),
    banner,
    unmute,
    self,
    chat,
    h("div.sheets", {}, ...sheets),
    foot,
  );

  const refuse = (error: unknown): void => app.note(error instanceof DuologueError ? error.message : "That did not work. Try once more.");

  const act = async (what: () => Promise<unknown>, thanks?: string): Promise<void> => {
    openSheet(null);
    try {
      await what();
      if (thanks) app.note(thanks);
    } catch (error) {
      refuse(error);
    }
  };

  /** Whether there is more time at all is a rule of the server; a call that just began is not told of it. */
  let isFinal = false;
  const askForMore = async (seconds: number): Promise<void> => {
    try {
      await call.extend(seconds);
    } catch (error) {
      if (!(error instanceof DuologueError) || error.code !== "invalid_duration") throw error;
      isFinal = true;
      app.note("This call ends when its time is over.");
    }
    draw();
  };

  let opener: HTMLElement | null = null;
  const openSheet = (sheet: HTMLElement | null): void => {
    const wasOpen = sheets.find((it) => !it.hidden);
    if (!wasOpen) opener = document.activeElement as HTMLElement | null;
    const next = sheet !== null && sheet === wasOpen ? null : sheet;
    for (const it of sheets) toggle(it, it === next);
    menuButton.setAttribute("aria-expanded", String(next === menu));
    if (next) next.querySelector<HTMLElement>("button, input")?.focus();
    else opener?.focus();
  };
  const closeSheets = (event: Event): void => {
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      if (sheets.some((it) => !it.hidden)) openSheet(null);
      else if (element.classList.contains("has-chat")) openChat(false);
      return;
    }
    const target = event.target as Element;
    if (!target.closest(".sheet, .control")) for (const it of sheets) toggle(it, false);
  };
  document.addEventListener("keydown", closeSheets);
  document.addEventListener("pointerdown", closeSheets);
  const onLook = (): void => {
    if (!document.hidden) app.alerts.inCall(who);
  };
  document.addEventListener("visibilitychange", onLook);

  let seen = 0;
  const openChat = (isOpen: boolean): void => {
    element.classList.toggle("has-chat", isOpen);
    chatButton.setAttribute("aria-pressed", String(isOpen));
    if (isOpen) {
      seen = call.messages.length;
      input.focus();
      lines.scrollTop = lines.scrollHeight;
    } else if (chat.contains(document.activeElement)) {
      chatButton.focus();
    }
    draw();
  };
  /** On a wide page the chat is always there. */
  const isChatShown = (): boolean => element.classList.contains("has-chat") || matchMedia("(min-width: 1080px)").matches;

  const addLine = (line: ChatLine): HTMLElement => {
    const element = h("p.chat-line", { "data-testid": "chat-line" }, !line.mine && h("span.visually-hidden", {}, `${who}: `), line.text);
    if (line.mine) element.classList.add("is-mine");
    if (!line.mine) drawn?.speak(line.text);
    lines.append(element);
    lines.scrollTop = lines.scrollHeight;
    return element;
  };
  // A reloaded page has lost what was said before; the tab has kept it. A replay may tell the same line again.
  const isKnown = (line: ChatLine): boolean => call.messages.some((it) => it.at === line.at && it.from === line.from && it.text === line.text);
  call.messages.unshift(...readChat<ChatLine>(call.id).filter((line) => !isKnown(line)));
  const drawnLines = new Map<ChatLine, HTMLElement>();
  let keptLines = "";
  const drawChat = (): void => {
    for (const [line, element] of drawnLines) {
      if (call.messages.includes(line)) continue;
      element.remove();
      drawnLines.delete(line);
    }
    for (const line of call.messages) {
      const element = drawnLines.get(line) ?? addLine(line);
      drawnLines.set(line, element);
      // A line that goes out at once is not said to wait.
      element.classList.toggle("is-sending", line.sending === true && duo!.clock.now() - line.at > SENDING_MS);
    }
    // A reload does not send: what has not arrived is not kept.
    const sent = call.messages.filter((it) => !it.sending);
    const newest = `${sent.length} ${sent.at(-1)?.at}`;
    if (newest !== keptLines) keepChat(call.id, sent);
    keptLines = newest;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    call.chat(text).then(draw, (error: unknown) => {
      // What was written is not lost for being refused.
      if (!input.value) input.value = text;
      refuse(error);
    });
  });

  const switchCamera = async (): Promise<void> => {
    camera.disabled = true;
    if (devices.video) devices.closeCamera();
    else await devices.openCamera();
    app.useDevices();
    camera.disabled = false;
    draw();
  };

  const play = async (): Promise<void> => {
    try {
      await remote.play();
      toggle(unmute, false);
    } catch (error) {
      if ((error as DOMException).name === "NotAllowedError") toggle(unmute, true);
    }
  };

  let extendSeen: number | null = null;
  const drawBanner = (): void => {
    const { asked } = call;
    if (!call.here) {
      if (banner.dataset.kind !== "moved") {
        banner.dataset.kind = "moved";
        banner.replaceChildren(
          h("span", {}, `You talk with ${who} on another page.`),
          h("button.primary", { type: "button", onclick: () => void call.rejoin().catch(refuse) }, "Continue here"),
        );
      }
    } else if (asked) {
      if (extendSeen !== asked.until) {
        extendSeen = asked.until;
        banner.dataset.kind = "asked";
        banner.replaceChildren(
          h("span", {}, `${who} would like ${length(asked.seconds)} more.`),
          h("button.primary", { type: "button", "data-testid": "extend-accept", onclick: () => void act(() => call.extend(asked.seconds)) }, "Yes, more time"),
        );
        app.say(`${who} would like more time.`);
      }
    } else {
      banner.dataset.kind = "";
      extendSeen = null;
    }
    toggle(banner, !call.here || asked !== null);
  };

  /** Nothing comes of somebody made up, and nothing is missing. */
  const isOnlyDrawn = (): boolean => drawn !== null && call.mediaState !== "connected";

  const statusText = (): string => {
    const lost = call.peerLink;
    if (lost) {
      const left = Math.max(0, Math.ceil(((lost.until ?? 0) - duo!.clock.now()) / 1000));
      return lost.until ? `${who} is reconnecting, ${left} s` : `${who} is reconnecting …`;
    }
    if (!call.here) return "on another page";
    if (isOnlyDrawn()) return call.asking ? "asked for more time …" : "made up, and drawn: no camera, no sound";
    const isUnderWay = call.mediaState === "new" || call.mediaState === "connecting" || call.mediaState === "failed";
    if (isUnderWay) return call.weakness === "silence" ? "looking for another way …" : "connecting …";
    if (call.weakness) return weak(call.weakness, who);
    if (call.asking) return "asked for more time …";
    return "";
  };

  let late = false;
  let wasWeak = false;
  const draw = (): void => {
    const left = call.remainingMs;
    setText(time, clock(left));
    arc.style.strokeDashoffset = String(1 - Math.min(1, left / Math.max(1, call.deadline - call.started)));
    const isLate = left <= LATE_MS;
    element.classList.toggle("is-late", isLate);
    if (isLate && !late) app.say("Thirty seconds left.");
    late = isLate;

    const stream = call.stream;
    if (remote.srcObject !== stream) {
      remote.srcObject = stream;
      if (stream) void play();
    }
    const hasPicture =
      stream !== null && call.peerSending?.picture !== false && stream.getVideoTracks().some((it) => !it.muted && it.readyState === "live");
    element.classList.toggle("has-remote", hasPicture);
    toggle(peerMuted, call.peerSending?.sound === false && call.mediaState === "connected");
    setText(status, statusText());
    const isWeak = call.isWeak && !isOnlyDrawn();
    status.classList.toggle("is-warning", isWeak || call.peerLink !== null);
    // The status counts seconds, so it is no live region: what changed is said once.
    if (isWeak !== wasWeak) app.say(call.weakness ? `${weak(call.weakness, who)}.` : "The connection is well again.");
    wasWeak = isWeak;

    const own = devices.video;
    const shown = (local.srcObject as MediaStream | null)?.getVideoTracks()[0] ?? null;
    if (shown !== own) local.srcObject = own ? new MediaStream([own]) : null;
    self.classList.toggle("has-video", own !== null);

    const { muted, audio } = duo!.media;
    const isMute = muted || !audio;
    mute.classList.toggle("is-off", isMute);
    mute.replaceChildren(icon(isMute ? "micOff" : "mic"));
    set(mute, { "aria-pressed": String(isMute), "aria-label": isMute ? "Unmute" : "Mute", title: isMute ? "Unmute" : "Mute" });
    camera.classList.toggle("is-off", !own);
    camera.replaceChildren(icon(own ? "camera" : "cameraOff"));
    set(camera, { "aria-pressed": String(!own), "aria-label": own ? "Camera off" : "Camera on", title: own ? "Camera off" : "Camera on" });

    drawChat();
    if (isChatShown()) seen = call.messages.length;
    const missed = call.messages.slice(seen).filter((it) => !it.mine).length;
    setText(unread, String(missed));
    toggle(unread, missed > 0);
    chat.classList.toggle("is-empty", call.messages.length === 0);

    const mayExtend = call.extensionsLeft === undefined || call.extensionsLeft > 0;
    more.disabled = !mayExtend;
    toggle(more, !isFinal);
    setText(meterText, devices.audio ? "How loud you are" : (devices.soundTrouble?.title ?? "No microphone") + ".");
    toggle(meter.element, devices.audio !== null);
    const times = call.extensionsLeft;
    setText(
      moreText,
      `It is added when ${who} agrees within half a minute.` + (times === undefined ? "" : times === 1 ? " This is possible once more." : ` This is possible ${times} more times.`),
    );
    drawBanner();
  };

  /** What was wrong before the call was said before it. */
  let said = [devices.soundTrouble, devices.trouble];
  offs.push(
    deviceChoices.stop,
    meter.stop,
    duo!.on("shared", ({ contacts }) => {
      const text = Object.values(contacts).join(", ");
      app.note(`${who}: ${text}`);
      addLine({ from: call.peer.user, text: `My contact: ${text}`, at: duo!.clock.now(), mine: false });
    }),
    duo!.on("call_extended", () => app.note("You have more time.")),
    duo!.on("chat", ({ call: id }) => id === call.id && app.alerts.wrote(who)),
    devices.onChange(() => {
      const troubles = [devices.soundTrouble, devices.trouble];
      for (const it of troubles) if (it && !said.includes(it)) app.note(`${it.title}. ${it.text}`);
      said = troubles;
      draw();
    }),
    duo!.on("peer_link", ({ state }) => app.say(state === "back" ? `${who} is back.` : `${who} is reconnecting.`)),
  );
  // Whoever came by a key goes on by keys; the first of the buttons does no harm. A dialog that covers the page is gone by then.
  setTimeout(() => {
    if (element.isConnected && (document.activeElement === null || document.activeElement === document.body)) mute.focus({ preventScroll: true });
  }, 0);
  app.alerts.inCall(who);
  app.say(drawn ? `You are writing with ${who}, who is made up.` : `You are talking with ${who}.`);
  draw();

  return {
    element,
    update: draw,
    destroy() {
      for (const off of offs) off();
      drawn?.stop();
      document.removeEventListener("keydown", closeSheets);
      document.removeEventListener("pointerdown", closeSheets);
      document.removeEventListener("visibilitychange", onLook);
      remote.srcObject = null;
      local.srcObject = null;
      app.alerts.quiet();
    },
  };
}
