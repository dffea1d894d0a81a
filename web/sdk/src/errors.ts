/**
 * What can be refused and why a link ends: the stable codes, each with a sentence that a person can read.
 *
 * It owns the two tables (refusals, closings) and the one error class of the SDK. Sentences are defaults for an
 * application that has none of its own; programs look at `code`.
 */

export interface ClosingKind {
  /** The WebSocket close code. */
  close: number;
  /** Whether coming back can help. */
  reconnect: boolean;
}

export const CLOSINGS: Readonly<Record<string, ClosingKind>> = {
  at_capacity: { close: 4001, reconnect: true },
  going_away: { close: 4002, reconnect: true },
  slow_consumer: { close: 4003, reconnect: true },
  timeout: { close: 4004, reconnect: true },
  internal: { close: 4005, reconnect: true },
  no_hello: { close: 4006, reconnect: true },
  superseded: { close: 4101, reconnect: false },
  signed_in_elsewhere: { close: 4102, reconnect: false },
  bad_token: { close: 4103, reconnect: false },
  expired_token: { close: 4104, reconnect: false },
  banned: { close: 4105, reconnect: false },
  bad_message: { close: 4106, reconnect: false },
  unsupported: { close: 4108, reconnect: false },
};

/** The name of a close code, where the server gave no `closing` message; `null` is an ordinary loss. */
export function closingOf(close: number): string | null {
  if (close === 1009) return "bad_message";
  for (const [code, kind] of Object.entries(CLOSINGS)) if (kind.close === close) return code;
  return null;
}

const SENTENCES: Readonly<Record<string, string>> = {
  answered: "That was answered already.",
  at_capacity: "It is full at the moment. We try again by ourselves.",
  bad_message: "Something went wrong in this page.",
  bad_token: "Please come in again.",
  banned: "You cannot take part at the moment.",
  busy: "They are in a call just now.",
  closed: "The connection is closed.",
  cooldown: "You two met not long ago. It will be possible again later.",
  expired: "That came too late.",
  expired_token: "Your visit has ended. Please come in again.",
  going_away: "The server restarts. We come back by ourselves.",
  internal: "Something went wrong on the server.",
  invalid_duration: "A call can last from one minute to thirty.",
  invalid_target: "That is not possible with yourself.",
  no_access: "You need an access code first.",
  no_hello: "The connection took too long.",
  not_in_lobby: "They are not in the lobby.",
  not_member: "That is not your call.",
  not_yours: "That is not yours to decide.",
  offline: "They are gone.",
  rate_limited: "That was a little fast. Wait a moment.",
  signed_in_elsewhere: "You came in on another device.",
  slow_consumer: "The connection was too slow.",
  superseded: "This goes on in another tab.",
  timeout: "The connection was quiet for too long.",
  too_large: "That is too long.",
  too_many_invites: "Too many are ringing at once.",
  unavailable: "That does not work just now. Try again in a moment.",
  unknown_call: "That call is over.",
  unknown_code: "This code is not known.",
  unknown_invite: "Nobody is ringing any more.",
  unknown_user: "They are gone.",
  unknown_path: "That is not there on this server.",
  unreachable: "The server cannot be reached.",
  unsupported_media_type: "That is no picture that can be used: JPEG, PNG or WebP.",
  unsupported: "This page is too old for the server. Load it again.",
};

/** The sentence for a code; an unknown code gets one too, for there may be more in a later server. */
export function sentenceOf(code: string): string {
  return SENTENCES[code] ?? "That did not work.";
}

export interface ErrorDetails {
  retry_after_ms?: number;
  cooldown_until?: number;
  field?: string;
  why?: string;
}

/** A refusal, or the end of a link. `code` is for programs, `message` for people. */
export class DuologueError extends Error {
  override readonly name = "DuologueError";
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  readonly cooldownUntil: number | undefined;
  /** The field that was wrong, with `bad_message`. */
  readonly field: string | undefined;
  /** For developers. */
  readonly why: string | undefined;

  constructor(code: string, details: ErrorDetails = {}, sentence = sentenceOf(code)) {
    super(sentence);
    this.code = code;
    this.retryAfterMs = details.retry_after_ms;
    this.cooldownUntil = details.cooldown_until;
    this.field = details.field;
    this.why = details.why;
  }
}
