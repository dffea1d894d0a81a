/**
 * The messages of `duologue.v1.postcard`: the tables of `core/src/wire/` in their order, which is frozen. Golden vectors that
 * both share say whether the two agree.
 */

import { CLOSINGS } from "../errors.js";
import { Malformed, Reader, Writer } from "./bytes.js";
import {
  byte, clientId, flag, integer, list, mapped, nullable, oneOf, option, or, small, struct, text, tuple, userId, variants, word,
  wordOf, type Fields, type Type,
} from "./types.js";

const filterFields = { genders: or(list(text), []), tags: or(list(text), []) };
const filter = or(struct(filterFields), {});

const cardFields: Fields = {
  user: userId, name: or(text, ""), gender: or(text, ""), selfie: or(text, ""), video: or(text, ""), tags: or(list(text), []),
};
const card = struct(cardFields);
const marks = or(struct({ cooldown_until: option(integer), introduced_by: option(text) }), {});
const markedCard = mapped(tuple(card, marks), ([it, marks]: [object, object?]) => (marks ? { ...it, marks } : it));
/** What a place has behind its number. */
const placed = mapped(tuple(card, marks), (it: unknown[]) => it.filter((part) => part !== undefined));
const place = mapped(tuple(byte, option(placed)), ([number, who]: [number, unknown[]?]) => [number, ...(who ?? [])]);

const contacts = mapped(list(tuple(text, text)), Object.fromEntries, (all?: object) => Object.entries(all ?? {}));
const descriptionFields: Fields = { call: integer, epoch: small, kind: wordOf("answer", "offer"), sdp: text };
const candidate = struct({ candidate: text, mid: option(text), line: option(small) });
const candidatesFields: Fields = { call: integer, epoch: small, from: small, candidates: list(candidate), done: or(flag, false) };

/** `null` clears, absent keeps. */
const patch = (type: Type): Type => ({
  read: (reader) => {
    const number = reader.byte();
    if (number > 2) throw new Malformed();
    return number === 2 ? type.read(reader) : number === 0 ? null : undefined;
  },
  write: (writer, value) => {
    writer.byte(value === null ? 0 : value === undefined ? 1 : 2);
    if (value !== null && value !== undefined) type.write(writer, value);
  },
});

const commands = variants("t", {
  accept: { invite: integer, seconds: small },
  block: { user: userId },
  candidates: candidatesFields,
  chat: { call: integer, text },
  confirm: { pair: integer },
  decline: { invite: integer },
  description: descriptionFields,
  explain: { user: userId },
  extend_call: { call: integer, seconds: small },
  extend_invite: { invite: integer },
  hang_up: { call: integer },
  ice_servers: { call: integer },
  introduce: { target: userId },
  invite: { to: userId, seconds: small },
  join: { lobby: option(text) },
  leave: {},
  pair: { filter, confirm: or(flag, false) },
  profile: { name: patch(text), gender: patch(text), selfie: patch(text), video: patch(text), tags: patch(list(text)) },
  read: { notification: integer },
  redeem: { code: text },
  reel: { limit: small, filter, restart: or(flag, false) },
  rejoin: { call: integer },
  renegotiate: { call: integer },
  report: { user: userId, reason: text, call: option(integer) },
  rescind: { invite: integer },
  share: { call: integer, contacts },
  unblock: { user: userId },
  unpair: {},
  window: { size: or(small, 0), filter },
  window_close: {},
});

const CLIENT = ["hello", "command", "ack", "ping"];
const clientMessage = oneOf(
  [
    struct({
      t: word("hello"), token: text, client: option(clientId),
      resume: option(struct({ token: text, seq: integer, window: option(integer) })), exclusive: or(flag, false), sdp: or(small, 0),
    }),
    struct({ id: integer, "...": commands }),
    struct({ t: word("ack"), seq: integer }),
    struct({ t: word("ping") }),
  ],
  ({ t }) => (CLIENT.includes(String(t)) ? CLIENT.indexOf(String(t)) : 1),
);

const why = wordOf(
  "accepted", "answered_elsewhere", "away", "banned", "blocked", "busy", "callee_lost", "caller_lost", "deadline", "declined",
  "expired", "hang_up", "operator", "peer_lost", "refused", "rescinded", "shutdown", "timeout",
);
const callFields: Fields = {
  call: integer, peer: card, seconds: small, started: integer, deadline: integer, now: integer, initiator: flag, epoch: small,
  here: flag,
};
const pairFields: Fields = { pair: integer, with: card, seconds: small, expires: integer };

