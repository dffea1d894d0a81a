/**
 * Everything that a page can listen to. Names are those of the protocol; a few are the SDK's own.
 */

import type { Call } from "./call.js";
import type { DuologueError } from "./errors.js";
import type { LinkStatus } from "./link.js";
import type { Lobby } from "./lobby.js";
import type { Card, ServerEvents, ServerViews, Welcome } from "./wire.js";

export interface DuologueEvents
  extends Omit<ServerEvents, "call_started" | "call_ended" | "description" | "candidates" | "renegotiate"> {
  call_started: Call;
  /** With whom it was, beside what the server says. */
  call_ended: ServerEvents["call_ended"] & { peer: Card | undefined };
  /** The window has changed; its places are in the lobby. */
  window: Lobby;
  presence: ServerViews["presence"];
  /** The link came, went, or is being tried again (`retryAt` on this page's own clock). */
  link: { status: LinkStatus; retryAt?: number | undefined };
  welcome: Welcome;
  /** The end: nothing is tried again, unless by `start`. */
  closed: DuologueError;
  /** Anything that is shown has changed; told once however much it was. */
  change: void;
}
