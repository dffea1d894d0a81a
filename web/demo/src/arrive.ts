/**
 * The first state: who one is, how one looks, and whether camera and microphone work, before anybody rings.
 *
 * The camera is asked for when somebody presses a button, or at once where the browser would not ask them anyway.
 */

import { Api, createGuest, DuologueError } from "@duologue/sdk";
import type { App, View } from "./app.js";
import { paint } from "./avatar.js";
import { troubleOfBoth, type Trouble } from "./devices.js";
import { h, set, setText, toggle } from "./dom.js";
import { icon } from "./icons.js";
import { levelMeter, pickers } from "./pickers.js";
import { portrait } from "./portrait.js";
import { forgetAll, keepProfile, readDeviceStay, type Stay } from "./remember.js";
import { inTime, pictureRefused } from "./words.js";

const GENDERS: readonly (readonly [value: string, label: string])[] = [
  ["", "Rather not say"],
  ["female", "Woman"],
  ["male", "Man"],
  ["other", "Other"],
];

/** Louder than the noise of a quiet room. */
const LOUD = 0.04;
const SILENCE_MS = 6_000;

export function arriveView(app: App, serverUrl: string): View {
  const { profile, devices } = app;
  let gender = profile.gender ?? "";
  let isBusy = false;
  let isOver = false;

  const name = h("input.text", {
    id: "name",
    "data-testid": "name-input",
    type: "text",
    maxlength: 40,
    autocomplete: "nickname",
    placeholder: "Your first name will do",
    "aria-describedby": "trouble",
    required: true,
  });
  name.value = profile.name;

  const genders = h("div.chips", { role: "radiogroup", "aria-label": "How do you appear?" });
  for (const [value, label] of GENDERS) {
    const input = h("input", { type: "radio", name: "gender", value, "data-testid": `gender-${value || "none"}` });
    input.checked = value === gender;
    input.addEventListener("change", () => (gender = value));
    genders.append(h("label.chip", {}, input, h("span", {}, label)));
  }

  const enter = h("button.primary.wide", { type: "submit", "data-testid": "enter-button" }, "Come in");
  const noCamera = h("button.quiet.wide", { type: "button", "data-testid": "no-camera-button" }, "Go on without a picture");
  const trouble = h("div.trouble", { id: "trouble", role: "alert" });
  toggle(trouble, false);
  const forget = h("button.link", { type: "button" }, "Forget me on this device");
  toggle(forget, profile.name !== "");

  const video = h("video.mirror", { autoplay: true, playsinline: true, muted: true, "aria-label": "Your camera" });
  video.muted = true;
  const orb = h("div.preview-orb", { "aria-hidden": "true" });
  paint(orb, profile.name || "duologue");
  const previewText = h("p.preview-text", {}, "See yourself before anybody rings");
  const start = h("button.soft", { type: "button", "data-testid": "preview-button" }, icon("camera"), "Turn the camera on");
  const meter = levelMeter(devices);
  const meterText = h("span.preview-sound", { role: "status", "data-testid": "sound-text" });
  const choices = pickers(devices, () => drawPreview());
  const bar = h("div.preview-bar", {}, h("div.preview-level", {}, meter.element, meterText), choices.element);
  const shot = portrait(app, video);
  const preview = h(
    "section.preview",
    { "aria-label": "Your camera and microphone" },
    orb,
    video,
    h("div.preview-idle", {}, previewText, start),
    shot.element,
    bar,
  );

  const form = h(
    "form.arrive-form",
    { novalidate: true },
    h("label.field", { for: "name" }, h("span.label", {}, "What shall we call you?"), name),
    h("div.field", {}, h("span.label", {}, "How do you appear?"), genders),
    trouble,
    h("div.stack", {}, enter, noCamera),
    h("p.fine", {}, "Picture and sound are not recorded. What you write may be kept by this server."),
    forget,
  );

  const element = h(
    "main.arrive",
    {},
    h(
      "div.arrive-text",
      {},
      h("div.wordmark", {}, mark(), "Duologue"),
      h("h1", {}, "Talk with one person.", h("br"), h("em", {}, "For a few minutes.")),
      form,
    ),
    preview,
  );

  const show = (title: string, text: string): void => {
    trouble.replaceChildren(h("strong", {}, title), h("span", {}, text));
    toggle(trouble, true);
  };

  /** Both are missing: that is one thing to say. */
  const both = (): Trouble | null => (devices.trouble && devices.soundTrouble ? troubleOfBoth(devices.trouble, devices.soundTrouble) : null);

  const drawPreview = (): void => {
    const isOn = devices.video !== null;
    preview.classList.toggle("is-on", isOn);
    const shown = video.srcObject as MediaStream | null;
    if (isOn && shown?.getVideoTracks()[0] !== devices.video) video.srcObject = new MediaStream([devices.video!]);
    if (!isOn) video.srcObject = null;
    setText(previewText, devices.trouble ? "No picture so far" : "See yourself before anybody rings");
    start.lastChild!.textContent = devices.trouble ? "Try again" : "Turn the camera on";
    drawSound();
    const wrong = both() ?? devices.trouble;
    if (wrong) show(wrong.title, wrong.text);
    else if (isOn) toggle(trouble, false);
    noCamera.classList.toggle("is-wanted", devices.trouble !== null);
  };

  /** Silence is said after a while: bars that do not move are seen by nobody who does not look for them. */
  let heardAt = performance.now();
  const drawSound = (): void => {
    const { audio, soundTrouble } = devices;
    const now = performance.now();
    if (!audio || devices.level() > LOUD) heardAt = now;
    preview.classList.toggle("has-sound", audio !== null || (soundTrouble !== null && !both()));
    toggle(meter.element, audio !== null);
    if (soundTrouble && !both()) setText(meterText, `${soundTrouble.title}.`);
    else setText(meterText, audio && now - heardAt > SILENCE_MS ? "We hear nothing so far. Say something." : "");
  };

  const openCamera = async (): Promise<boolean> => {
    start.disabled = true;
    const isOn = await devices.open();
    start.disabled = false;
    if (!isOver) drawPreview();
    return isOn;
  };

  const busy = (is: boolean, text = "Come in"): void => {
    isBusy = is;
    enter.disabled = noCamera.disabled = is;
    setText(enter, text);
  };

  /** The account that this device had, unless another window is that person just now, or the name is another. */
  const oldStay = async (wished: string): Promise<Stay | null> => {
    const old = readDeviceStay();
    if (!old || old.name !== wished || (old.gender ?? "") !== gender) return null;
    return (await app.neighbours.has(old.user)) ? null : old;
  };

  const newStay = async (wished: string): Promise<Stay> => {
    const guest = await createGuest(serverUrl, gender ? { name: wished, gender } : { name: wished });
    return { token: guest.token, user: guest.user.user, name: wished, ...(gender ? { gender } : {}) };
  };

  /** The picture first, so that the card has it from the beginning. What keeps it away keeps nobody out. */
  const enterAs = async (stay: Stay): Promise<void> => {
    let refused: string | null = null;
    if (shot.picture && !stay.noPicture) {
      try {
        await new Api(serverUrl, stay.token).putSelfie(shot.picture);
      } catch (error) {
        if (isStale(error)) throw error;
        refused = pictureRefused(error);
      }
    }
    await app.enter(stay);
    if (refused) app.note(refused);
  };

  const go = async (withPicture: boolean): Promise<void> => {
    const wished = name.value.trim();
    if (isBusy) return;
    if (wished === "") {
      show("One thing is missing", "Tell us a name first. It may be any name.");
      set(name, { "aria-invalid": "true" });
      name.focus();
      return;
    }
    toggle(trouble, false);
    busy(true, "One moment …");
    const late = setTimeout(() => isBusy && !isOver && setText(enter, "Still trying to reach the server …"), 5_000);
    if (withPicture && !devices.video) {
      if (!(await openCamera())) {
        busy(false);
        return noCamera.scrollIntoView({ block: "nearest" });
      }
    } else if (!withPicture) {
      devices.closeCamera();
      await devices.openMicrophone();
    }
    Object.assign(profile, { name: wished, gender: gender || undefined, noPicture: !withPicture });
    keepProfile(profile);
    try {
      const old = await oldStay(wished);
      const choice = { noPicture: !withPicture };
      try {
        await enterAs({ ...(old ?? (await newStay(wished))), ...choice });
      } catch (error) {
        if (!old || !isStale(error)) throw error;
        await enterAs({ ...(await newStay(wished)), ...choice });
      }
    } catch (error) {
      if (isOver) return;
      show("That did not work", error instanceof DuologueError ? sentence(error) : "Try once more in a moment.");
      busy(false);
    } finally {
      clearTimeout(late);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void go(true);
  });
  noCamera.addEventListener("click", () => void go(false));
  name.addEventListener("input", () => {
    set(name, { "aria-invalid": undefined });
    paint(orb, name.value || "duologue");
  });
  start.addEventListener("click", () => void openCamera());
  forget.addEventListener("click", () => {
    const old = readDeviceStay();
    forgetAll();
    name.value = profile.name = "";
    toggle(forget, false);
    app.note("Forgotten.");
    if (old) void eraseQuietly(serverUrl, old.token);
  });

  void devices.isGranted().then((isGranted) => {
    if (isGranted && !isOver && !devices.video && !profile.noPicture) void openCamera();
  });
  drawPreview();
  // On a phone the keyboard would cover the page at once.
  setTimeout(() => {
    if (!isOver && matchMedia("(min-width: 700px)").matches) name.focus();
  }, 50);

  const stopListening = devices.onChange(drawPreview);
  const soundTimer = setInterval(drawSound, 250);

  return {
    element,
    update: () => undefined,
    destroy() {
      isOver = true;
      stopListening();
      clearInterval(soundTimer);
      meter.stop();
      choices.stop();
      shot.stop();
      video.srcObject = null;
    },
  };
}

export function mark(): HTMLElement {
  return h("span.mark", { "aria-hidden": "true" }, h("i"), h("i"));
}

function isStale(error: unknown): boolean {
  return error instanceof DuologueError && /^(bad|expired)_token$/.test(error.code);
}

function sentence(error: DuologueError): string {
  if (error.code === "unreachable") return "The server cannot be reached. Are you online?";
  if (error.code === "rate_limited") return `Many have come in from your network. Try again ${inTime(error.retryAfterMs ?? 0)}.`;
  if (error.code === "bad_message" && error.field === "name") return "This name cannot be used. Try another one.";
  return error.message;
}

async function eraseQuietly(serverUrl: string, token: string): Promise<void> {
  const api = new Api(serverUrl, token);
  await api.erase().catch(() => api.updateMe({ selfie: null }).catch(() => undefined));
  await api.signOut().catch(() => undefined);
}
