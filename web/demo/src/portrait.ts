/**
 * A still picture of oneself, for one's card: taken from the camera, looked at, taken again, or left out.
 *
 * Two places have it: the preview at the door, where it waits until one comes in, and a dialog in the lobby. Whether there
 * is a store for pictures only the server knows; it is asked when there is one to bring, and its "no" is said in words.
 */

import type { App } from "./app.js";
import { h, setText, toggle, trapFocus } from "./dom.js";
import { icon } from "./icons.js";
import { pictureRefused } from "./words.js";

/** A little more than the server keeps, so that it has something to shrink. */
const SIDE = 512;
const QUALITY = 0.9;

/** What the camera sees now, its middle as a square; `null` where it sees nothing yet. Not mirrored: others see one so. */
export async function snap(video: HTMLVideoElement): Promise<Blob | null> {
  const { videoWidth: width, videoHeight: height } = video;
  const side = Math.min(width, height);
  if (side === 0) return null;
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  canvas.getContext("2d")!.drawImage(video, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

/** An image of a picture that is nowhere but here. */
class Still {
  readonly element = h("img", { alt: "The picture for your card", "data-testid": "portrait-still", draggable: "false" });
  #url: string | undefined;

  show(picture: Blob | null): void {
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = picture ? URL.createObjectURL(picture) : undefined;
    if (this.#url !== undefined) this.element.src = this.#url;
    else this.element.removeAttribute("src");
  }
}

export interface Portrait {
  readonly element: HTMLElement;
  /** What was taken, if anything. */
  readonly picture: Blob | null;
  stop(): void;
}

/** Over the preview of the camera: take one, again, or none. */
export function portrait(app: App, video: HTMLVideoElement): Portrait {
  let picture: Blob | null = null;
  const still = new Still();
  // Where there is little room one sees oneself rather than many words.
  const take = h("button.portrait-take", { type: "button", "data-testid": "snap-button" }, icon("photo"), h("span"), h("span.roomy"));
  const without = h("button.portrait-take", { type: "button", "data-testid": "unsnap-button", "aria-label": "Without a picture" }, icon("close"), h("span.roomy", {}, "Without a picture"));
  const element = h("div.portrait", { role: "group", "aria-label": "A picture for your card" }, still.element, take, without);

  const show = (next: Blob | null): void => {
    picture = next;
    still.show(next);
    toggle(still.element, next !== null);
    toggle(without, next !== null);
    const [, words, more] = take.children;
    setText(words!, next ? "Again" : "Take a picture");
    setText(more!, next ? "" : " for your card");
  };
  take.addEventListener("click", () => {
    void snap(video).then((taken) => {
      if (!taken) return app.note("The camera shows nothing yet. Try again in a moment.");
      const isFirst = picture === null;
      show(taken);
      app.say(isFirst ? "That is the picture for your card." : "A new picture for your card.");
    });
  });
  without.addEventListener("click", () => {
    show(null);
    take.focus();
    app.say("Your card will have no picture.");
  });
  show(null);
  return {
    element,
    get picture() {
      return picture;
    },
    stop: () => still.show(null),
  };
}

/** In the lobby: another one, or none any more. The dialog goes by itself when somebody rings. */
export function portraitDialog(app: App): HTMLElement {
  const duo = app.duo!;
  const { devices } = app;
  const opener = document.activeElement;
  const wasOn = devices.video !== null;
  let taken: Blob | null = null;

  const video = h("video.mirror", { autoplay: true, playsinline: true, muted: true, "aria-label": "Your camera" });
  video.muted = true;
  const still = new Still();
  const face = app.face(duo.me, "large");
  const text = h("p.ring-text", { role: "status" });
  const first = h("button.primary.big", { type: "button", "data-testid": "portrait-take" });
  const second = h("button.soft.big", { type: "button", "data-testid": "portrait-again" }, "Again");
  const remove = h("button.quiet", { type: "button", "data-testid": "portrait-remove" }, "Without a picture");
  const close = h("button.quiet", { type: "button", "data-testid": "portrait-close" }, "Close");
  const dialog = h(
    "div.ring.portrait-dialog",
    { role: "dialog", "aria-modal": "true", "aria-labelledby": "portrait-title", "data-testid": "portrait-dialog" },
    h("div.portrait-stage", {}, face, video, still.element),
    h("h2", { id: "portrait-title" }, "Your picture"),
    text,
    h("div.pair", {}, second, first),
    h("div.pair.portrait-foot", {}, remove, close),
  );
  const veil = h("div.veil", {}, dialog);

  const draw = (): void => {
    const isOn = devices.video !== null;
    const shown = video.srcObject as MediaStream | null;
    if (isOn && shown?.getVideoTracks()[0] !== devices.video) video.srcObject = new MediaStream([devices.video!]);
    if (!isOn) video.srcObject = null;
    toggle(video, isOn && !taken);
    toggle(still.element, taken !== null);
    toggle(face, !isOn && !taken);
    toggle(second, taken !== null);
    toggle(remove, duo.me.selfie !== undefined);
    setText(first, taken ? "Use this one" : isOn ? "Take it" : "Turn the camera on");
    setText(text, devices.trouble && !isOn ? `${devices.trouble.title}.` : taken ? "This is how others will see you." : "Others see it on your card, and when you ring.");
  };

  const end = (): void => {
    offDevices();
    offs.forEach((off) => off());
    still.show(null);
    video.srcObject = null;
    if (!wasOn && devices.video && !duo.call) {
      devices.closeCamera();
      app.useDevices();
    }
    document.removeEventListener("keydown", onKey);
    veil.remove();
    app.covered();
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") end();
  };
  const busy = async (act: () => Promise<unknown>): Promise<void> => {
    const all = [first, second, remove];
    for (const it of all) it.disabled = true;
    await act();
    for (const it of all) it.disabled = false;
    draw();
  };
  /** Kept, or why not. */
  const bring = async (picture: Blob | null, done: string): Promise<void> => {
    try {
      await duo.setSelfie(picture);
      app.note(done);
      end();
    } catch (error) {
      app.note(pictureRefused(error));
    }
  };

  first.addEventListener("click", () => {
    void busy(async () => {
      if (taken) return bring(taken, "Your card has your picture now.");
      if (!devices.video) return void (await devices.openCamera());
      taken = await snap(video);
      still.show(taken);
    });
  });
  second.addEventListener("click", () => {
    taken = null;
    still.show(null);
    draw();
    first.focus();
  });
  remove.addEventListener("click", () => void busy(() => bring(null, "Your card shows your initials now.")));
  close.addEventListener("click", end);
  document.addEventListener("keydown", onKey);
  trapFocus(dialog);
  const offDevices = devices.onChange(draw);
  const offs = [duo.on("rang", end), duo.on("paired", end), duo.on("call_started", end), duo.on("closed", end)];
  draw();
  setTimeout(() => first.focus(), 0);
  return veil;
}
