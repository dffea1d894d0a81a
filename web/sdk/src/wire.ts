/**
 * What travels between a page and the server, as types: the JSON form of the protocol, version 1.
 *
 * Names and fields are those of the protocol's own page, untranslated, so that this file can be read beside it.
 * Instants are milliseconds since 1970 on the server's clock; spans carry their unit in the name, and a bare
 * `seconds` is a length of a call. Nothing in here does anything.
 */

export type UserId = string;
export type InviteId = number;
export type CallId = number;
export type PairId = number;
export type NotificationId = number;

/** What others see of a person. Fields that are empty are absent. */
export interface Card {
  user: UserId;
  name?: string;
  gender?: string;
  /** A reference, to be resolved against `media_base`. */
  selfie?: string;
  video?: string;
  tags?: string[];
}

/** What a card means to the one who looks at it. */
export interface Marks {
  cooldown_until?: number;
  introduced_by?: string;
}

/** Any of the genders, all of the tags; empty is no filter. */
export interface Filter {
  genders?: string[];
  tags?: string[];
}

export interface Totals {
  seconds: number;
  calls: number;
  completed: number;
}

export interface InviteState {
  invite: InviteId;
  /** Who rings; absent when it is one's own. */
  from?: Card;
  /** Who is rung; absent when it came in. */
  to?: Card;
  seconds: number;
  expires: number;
}

export interface Ticket {
  since: number;
  filter?: Filter;
  confirm?: boolean;
}

export interface PeerLink {
  state: "reconnecting" | "back";
  until?: number;
}

export interface CallFacts {
  call: CallId;
  peer: Card;
  seconds: number;
  started: number;
  deadline: number;
  now: number;
  initiator: boolean;
  epoch: number;
  here: boolean;
  extensions_left?: number;
  peer_link?: PeerLink | null;
}

/** Everything that a page needs to draw itself from nothing; complete at every welcome. */
export interface Snapshot {
  lobby: string | null;
  window: number | null;
  invites: InviteState[];
  ticket: Ticket | null;
  pair: PairedFields | null;
  call: CallFacts | null;
  unread: unknown;
}

export interface Welcome {
  t: "welcome";
  user: Card;
  resume: string;
  recovered: boolean;
  now: number;
  seq: number;
  last_id: number;
  grace_ms: number;
  media_base: string;
  state: Snapshot;
}

export interface Candidate {
  candidate: string;
  mid?: string;
  line?: number;
}

export type Place = [place: number, card?: Card | null, marks?: Marks | null];

export interface PairedFields {
  pair: PairId;
  with: Card;
  seconds: number;
  expires: number;
}

export type InviteEnd =
  | "accepted" | "answered_elsewhere" | "declined" | "rescinded" | "expired" | "busy" | "caller_lost" | "callee_lost";

export type CallEnd = "hang_up" | "deadline" | "peer_lost" | "banned" | "blocked" | "shutdown";

/** Events carry `seq` and are replayed at a resume. */
export interface ServerEvents {
  rang: { invite: InviteId; from: Card; seconds: number; expires: number };
  invite_extended: { invite: InviteId; expires: number };
  /** `lost` is the SDK's own: it was gone when the page came back, and nobody can say why. */
  invite_ended: { invite: InviteId; why: InviteEnd | "lost"; cooldown_until?: number };
  paired: PairedFields;
  pair_ended: { pair: PairId; why: "refused" | "timeout" | "busy"; waiting: boolean };
  call_started: CallFacts;
  call_moved: { call: CallId };
  extend_asked: { call: CallId; seconds: number; until: number };
  call_extended: { call: CallId; deadline: number; now: number; extensions_left: number };
  call_ended: { call: CallId; why: CallEnd | "lost"; seconds: number; cooldown_until?: number; totals?: Totals };
  renegotiate: { call: CallId; epoch: number };
  peer_link: { call: CallId; state: "reconnecting" | "back"; until?: number };
  left: { lobby: string; why: "away" | "operator" };
  description: { call: CallId; epoch: number; kind: "offer" | "answer"; sdp: string };
  candidates: { call: CallId; epoch: number; from: number; candidates: Candidate[]; done?: boolean };
  chat: { call: CallId; from: UserId; text: string; at: number };
  shared: { call: CallId; contacts: Record<string, string> };
  notified: { notification: NotificationId; kind: string; about?: Card; by?: string; at: number };
}

