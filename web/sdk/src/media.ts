/**
 * What this page sends of its person: one track of sound and one of picture, each of which may be missing, muted or
 * exchanged at any time, also in the middle of a call.
 *
 * It owns the choice, not the devices: whoever opened a camera stops it. Negotiations listen.
 */

import { Emitter } from "./emitter.js";

/** What the other side is told about one's sound and picture. */
export interface Sending {
  sound: boolean;
  picture: boolean;
}

export class LocalMedia extends Emitter<{ change: LocalMedia }> {
  #audio: MediaStreamTrack | null = null;
  #video: MediaStreamTrack | null = null;
  #muted = false;

  get audio(): MediaStreamTrack | null {
    return this.#audio;
  }

  get video(): MediaStreamTrack | null {
    return this.#video;
  }

  get muted(): boolean {
    return this.#muted;
  }

  get sending(): Sending {
    return { sound: this.#audio !== null && !this.#muted, picture: this.#video !== null };
  }

  /** Both at once; `null` sends nothing and still receives. */
  set(tracks: { audio?: MediaStreamTrack | null; video?: MediaStreamTrack | null }): void {
    if (tracks.audio !== undefined) this.#audio = tracks.audio;
    if (tracks.video !== undefined) this.#video = tracks.video;
    if (this.#audio) this.#audio.enabled = !this.#muted;
    this.emit("change", this);
  }

  mute(muted: boolean): void {
    this.#muted = muted;
    if (this.#audio) this.#audio.enabled = !muted;
    this.emit("change", this);
  }
}
