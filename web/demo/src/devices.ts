/**
 * Camera and microphone: which ones, opened when somebody asks for it, and every way in which that fails, in words.
 *
 * It owns the two tracks. A camera that is switched off is really off: its light goes out. Whoever shows them listens
 * with `onChange`: a device may be unplugged, plugged in or exchanged at any time.
 */

import { keepChosen, readChosen } from "./remember.js";

export type Kind = "camera" | "microphone";

export interface Trouble {
  /** Of which kind: two devices may have the same. */
  why: string;
  title: string;
  text: string;
}

export class Devices {
  #audio: MediaStreamTrack | null = null;
  #video: MediaStreamTrack | null = null;
  #trouble: Trouble | null = null;
  #soundTrouble: Trouble | null = null;
  readonly #chosen = readChosen();
  readonly #listeners = new Set<() => void>();
  #context: AudioContext | undefined;
  #analyser: AnalyserNode | undefined;
  #source: MediaStreamAudioSourceNode | undefined;
  #samples = new Uint8Array(0);

  constructor() {
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#changed());
  }

  /** Something is another than before: a track, a trouble or the devices that there are. The answer stops listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get audio(): MediaStreamTrack | null {
    return this.#audio;
  }

  get video(): MediaStreamTrack | null {
    return this.#video;
  }

  /** Why there is no picture, if that was not a wish. */
  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** Why there is no sound. */
  get soundTrouble(): Trouble | null {
    return this.#soundTrouble;
  }

  /** Those that there are. Browsers tell their names only to pages that were allowed one. */
  async list(kind: Kind): Promise<MediaDeviceInfo[]> {
    const wanted = kind === "camera" ? "videoinput" : "audioinput";
    const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    return all.filter((it) => it.kind === wanted && it.deviceId !== "");
  }