const events = variants("t", {
  call_ended: {
    call: integer, why, seconds: integer, cooldown_until: integer,
    totals: struct({ seconds: integer, calls: integer, completed: integer }),
  },
  call_extended: { call: integer, deadline: integer, now: integer, extensions_left: small },
  call_moved: { call: integer },
  call_started: callFields,
  candidates: candidatesFields,
  chat: { call: integer, from: userId, text, at: integer },
  description: descriptionFields,
  extend_asked: { call: integer, seconds: small, until: integer },
  invite_ended: { invite: integer, why, cooldown_until: option(integer) },
  invite_extended: { invite: integer, expires: integer },
  left: { lobby: text, why },
  notified: { notification: integer, kind: text, about: option(card), by: option(text), at: integer },
  pair_ended: { pair: integer, why, waiting: flag },
  paired: pairFields,
  peer_link: { call: integer, "...": variants("state", { back: {}, reconnecting: { until: integer } }) },
  rang: { invite: integer, from: card, seconds: small, expires: integer },
  renegotiate: { call: integer, epoch: small },
  shared: { call: integer, contacts },
});

const reasons = variants("code", {
  answered: {},
  bad_message: { field: option(text), why: or(text, "") },
  busy: {},
  cooldown: { cooldown_until: integer },
  expired: {},
  invalid_duration: {},
  invalid_target: {},
  no_access: {},
  not_in_lobby: {},
  not_member: {},
  not_yours: {},
  offline: {},
  rate_limited: { retry_after_ms: integer },
  too_large: {},
  too_many_invites: {},
  unavailable: { retry_after_ms: integer },
  unknown_call: {},
  unknown_code: {},
  unknown_invite: {},
  unknown_user: {},
});

/** What an `ok` carries has no name in JSON. */
const done = oneOf(
  [
    { call: integer },
    { cards: list(markedCard), more: flag },
    { code: text, expires: integer },
    { cooldown_until: integer },
    { deadline: integer },
    {},
    { epoch: small },
    { expires: integer },
    { rules: list(struct({ rule: text, passes: flag, until: option(integer) })) },
    { servers: list(struct({ urls: list(text), username: option(text), credential: option(text) })), expires: integer },
    { invite: integer, expires: integer },
    { lobby: text },
    { user: card },
    { at: integer },
    { stale: or(flag, false) },
    { uses_left: option(small) },
    { since: integer },
    { size: small },
  ].map((fields) => struct(fields as Fields)),
);

const views = variants("t", {
  presence: { user: userId, state: wordOf("available", "in_call", "offline", "online") },
  window: { version: integer, size: small, places: list(place), available: small },
  window_delta: { version: integer, set: list(place), available: option(small) },
});

const closingFields = struct({
  t: word("closing"),
  code: wordOf(
    "at_capacity", "bad_message", "bad_token", "banned", "expired_token", "going_away", "internal", "no_hello",
    "signed_in_elsewhere", "slow_consumer", "superseded", "timeout", "unsupported",
  ),
  retry_after_ms: option(integer), why: option(text),
});
const closing = mapped(closingFields, ({ t, code, ...rest }: { t: string; code: string }) => ({
  t, code, reconnect: CLOSINGS[code]!.reconnect, ...rest,
}));

const invite = mapped(
  struct({ invite: integer, out: flag, card, seconds: small, expires: integer }),
  ({ out, card, ...rest }: { out: boolean; card: object }) => ({ ...rest, [out ? "to" : "from"]: card }),
);
const lostUntil = mapped(integer, (until: number) => ({ state: "reconnecting", until }));
const state = struct({
  lobby: nullable(text), window: nullable(small), invites: list(invite),
  ticket: nullable(struct({ since: integer, filter: struct(filterFields), confirm: flag })),
  pair: nullable(struct(pairFields)),
  call: nullable(struct({ ...callFields, extensions_left: small, peer_link: nullable(lostUntil) })),
  unread: small,
});

const serverMessage = oneOf([
  closing,
  struct({ seq: integer, "...": events }),
  struct({ t: word("no"), re: integer, "...": reasons }),
  struct({ t: word("ok"), re: integer, "...": done }),
  struct({ t: word("pong"), now: integer }),
  views,
  struct({
    t: word("welcome"), user: card, resume: text, recovered: flag, now: integer, seq: integer, last_id: integer,
    grace_ms: integer, media_base: text, state,
  }),
]);

const reads = (type: Type) => (bytes: Uint8Array): unknown => {
  const reader = new Reader(bytes);
  const message = type.read(reader);
  if (!reader.isAtEnd) throw new Malformed();
  return message;
};

/** What a client says. Throws `Malformed` where it is no message. */
export const writeClient = (message: object): Uint8Array => {
  const writer = new Writer();
  clientMessage.write(writer, message);
  return writer.finish();
};

/** What a client said, and what the server says, as they are in JSON. They throw `Malformed`. */
export const readClient = reads(clientMessage);
export const readServer = reads(serverMessage);
