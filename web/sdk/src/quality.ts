/**
 * Whether the path to the other is weak, and in which way, from two readings of a peer connection's statistics.
 *
 * Pure: numbers in, a verdict out. One bad reading is a hiccup; two in a row are a weak path, and two good ones end it.
 */

/**
 * How a path is weak, the worst first: nothing gets through (which ICE says, not the statistics); much of what they send
 * is lost; much of what we send is lost; everything comes late; there is hardly room for a picture.
 */
export type Weakness = "silence" | "loss" | "loss_to_them" | "delay" | "narrow";

export interface Reading {
  received: number;
  lost: number;
  /** Round trip in seconds, where the browser knows it. */
  rtt: number | undefined;
  /** Which part of what we sent the other missed lately, 0 to 1. */
  lostToThem?: number;
  /** Bits a second that the browser believes it can send, while it sends a picture. */
  room?: number;
}

const LOSS_MAX = 0.08;
const RTT_MAX = 0.7;
/** Below this a picture is a slide show. */
const ROOM_MIN = 90_000;
const IN_A_ROW = 2;

export class PathQuality {
  #last: Reading | undefined;
  #run = 0;
  #weakness: Weakness | null = null;

  get isWeak(): boolean {
    return this.#weakness !== null;
  }

  get weakness(): Weakness | null {
    return this.#weakness;
  }

  /** Takes a reading; `true` if the verdict changed. */
  judge(reading: Reading): boolean {
    const last = this.#last;
    this.#last = reading;
    if (!last) return false;
    const found = fault(last, reading);
    const wasWeak = this.isWeak;
    this.#run = (found !== null) === wasWeak ? 0 : this.#run + 1;
    if (wasWeak && found !== null && found !== this.#weakness) {
      // Weak all the while, and now in another way.
      this.#weakness = found;
      return true;
    }
    if (this.#run < IN_A_ROW) return false;
    this.#run = 0;
    this.#weakness = found;
    return true;
  }

  /** Another connection: its counters begin at zero. */
  restart(): void {
    this.#last = undefined;
    this.#run = 0;
  }
}

function fault(last: Reading, reading: Reading): Weakness | null {
  const received = Math.max(0, reading.received - last.received);
  const lost = Math.max(0, reading.lost - last.lost);
  if (received + lost > 20 && lost / (received + lost) > LOSS_MAX) return "loss";
  if ((reading.lostToThem ?? 0) > LOSS_MAX) return "loss_to_them";
  if ((reading.rtt ?? 0) > RTT_MAX) return "delay";
  if ((reading.room ?? Infinity) < ROOM_MIN) return "narrow";
  return null;
}

/** Reads what `judge` wants from a report. */
export function readStats(report: RTCStatsReport): Reading {
  const reading: Reading = { received: 0, lost: 0, rtt: undefined };
  let sendsPicture = false;
  let room: number | undefined;
  report.forEach((it: { type: string; [field: string]: unknown }) => {
    if (it.type === "inbound-rtp") {
      reading.received += Number(it.packetsReceived ?? 0);
      reading.lost += Number(it.packetsLost ?? 0);
    } else if (it.type === "remote-inbound-rtp") {
      reading.lostToThem = Math.max(reading.lostToThem ?? 0, Number(it.fractionLost ?? 0));
    } else if (it.type === "outbound-rtp") {
      sendsPicture ||= it.kind === "video" && it.active !== false;
    } else if (it.type === "candidate-pair" && it.nominated === true) {
      if (typeof it.currentRoundTripTime === "number") reading.rtt = it.currentRoundTripTime;
      if (typeof it.availableOutgoingBitrate === "number") room = it.availableOutgoingBitrate;
    }
  });
  if (sendsPicture && room !== undefined) reading.room = room;
  return reading;
}
