/**
 * How long to talk: one slider, from one minute to thirty.
 */

import { h, setText } from "./dom.js";
import { length } from "./words.js";

export const MINUTES_MIN = 1;
export const MINUTES_MAX = 30;

export interface Slider {
  readonly element: HTMLElement;
  readonly seconds: number;
}

export function lengthSlider(options: {
  label: string;
  testId: string;
  minutes: number;
  onChange?: (minutes: number) => void;
}): Slider {
  const value = h("output.slider-value", {});
  const input = h("input", {
    type: "range",
    min: MINUTES_MIN,
    max: MINUTES_MAX,
    step: 1,
    value: options.minutes,
    "data-testid": options.testId,
    "aria-label": options.label,
  });
  const draw = (): void => {
    const minutes = Number(input.value);
    setText(value, length(minutes * 60));
    input.setAttribute("aria-valuetext", length(minutes * 60));
    input.style.setProperty("--part", String((minutes - MINUTES_MIN) / (MINUTES_MAX - MINUTES_MIN)));
  };
  input.addEventListener("input", () => {
    draw();
    options.onChange?.(Number(input.value));
  });
  draw();
  const element = h("label.slider", {}, h("span.slider-head", {}, h("span.slider-label", {}, options.label), value), input);
  return {
    element,
    get seconds() {
      return Number(input.value) * 60;
    },
  };
}
