/**
 * What the page says: lengths, instants, refusals and endings in words. Never a code.
 *
 * Pure: the present instant comes in, a sentence goes out.
 */

import { DuologueError, type Card, type DuologueEvents, type Weakness } from "@duologue/sdk";

const DAY_MS = 86_400_000;

export function nameOf(card: Card | undefined): string {
  return card?.name ?? "Somebody";
}

/** Somebody whom the server has made up for company, and says so on the card. */
export function isMadeUp(card: Card | undefined): boolean {
  return card?.tags?.includes("made-up") ?? false;
}

/** "5 minutes", "1 minute", "4 min 30 s". */
export function length(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (rest === 0) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return minutes === 0 ? `${rest} s` : `${minutes} min ${rest} s`;
}

/** How long it was: "4 min 12 s", "8 seconds", "1 h 3 min". */
export function span(seconds: number): string {
  if (seconds < 60) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return length(seconds);
}

/** When to try again: "in a moment", "in 40 seconds", "in 2 minutes", "in 3 hours". Rounded up, so that it is no lie. */
export function inTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds <= 5) return "in a moment";
  if (seconds < 60) return `in ${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes === 1) return "in a minute";
  if (minutes < 60) return `in ${minutes} minutes`;
  const hours = Math.ceil(minutes / 60);
  return hours === 1 ? "in an hour" : `in ${hours} hours`;
}

/** "4:05"; whole seconds, rounded up, so that 0:00 is the end and nothing before it. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "today 18:20", "tomorrow 14:05", "Friday 9:00". The instant is on this page's own clock. */
export function when(at: number, now: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const days = Math.floor((new Date(at).setHours(0, 0, 0, 0) - midnight) / DAY_MS + 0.5);
  if (days <= 0) return `today ${time}`;
  if (days === 1) return `tomorrow ${time}`;
  if (days < 7) return `${date.toLocaleDateString("en-GB", { weekday: "long" })} ${time}`;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
}

/** "12 people are here", oneself included. */
export function company(available: number): string {
  const others = Math.max(0, available - 1);
  if (others === 0) return "Nobody else is free right now";
  return others === 1 ? "One other person is here" : `${others} others are here`;
}

/** Why an invitation did not work out, for the one who rang. */
export function inviteRefused(error: unknown, who: string, again: (until: number) => string): string {
  if (!(error instanceof DuologueError)) return "That did not work. Try once more.";
  switch (error.code) {
    case "cooldown":
      return error.cooldownUntil ? `You and ${who} can talk again ${again(error.cooldownUntil)}.` : error.message;
    case "busy":
      return `${who} is in a call just now.`;
    case "offline":
      return `${who} is gone.`;
    case "not_in_lobby":
      return `${who} left the lobby.`;
    case "too_many_invites":
      return `${who} is being rung by too many people. Try again in a moment.`;
    case "rate_limited":
      return "That was a little fast. Wait a moment before you ring again.";
    default:
      return error.message;
  }
}

/** Why one's picture is not on one's card. */
export function pictureRefused(error: unknown): string {
  const code = error instanceof DuologueError ? error.code : "";
  switch (code) {
    case "unknown_path":
      return "No pictures are kept here, so your card shows your initials.";
    case "rate_limited":
    case "at_capacity":
    case "unavailable":
      return "Your picture could not be kept just now. Try again in a moment.";
    default:
      return "Your picture could not be kept. Try another one.";
  }
}

type InviteEnded = DuologueEvents["invite_ended"];

/** How a ring of ours ended; nothing to say where a call follows. */
export function outgoingEnded({ why, cooldown_until }: InviteEnded, who: string, again: (until: number) => string): string | null {
  const later = cooldown_until ? ` You can ask again ${again(cooldown_until)}.` : "";
  switch (why) {
    case "declined":
      return `${who} said no.${later}`;
    case "expired":
      return `${who} did not answer.${later}`;
    case "busy":
      return `${who} is in a call now.`;
    case "callee_lost":
      return `${who} is gone.`;
    case "lost":
      return `${who} cannot be reached any more.`;
    case "accepted":
    case "answered_elsewhere":
    case "rescinded":
    case "caller_lost":
      return null;
  }
}

/** How a ring at us ended without us. */
export function incomingEnded({ why }: InviteEnded, who: string): string | null {
  switch (why) {
    case "rescinded":
      return `${who} took the ring back.`;
    case "expired":
      return `You missed a ring from ${who}.`;
    case "busy":
      return `${who} is in a call now.`;
    case "caller_lost":
    case "lost":
      return `${who} is gone.`;
    case "answered_elsewhere":
      return "You answered on another device.";
    case "accepted":
    case "declined":
    case "callee_lost":
      return null;
  }
}

/** A bad path in words, short enough to stand under a name. */
export function weak(weakness: Weakness, name: string): string {
  const [who] = name.split(/\s+/, 1);
  switch (weakness) {
    case "silence":
      return "weak connection: nothing comes through";
    case "loss":
      return `weak connection: ${who} may break up`;
    case "loss_to_them":
      return `weak connection: ${who} may not hear all of you`;
    case "delay":
      return `weak connection: ${who} hears you late`;
    case "narrow":
      return "weak connection: without your picture the sound is better";
  }
}

/** The headline after a call. */
export function callEnded({ why, seconds }: DuologueEvents["call_ended"], who: string): { title: string; text: string } {
  const talked = seconds > 0 ? `You and ${who} had ${span(seconds)}.` : `You and ${who} hardly met.`;
  switch (why) {
    case "deadline":
      return { title: "Time is up", text: talked };
    case "peer_lost":
      return { title: `${who} lost the connection`, text: talked };
    case "lost":
      return { title: "The call is over", text: talked };
    case "blocked":
      return { title: "You will not meet again", text: `You and ${who} do not see each other any more.` };
    case "shutdown":
      return { title: "The server had to stop", text: talked };
    case "hang_up":
    case "banned":
      return { title: "That was your call", text: talked };
  }
}
