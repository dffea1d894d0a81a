/**
 * What the parts of a session (lobby, invites, call) need of the whole, and all that they may know of it.
 */

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
  /** Something that a page shows is different now. */
  changed(): void;
  createPeerConnection(configuration: RTCConfiguration): RTCPeerConnection;
}
