/**
 * A moving picture for somebody who sends none, because the server has made them up: a face, drawn here.
 *
 * It breathes, blinks, looks about, and moves its mouth while a line of theirs would be spoken. Colours and features come
 * from the user's id, as those of the avatar. Where motion is not wanted it stands still.
 */

import { hash, huesOf } from "./avatar.js";
import { h } from "./dom.js";

export interface Drawn {
  readonly element: HTMLCanvasElement;
  /** Moves the mouth as long as these words take. */
  speak(text: string): void;
  stop(): void;
}

const FRAME_MS = 33;
const BLINK_MS = 140;
/** How far below the middle of the head. */
const EYES = 0.15;

export function drawnFace(user: string, label: string): Drawn {
  const canvas = h("canvas.drawn", { role: "img", "aria-label": label, "data-testid": "drawn-picture" });
  const pen = canvas.getContext("2d");
  const features = featuresOf(user);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let speaksUntil = 0;
  let drawnAt = -FRAME_MS;
  let frame = 0;

  const draw = (now: number): void => {
    frame = requestAnimationFrame(draw);
    if (!pen || now - drawnAt < FRAME_MS) return;
    const ratio = Math.min(2, devicePixelRatio);
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    const isSame = canvas.width === width && canvas.height === height;
    if (still.matches && isSame && drawnAt >= 0) return;
    drawnAt = now;
    if (!isSame) [canvas.width, canvas.height] = [width, height];
    if (width > 0 && height > 0) face(pen, features, width, height, still.matches ? null : now, now < speaksUntil);
  };
  frame = requestAnimationFrame(draw);

  return {
    element: canvas,
    speak: (text) => (speaksUntil = Math.max(speaksUntil, performance.now()) + Math.min(4_000, 55 * text.length)),
    stop: () => cancelAnimationFrame(frame),
  };
}

interface Features {
  hue: number;
  other: number;
  skin: string;
  shade: string;
  hair: string;
  style: number;
  glasses: boolean;
  /** Shifts everything that moves, so that no two move alike. */
  phase: number;
}

const SKINS = [
  ["oklch(0.86 0.05 65)", "oklch(0.79 0.06 58)"],
  ["oklch(0.79 0.07 62)", "oklch(0.71 0.08 56)"],
  ["oklch(0.67 0.08 58)", "oklch(0.59 0.08 52)"],
  ["oklch(0.52 0.07 52)", "oklch(0.45 0.07 48)"],
  ["oklch(0.42 0.055 48)", "oklch(0.36 0.05 45)"],
] as const;
const HAIRS = ["oklch(0.25 0.02 50)", "oklch(0.36 0.06 50)", "oklch(0.5 0.1 48)", "oklch(0.74 0.1 85)", "oklch(0.7 0.01 80)"];

function featuresOf(user: string): Features {
  const value = hash(`${user} face`);
  const [hue, other] = huesOf(user);
  const [skin, shade] = SKINS[value % SKINS.length]!;
  const hair = HAIRS[(value >>> 4) % HAIRS.length]!;
  return { hue, other, skin, shade, hair, style: (value >>> 8) % 3, glasses: (value >>> 12) % 3 === 0, phase: (value >>> 16) % 10_000 };
}