  /** Which one is open. */
  current(kind: Kind): string | undefined {
    return (kind === "camera" ? this.#video : this.#audio)?.getSettings().deviceId;
  }

  /** Another camera or microphone, now and on the next visit. The old one goes on if the new one does not open. */
  async choose(kind: Kind, deviceId: string): Promise<boolean> {
    const before = this.#chosen[kind];
    this.#chosen[kind] = deviceId;
    try {
      const wish = { deviceId: { exact: deviceId } };
      this.#take(await this.#exchange(kind === "camera" ? { video: { ...VIDEO, ...wish } } : { audio: { ...AUDIO, ...wish } }));
    } catch (error) {
      if (before === undefined) delete this.#chosen[kind];
      else this.#chosen[kind] = before;
      const trouble = troubleOf(error, kind);
      if (kind === "camera" && !this.#video) await this.openCamera();
      if (kind === "camera") this.#trouble = trouble;
      else this.#soundTrouble = trouble;
      this.#changed();
      return false;
    }
    if (kind === "camera") this.#trouble = null;
    keepChosen(this.#chosen);
    this.#changed();
    return true;
  }

  /** Whether asking would be answered at once, without a question to the person. */
  async isGranted(): Promise<boolean> {
    try {
      const state = await navigator.permissions.query({ name: "camera" as PermissionName });
      return state.state === "granted";
    } catch {
      return false;
    }
  }

  /** Both, or as much as there is. The answer is whether there is a picture. */
  async open(): Promise<boolean> {
    this.#trouble = null;
    if (!navigator.mediaDevices?.getUserMedia) {
      this.#trouble = insecure();
    } else {
      try {
        this.#take(await navigator.mediaDevices.getUserMedia({ audio: this.#audioWish(), video: this.#videoWish() }));
      } catch {
        // One of the two may be what is missing.
        await this.openCamera();
        await this.openMicrophone();
      }
    }
    this.#changed();
    return this.#video !== null;
  }

  async openMicrophone(): Promise<boolean> {
    if (this.#audio) return true;
    this.#soundTrouble = null;
    try {
      this.#take(await navigator.mediaDevices.getUserMedia({ audio: this.#audioWish() }));
    } catch (error) {
      this.#soundTrouble = navigator.mediaDevices ? troubleOf(error, "microphone") : insecure();
    }
    this.#changed();
    return this.#audio !== null;
  }

  async openCamera(): Promise<boolean> {
    if (this.#video) return true;
    this.#trouble = null;
    try {
      this.#take(await navigator.mediaDevices.getUserMedia({ video: this.#videoWish() }));
    } catch (error) {
      this.#trouble = navigator.mediaDevices ? troubleOf(error, "camera") : insecure();
    }
    this.#changed();
    return this.#video !== null;
  }

  closeCamera(): void {
    this.#video?.stop();
    this.#video = null;
  }

  close(): void {
    this.closeCamera();
    this.#audio?.stop();
    this.#audio = null;
    void this.#context?.close();
    this.#context = this.#analyser = this.#source = undefined;
  }

  /** How loud it is at the microphone, 0 to 1. */
  level(): number {
    if (!this.#analyser || !this.#audio) return 0;
    // A page that opened the microphone without a gesture hears it from the first one on.
    if (this.#context?.state === "suspended") void this.#context.resume().catch(() => undefined);
    this.#analyser.getByteTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += (sample - 128) ** 2;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) / 40);
  }

  /** Most phones have one camera open at a time: there the old one is closed before the other opens. */
  async #exchange(wish: MediaStreamConstraints): Promise<MediaStream> {
    try {
      return await navigator.mediaDevices.getUserMedia(wish);
    } catch (error) {
      if (!wish.video || !this.#video || (error as DOMException).name !== "NotReadableError") throw error;
      this.closeCamera();
      return navigator.mediaDevices.getUserMedia(wish);
    }
  }

  #take(stream: MediaStream): void {
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (audio) {
      this.#audio?.stop();
      this.#audio = audio;
      this.#soundTrouble = null;
      this.#listen(audio);
      audio.addEventListener("ended", () => {
        if (this.#audio !== audio) return;
        this.#audio = null;
        this.#soundTrouble = troubleFor("gone", "microphone");
        this.#changed();
      });
    }
    if (video) {
      this.#video?.stop();
      this.#video = video;
      video.addEventListener("ended", () => {
        if (this.#video !== video) return;
        this.#video = null;
        this.#trouble = troubleFor("gone", "camera");
        this.#changed();
      });
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** The chosen one if it is still there, else whichever the browser takes. */
  #audioWish(): MediaTrackConstraints {
    const { microphone } = this.#chosen;
    return microphone ? { ...AUDIO, deviceId: { ideal: microphone } } : AUDIO;
  }

  #videoWish(): MediaTrackConstraints {
    const { camera } = this.#chosen;
    return { ...VIDEO, ...(camera ? { deviceId: { ideal: camera } } : { facingMode: "user" }) };
  }

  #listen(audio: MediaStreamTrack): void {
    try {
      this.#context ??= new AudioContext();
      // Opened before the first gesture it is asleep.
      void this.#context.resume().catch(() => undefined);
      this.#source?.disconnect();
      this.#analyser = this.#context.createAnalyser();
      this.#analyser.fftSize = 512;
      this.#samples = new Uint8Array(this.#analyser.fftSize);
      this.#source = this.#context.createMediaStreamSource(new MediaStream([audio]));
      this.#source.connect(this.#analyser);
    } catch {
      this.#analyser = undefined;
    }
  }
}

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};

function insecure(): Trouble {
  return {
    why: "insecure",
    title: "No camera on this address",
    text: "Browsers give the camera to secure pages only. Open this page with https, or on the computer that it runs on.",
  };
}

function troubleOf(error: unknown, kind: Kind): Trouble {
  return troubleFor(whyOf(error as DOMException), kind);
}

function whyOf({ name, message }: DOMException): string {
  if (name === "NotAllowedError" && /system/i.test(message)) return "system";
  if (name === "NotAllowedError" || name === "SecurityError") return "blocked";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "other";
}

/** What is wrong with both, as one thing where it is one. */
export function troubleOfBoth(camera: Trouble, microphone: Trouble): Trouble {
  if (camera.why === microphone.why) return troubleFor(camera.why, "both");
  return { ...camera, title: `${camera.title}. ${microphone.title}` };
}

function troubleFor(why: string, kind: Kind | "both"): Trouble {
  const both = kind === "both";
  const it = both ? "camera and microphone" : `the ${kind}`;
  const It = both ? "Camera and microphone" : `The ${kind}`;
  const are = both ? "are" : "is";
  const without = kind === "microphone" ? "go on and write to each other" : both ? "go on without: you will see and hear the others all the same" : "go on without a picture: you will see the others all the same";
  switch (why) {
    case "gone":
      return { why, title: `${It} ${are} gone`, text: both ? "Plug them in again, or choose others." : "Plug it in again, or choose another one." };
    case "insecure":
      return insecure();
    case "system":
      return {
        why,
        title: `Your system keeps ${it} closed`,
        text: `Allow ${it} for this browser in the privacy settings of your computer or phone, then try again.`,
      };
    case "blocked":
      return { why, title: `${It} ${are} blocked for this page`, text: howToAllow() };
    case "missing":
      return { why, title: both ? "We found no camera and no microphone" : `We found no ${kind}`, text: `Plug one in and try again, or ${without}.` };
    case "busy":
      return { why, title: `${It} ${are} busy`, text: `Another program or tab is using ${both ? "them" : "it"}. Close that one and try again, or ${without}.` };
    default:
      return { why, title: `${It} ${both ? "do" : "does"} not start`, text: `Try once more, or ${without}.` };
  }
}

/** Where the switch is in this browser. */
function howToAllow(): string {
  const agent = navigator.userAgent;
  if (/iPhone|iPad/.test(agent)) return "Tap “AA” in the address bar, then Website Settings, and allow camera and microphone.";
  if (/Android/.test(agent)) return "Tap the sign left of the address, then Permissions, and allow camera and microphone.";
  if (/Firefox\//.test(agent)) return "Click the crossed-out camera left of the address, remove the block, and try again.";
  if (/Chrome\/|Edg\//.test(agent)) return "Click the sign left of the address, switch camera and microphone on, and try again.";
  if (/Safari\//.test(agent)) return "In the menu Safari, choose Settings for this Website, and allow camera and microphone.";
  return "Allow camera and microphone for this page in your browser, and try again.";
}
