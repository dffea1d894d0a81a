/**
 * `@duologue/sdk`: the browser's side of Duologue. Everything public is listed here.
 */

export { Call, type ChatLine } from "./call.js";
export { openCarrier } from "./carrier.js";
export { ServerClock } from "./clock.js";
export type { CreateSocket, SocketLike } from "./driver.js";
export { Duologue, type ConnectOptions } from "./duologue.js";
export { CLOSINGS, DuologueError, sentenceOf, type ClosingKind } from "./errors.js";
export type { DuologueEvents } from "./events.js";
export { SUB_PROTOCOLS, type FormName } from "./form.js";
export { Api, createGuest, guest, type Account, type Guest, type GuestWish, type PastCall } from "./http.js";
export { Invites, type Ringing } from "./invites.js";
export type { Ended, LinkStatus } from "./link.js";
export { Lobby } from "./lobby.js";
export { LocalMedia, type Sending } from "./media.js";
export type { StorageLike } from "./memory.js";
export type { Weakness } from "./quality.js";
export type { Shown } from "./window.js";
export type * from "./wire.js";
