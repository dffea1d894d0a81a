/**
 * Which camera and which microphone, and how loud the latter is: one small panel, used before a call and in it.
 *
 * It owns no device. A choice is shown where there is one: with a single camera there is nothing to choose.
 */

import type { Devices, Kind } from "./devices.js";
import { h, setText, toggle } from "./dom.js";

const BARS = 5;

/** Bars that move with the voice; `stop` ends the drawing. */
export function levelMeter(devices: Devices): { element: HTMLElement; stop(): void } {
  const element = h("div.level", { role: "img", "aria-label": "Loudness of your microphone" });
  for (let bar = 0; bar < BARS; bar += 1) element.append(h("i"));
  const bars = [...element.children];
  let frame = 0;
  const draw = (): void => {
    const loud = devices.level();
    bars.forEach((bar, index) => bar.classList.toggle("is-lit", loud * BARS * 1.6 > index + 0.25));
    frame = requestAnimationFrame(draw);
  };
  draw();
  return { element, stop: () => cancelAnimationFrame(frame) };
}

/** The two choices. `chosen` is told after each change that worked. */
export function pickers(devices: Devices, chosen: () => void): { element: HTMLElement; stop(): void } {
  const camera = picker(devices, "camera", "Camera", chosen);
  const microphone = picker(devices, "microphone", "Microphone", chosen);
  const element = h("div.pickers", {}, camera.element, microphone.element);
  const draw = async (): Promise<void> => {
    const shown = await Promise.all([camera.draw(), microphone.draw()]);
    toggle(element, shown.some(Boolean));
  };
  toggle(element, false);
  const stop = devices.onChange(() => void draw());
  void draw();
  return { element, stop };
}

function picker(devices: Devices, kind: Kind, label: string, chosen: () => void): { element: HTMLElement; draw(): Promise<boolean> } {
  const select = h("select", { "data-testid": `${kind}-select`, "aria-label": label });
  const element = h("label.picker", {}, h("span", {}, label), select);
  toggle(element, false);
  let listed = "";
  select.addEventListener("change", () => {
    select.disabled = true;
    void devices.choose(kind, select.value).then((isOpen) => {
      select.disabled = false;
      if (isOpen) chosen();
      void draw();
    });
  });
  const draw = async (): Promise<boolean> => {
    const all = await devices.list(kind);
    const list = all.map((it) => `${it.deviceId} ${it.label}`).join("\n");
    if (list !== listed) {
      listed = list;
      select.replaceChildren(...all.map((it, index) => option(it.deviceId, it.label || `${label} ${index + 1}`)));
    }
    const current = devices.current(kind);
    if (current !== undefined && all.some((it) => it.deviceId === current)) select.value = current;
    toggle(element, all.length > 1 && current !== undefined);
    return !element.hidden;
  };
  return { element, draw };
}

function option(value: string, text: string): HTMLOptionElement {
  const element = h("option", { value });
  setText(element, text);
  return element;
}