/** Views matter in their newest form only: no `seq`, never replayed. */
export interface ServerViews {
  window: { version: number; size: number; places: Place[]; available: number };
  window_delta: { version: number; set?: Place[]; available?: number };
  presence: { user: UserId; state: "offline" | "online" | "available" | "in_call" };
}

export interface Closing {
  t: "closing";
  code: string;
  reconnect: boolean;
  retry_after_ms?: number;
  why?: string;
}

export interface Rule {
  rule: string;
  passes: boolean;
  until?: number;
}

export interface IceServer {
  urls: string | string[];
  username?: string;
  credential?: string;
}

/** Every command: what it carries, and what its `ok` answers. */
export interface CommandTable {
  join: { send: { lobby?: string }; ok: { lobby: string } };
  leave: { send: object; ok: object };
  window: { send: { size?: number; filter?: Filter }; ok: { size: number } };
  window_close: { send: object; ok: object };
  reel: { send: { limit: number; filter?: Filter; restart?: boolean }; ok: { cards: Card[]; more: boolean } };
  pair: { send: { filter?: Filter; confirm?: boolean }; ok: { since: number } };
  unpair: { send: object; ok: object };
  confirm: { send: { pair: PairId }; ok: object };
  invite: { send: { to: UserId; seconds: number }; ok: { invite?: InviteId; expires?: number; call?: CallId } };
  accept: { send: { invite: InviteId; seconds: number }; ok: { call: CallId } };
  decline: { send: { invite: InviteId }; ok: { cooldown_until?: number } };
  rescind: { send: { invite: InviteId }; ok: { cooldown_until?: number } };
  extend_invite: { send: { invite: InviteId }; ok: { expires: number } };
  rejoin: { send: { call: CallId }; ok: object };
  renegotiate: { send: { call: CallId }; ok: { epoch: number } };
  description: {
    send: { call: CallId; epoch: number; kind: "offer" | "answer"; sdp: string };
    ok: { stale?: boolean };
  };
  candidates: {
    send: { call: CallId; epoch: number; from: number; candidates: Candidate[]; done?: boolean };
    ok: { stale?: boolean };
  };
  chat: { send: { call: CallId; text: string }; ok: { at: number } };
  share: { send: { call: CallId; contacts: Record<string, string> }; ok: object };
  extend_call: { send: { call: CallId; seconds: number }; ok: { deadline: number } };
  hang_up: { send: { call: CallId }; ok: object };
  ice_servers: { send: { call: CallId }; ok: { servers: IceServer[]; expires: number } };
  report: { send: { user: UserId; reason: string; call?: CallId }; ok: object };
  block: { send: { user: UserId }; ok: object };
  unblock: { send: { user: UserId }; ok: object };
  introduce: { send: { target: UserId }; ok: { code: string; expires: number } };
  read: { send: { notification: NotificationId }; ok: object };
  redeem: { send: { code: string }; ok: { uses_left?: number } };
  profile: {
    send: { name?: string | null; gender?: string | null; selfie?: string | null; video?: string | null; tags?: string[] | null };
    ok: { user: Card };
  };
  explain: { send: { user: UserId }; ok: { rules: Rule[] } };
}

export type CommandName = keyof CommandTable;
export type Fields<C extends CommandName> = CommandTable[C]["send"];
export type Answer<C extends CommandName> = CommandTable[C]["ok"];

/** `ok` and `no`, before anybody knows which command they answer. */
export interface AnswerMessage {
  t: "ok" | "no";
  re: number;
  code?: string;
  retry_after_ms?: number;
  cooldown_until?: number;
  field?: string;
  why?: string;
  [field: string]: unknown;
}

/** Any message of the server, read no further than its type. */
export interface AnyMessage {
  t: string;
  seq?: number;
  [field: string]: unknown;
}
