/**
 * Whether the path to the other is weak, from two readings of a peer connection's statistics.
 *
 * Pure: numbers in, a verdict out. One bad reading is a hiccup; two in a row are a weak path, and two good ones end it.
 */

export interface Reading {
  received: number;
  lost: number;
  /** Round trip in seconds, where the browser knows it. */
  rtt: number | undefined;
}

const LOSS_MAX = 0.08;
const RTT_MAX = 0.7;
const IN_A_ROW = 2;

export class PathQuality {
  #last: Reading | undefined;
  #run = 0;
  #weak = false;

  get isWeak(): boolean {
    return this.#weak;
  }

  /** Takes a reading; `true` if the verdict changed. */
  judge(reading: Reading): boolean {
    const last = this.#last;
    this.#last = reading;
    if (!last) return false;
    const received = Math.max(0, reading.received - last.received);
    const lost = Math.max(0, reading.lost - last.lost);
    const isBad = (received + lost > 20 && lost / (received + lost) > LOSS_MAX) || (reading.rtt ?? 0) > RTT_MAX;
    this.#run = isBad === this.#weak ? 0 : this.#run + 1;
    if (this.#run < IN_A_ROW) return false;
    this.#run = 0;
    this.#weak = isBad;
    return true;
  }

  /** Another connection: its counters begin at zero. */
  restart(): void {
    this.#last = undefined;
    this.#run = 0;
  }
}

/** Reads what `judge` wants from a report. */
export function readStats(report: RTCStatsReport): Reading {
  const reading: Reading = { received: 0, lost: 0, rtt: undefined };
  report.forEach((it: { type: string; [field: string]: unknown }) => {
    if (it.type === "inbound-rtp") {
      reading.received += Number(it.packetsReceived ?? 0);
      reading.lost += Number(it.packetsLost ?? 0);
    } else if (it.type === "candidate-pair" && it.nominated === true && typeof it.currentRoundTripTime === "number") {
      reading.rtt = it.currentRoundTripTime;
    }
  });
  return reading;
}
