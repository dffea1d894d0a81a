/**
 * Camera and microphone: opened when somebody asks for it, and every way in which that fails, in words.
 *
 * It owns the two tracks. A camera that is switched off is really off: its light goes out.
 */

export interface Trouble {
  title: string;
  text: string;
}

export class Devices {
  #audio: MediaStreamTrack | null = null;
  #video: MediaStreamTrack | null = null;
  #trouble: Trouble | null = null;
  #context: AudioContext | undefined;
  #analyser: AnalyserNode | undefined;
  #samples = new Uint8Array(0);

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
      return false;
    }
    try {
      this.#take(await navigator.mediaDevices.getUserMedia({ audio: AUDIO, video: VIDEO }));
    } catch (both) {
      // One of the two may be what is missing.
      try {
        this.#take(await navigator.mediaDevices.getUserMedia({ video: VIDEO }));
        await this.openMicrophone();
      } catch {
        this.#trouble = troubleOf(both);
        await this.openMicrophone();
      }
    }
    return this.#video !== null;
  }

  async openMicrophone(): Promise<boolean> {
    if (this.#audio) return true;
    try {
      this.#take(await navigator.mediaDevices.getUserMedia({ audio: AUDIO }));
    } catch {
      return false;
    }
    return this.#audio !== null;
  }

  async openCamera(): Promise<boolean> {
    if (this.#video) return true;
    this.#trouble = null;
    try {
      this.#take(await navigator.mediaDevices.getUserMedia({ video: VIDEO }));
    } catch (error) {
      this.#trouble = navigator.mediaDevices ? troubleOf(error) : insecure();
    }
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
    this.#context = this.#analyser = undefined;
  }

  /** How loud it is at the microphone, 0 to 1. */
  level(): number {
    if (!this.#analyser) return 0;
    this.#analyser.getByteTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += (sample - 128) ** 2;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) / 40);
  }

  #take(stream: MediaStream): void {
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (audio) {
      this.#audio = audio;
      this.#listen(audio);
    }
    if (video) this.#video = video;
  }

  #listen(audio: MediaStreamTrack): void {
    try {
      this.#context ??= new AudioContext();
      this.#analyser = this.#context.createAnalyser();
      this.#analyser.fftSize = 512;
      this.#samples = new Uint8Array(this.#analyser.fftSize);
      this.#context.createMediaStreamSource(new MediaStream([audio])).connect(this.#analyser);
    } catch {
      this.#analyser = undefined;
    }
  }
}

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO: MediaTrackConstraints = {
  facingMode: "user",
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};

function insecure(): Trouble {
  return {
    title: "No camera on this address",
    text: "Browsers give the camera to secure pages only. Open this page with https, or on the computer that it runs on.",
  };
}

function troubleOf(error: unknown): Trouble {
  const { name, message } = error as DOMException;
  if (name === "NotAllowedError" && /system/i.test(message)) {
    return {
      title: "Your system keeps the camera closed",
      text: "Allow the camera for this browser in the privacy settings of your computer or phone, then try again.",
    };
  }
  if (name === "NotAllowedError" || name === "SecurityError") {
    return { title: "The camera is blocked for this page", text: howToAllow() };
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    return {
      title: "We found no camera",
      text: "Plug one in and try again, or go on without a picture: you will see the others all the same.",
    };
  }
  if (name === "NotReadableError" || name === "AbortError") {
    return {
      title: "The camera is busy",
      text: "Another program or tab is using it. Close that one and try again.",
    };
  }
  return { title: "The camera does not start", text: "Try once more, or go on without a picture." };
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
