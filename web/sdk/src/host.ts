/**
 * What the parts of a session (lobby, invites, call) need of the whole, and all that they may know of it.
 */

import type { Call } from "./call.js";
import type { ServerClock } from "./clock.js";
import type { DuologueEvents } from "./events.js";
import type { LocalMedia } from "./media.js";
import type { Memory } from "./memory.js";
import type { Answer, Card, CommandName, Fields } from "./wire.js";

export interface Host {
  readonly me: Card;
  readonly clock: ServerClock;
  readonly memory: Memory;
  readonly media: LocalMedia;
  /** Whether descriptions are said and read compactly (SIG 5). */
  readonly compact: boolean;
  command<C extends CommandName>(t: C, fields: Fields<C>): Promise<Answer<C>>;
  tell<K extends keyof DuologueEvents>(name: K, value: DuologueEvents[K]): void;
  /** Ends a call here at once, whether or not the server can be reached; `say` is how the server is told. */
  endHere(call: Call, why: "hang_up" | "blocked", say: () => Promise<unknown>): Promise<void>;
  /** Something that a page shows is different now. */
  changed(): void;
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
}