/** `now` is null where nothing moves. */
function face(pen: CanvasRenderingContext2D, it: Features, width: number, height: number, now: number | null, speaks: boolean): void {
  const time = now === null ? 0 : (now + it.phase) / 1000;
  const unit = Math.min(width, height * 0.82) / 10;
  const sway = Math.sin(time * 0.7) * 0.12 + Math.sin(time * 0.31) * 0.1;
  const nod = Math.sin(time * 0.9) * 0.06 + (speaks && now !== null ? Math.sin(time * 5) * 0.04 : 0);
  // The eyes rest somewhere for a while, then elsewhere.
  const gaze = now === null ? 0 : [0, 0.07, 0, -0.08, 0][Math.floor(time / 2.3) % 5]!;
  const isBlinking = now !== null && (now + it.phase) % 3_700 < BLINK_MS;
  const mouth = speaks ? (now === null ? 0.4 : 0.18 + 0.32 * Math.abs(Math.sin(time * 9) * Math.sin(time * 3.7 + 1))) : 0;

  const ground = pen.createRadialGradient(width / 2, height * 0.42, 0, width / 2, height * 0.5, Math.max(width, height) * 0.7);
  ground.addColorStop(0, `oklch(0.55 0.09 ${it.hue})`);
  ground.addColorStop(1, `oklch(0.22 0.04 ${it.other})`);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = ground;
  pen.fillRect(0, 0, width, height);

  const oval = (x: number, y: number, rx: number, ry: number, fill: string): void => {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
    pen.fill();
  };

  pen.setTransform(unit, 0, 0, unit, width / 2, height * 0.47);
  oval(0, 5.9, 3.7, 2.9 + Math.sin(time * 1.4) * 0.04, `oklch(0.42 0.09 ${it.other})`);
  const hasLongHair = it.style === 1;
  if (hasLongHair) {
    pen.fillStyle = it.hair;
    pen.beginPath();
    pen.roundRect(-2.35 + sway * 0.8, -2.4, 4.7, 5.6, [2.3, 2.3, 0.8, 0.8]);
    pen.fill();
  }
  pen.fillStyle = it.shade;
  pen.beginPath();
  pen.roundRect(-0.75 + sway * 0.4, 1.6, 1.5, 2.1, [0, 0, 0.75, 0.75]);
  pen.fill();

  pen.translate(sway, nod);
  pen.rotate(sway * 0.12);
  if (!hasLongHair) {
    oval(-1.95, 0.25, 0.32, 0.5, it.shade);
    oval(1.95, 0.25, 0.32, 0.5, it.shade);
  }
  oval(0, 0.15, 2, 2.5, it.skin);

  pen.fillStyle = it.hair;
  pen.beginPath();
  pen.ellipse(0, -0.35, 2.12, 2.25, 0, Math.PI, 2 * Math.PI);
  if (it.style === 2) pen.bezierCurveTo(1.5, -1.1, 0.2, -1, -0.4, -1.5);
  else pen.bezierCurveTo(1.4, -1.3, -1.4, -1.3, -2.12, -0.35);
  pen.closePath();
  pen.fill();

  for (const side of [-1, 1]) {
    const x = side * 0.78;
    if (isBlinking) {
      line(pen, it.shade, 0.12, [x - 0.32, EYES], [x, EYES + 0.12], [x + 0.32, EYES]);
    } else {
      oval(x, EYES, 0.35, 0.28, "oklch(0.97 0.01 80)");
      oval(x + gaze, EYES, 0.19, 0.21, `oklch(0.3 0.06 ${it.hue})`);
      oval(x + gaze + 0.06, EYES - 0.07, 0.05, 0.05, "white");
    }
    line(pen, it.hair, 0.13, [x - 0.38, EYES - 0.5], [x, EYES - 0.64 - mouth * 0.12], [x + 0.38, EYES - 0.5]);
    if (it.glasses) {
      pen.strokeStyle = "oklch(0.25 0.02 60)";
      pen.lineWidth = 0.09;
      pen.beginPath();
      pen.ellipse(x, EYES, 0.58, 0.5, 0, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  if (it.glasses) line(pen, "oklch(0.25 0.02 60)", 0.09, [-0.22, EYES - 0.05], [0, EYES - 0.14], [0.22, EYES - 0.05]);
  line(pen, it.shade, 0.12, [0, 0.42], [0.22, 0.92], [-0.08, 0.96]);

  if (mouth > 0.05) {
    oval(0, 1.6, 0.5, mouth * 0.75, "oklch(0.35 0.1 25)");
    oval(0, 1.6 + mouth * 0.42, 0.3, mouth * 0.26, "oklch(0.6 0.14 20)");
  } else {
    line(pen, "oklch(0.45 0.11 25)", 0.13, [-0.6, 1.5], [0, 1.88], [0.6, 1.5]);
  }
}

/** A curve from the first point to the last, drawn to the one between. */
function line(pen: CanvasRenderingContext2D, colour: string, thick: number, from: [number, number], over: [number, number], to: [number, number]): void {
  pen.strokeStyle = colour;
  pen.lineWidth = thick;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(...from);
  pen.quadraticCurveTo(...over, ...to);
  pen.stroke();
}
