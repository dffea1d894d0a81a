/**
 * Being heard and seen from another tab: title, favicon, a soft bell, a notification of the system.
 *
 * It owns all four and puts them back. Sound needs a first gesture on the page, notifications need a permission that is
 * only asked for when somebody wishes it.
 */

const QUIET_TITLE = "Duologue";
const BELL_EVERY_MS = 2_600;
const RING_ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#ff9d6c"/><path d="M9.5 21v-6.5a6.5 6.5 0 0 1 13 0V21l2 2h-17Z" fill="#1d1816"/><circle cx="16" cy="25" r="2" fill="#1d1816"/></svg>',
  );

export class Alerts {
  #context: AudioContext | undefined;
  #bell: ReturnType<typeof setInterval> | undefined;
  #blink: ReturnType<typeof setInterval> | undefined;
  #notification: Notification | undefined;
  readonly #icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  readonly #quietIcon = this.#icon?.href;

  constructor() {
    const wake = (): void => {
      try {
        this.#context ??= new AudioContext();
        void this.#context.resume();
      } catch {
        // No sound then.
      }
    };
    addEventListener("pointerdown", wake, { passive: true });
    addEventListener("keydown", wake);
  }

  get canAskToNotify(): boolean {
    return typeof Notification !== "undefined" && Notification.permission === "default";
  }

  /** The answer is whether we may. */
  async askToNotify(): Promise<boolean> {
    return (await Notification.requestPermission()) === "granted";
  }

  ring(who: string, text: string): void {
    this.quiet();
    this.#chime(0.14);
    this.#bell = setInterval(() => this.#chime(0.14), BELL_EVERY_MS);
    let shows = true;
    const blink = (): void => {
      document.title = shows ? `${who} is ringing` : QUIET_TITLE;
      shows = !shows || !document.hidden;
    };
    blink();
    this.#blink = setInterval(blink, 1_000);
    if (this.#icon) this.#icon.href = RING_ICON;
    if (document.hidden) this.#notify(`${who} is ringing`, text);
  }

  /** One bell, soft: the one who rings hears that it rings. */
  tick(): void {
    this.#chime(0.05);
  }

  inCall(who: string): void {
    this.quiet();
    document.title = `${who} · Duologue`;
  }

  /** Something was written; a tab that is not looked at says so until it is. */
  wrote(who: string): void {
    if (!document.hidden) return;
    document.title = `${who} wrote · Duologue`;
    this.#chime(0.05);
  }

  quiet(): void {
    clearInterval(this.#bell);
    clearInterval(this.#blink);
    this.#bell = this.#blink = undefined;
    this.#notification?.close();
    this.#notification = undefined;
    document.title = QUIET_TITLE;
    if (this.#icon && this.#quietIcon) this.#icon.href = this.#quietIcon;
  }

  #notify(title: string, body: string): void {
    if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
    try {
      const notification = new Notification(title, { body, tag: "duologue-ring" });
      notification.onclick = () => {
        focus();
        notification.close();
      };
      this.#notification = notification;
    } catch {
      // Some phones allow them to service workers only.
    }
  }

  /** Two notes of a small bell, a fifth apart. */
  #chime(volume: number): void {
    const context = this.#context;
    if (!context || context.state !== "running") return;
    for (const [index, frequency] of [659.3, 987.8].entries()) {
      const start = context.currentTime + index * 0.16;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.type = "sine";
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(volume, start + 0.015);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.9);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + 1);
    }
  }
}
