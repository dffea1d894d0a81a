//! Every policy number in one place, with the default and the range that makes sense. `Rules` are what an operator may change
//! and what a run of the simulator draws; capacities stand in [`crate::limits`].

use crate::kit::buckets::Rate;
use crate::kit::time::Span;
use alloc::string::String;
use alloc::vec::Vec;

/// The numbers of `docs/rules.md`; what stands in brackets there are the fields here, each with its default and the key under
/// which an operator sets it. Spans are 1 ms to 3,650 days where nothing else is said. [`Rules::check`] holds the ranges.
///
/// ```
/// use duologue_core::kit::time::Span;
/// use duologue_core::rules::Rules;
///
/// let quick = Rules { ring: Span::secs(5), seconds_min: 10, ..Rules::default() };
/// assert_eq!(quick.check(), Ok(()));
/// let senseless = Rules { ring_max: Span::secs(1), ..quick };
/// assert_eq!(senseless.check().map_err(|found| found.key), Err("invites.ring_max"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// CON 4: how long a lost link is hidden before its user is offline (default 10 s). `connections.grace`
    pub grace: Span,
    /// CON 2: connections of a user, 1 to 16 (default 2). `connections.per_user`
    pub per_user: u32,
    /// CON 2: what one connection too many does (default the oldest is closed). `connections.when_full`
    pub when_full: WhenFull,
    /// CON 5: answers kept for a client, 1 to 1,024 (default 64); an older number is `answered`. `connections.answers`
    pub answers: u32,
    /// CON 5: for how long after the client was last seen (default 10 min). `connections.answers_for`
    pub answers_for: Span,
    /// PRE 2: at most one change to a watcher in this span (default 1 s). `presence.coalesce`
    pub coalesce: Span,
    /// PRE 6: when an offline user leaves memory (default 1 h). `presence.forget`
    pub forget: Span,
    /// LOB 2: places of a window that does not say, 1 to `window_max` (default 20). `window.size`
    pub window_size: u32,
    /// LOB 2: the most places, 1 to 64 (default 50); who asks for more gets these. `window.max`
    pub window_max: u32,
    /// LOB 2: windows that show a newcomer, 0 to 64 (default 20). `window.exposure`
    pub exposure: u32,
    /// LOB 2: how long a card stays before a newcomer may replace it (default 20 s). `window.exposure_after`
    pub exposure_after: Span,
    /// INV 1: the shortest call that may be asked for, in seconds, from 1 (default 60); less is `invalid_duration`. `invites.seconds_min`
    pub seconds_min: u32,
    /// INV 1: the longest, in seconds, to 86,400 (default 1,800); more is `invalid_duration`. `invites.seconds_max`
    pub seconds_max: u32,
    /// INV 3: how long it rings (default 20 s). `invites.ring`
    pub ring: Span,
    /// INV 3: one extension of a ring (default 20 s). `invites.extend`
    pub ring_extend: Span,
    /// INV 3: the most with all extensions, at least `ring` (default 5 min); beyond it `invalid_duration`. `invites.ring_max`
    pub ring_max: Span,
    /// INV 2: rings of a caller, 1 to 16 (default 1); one more is `too_many_invites`. `invites.out`
    pub invites_out: u32,
    /// INV 2: rings at a callee, 1 to 64 (default 8); one more is `too_many_invites`. `invites.in`
    pub invites_in: u32,
    /// INV 10: unanswered rings in a row after which somebody is away, 1 to 1,000 (default 2). `invites.away_after`
    pub away_after: u32,
    /// CALL 12: how long the members of a call have to come back after a start (default 60 s). `calls.recovery`
    pub recovery: Span,
    /// CALL 8: a call of this length is kept in the history and added to the totals (default 5 s). `calls.counted`
    pub counted: Span,
    /// CALL 8: a call of this length counts as completed, at least `counted` (default 30 s). `calls.completed`
    pub completed: Span,
    /// CALL 2: how often a call may be extended, 0 to 100 (default 3); once more is `invalid_duration`. `calls.extensions`
    pub extensions: u32,
    /// CALL 2: how long the question for more time stands (default 30 s). `calls.extend_window`
    pub extend_window: Span,
    /// CALL 4: the longest line of chat, in Unicode scalar values, 1 to 4,096 (default 500); longer is `bad_message`. `calls.chat_max`
    pub chat_max: u32,
    /// CALL 4: whether chat is kept with the history, and so is a fact that an answer waits for (default yes). `calls.chat_keep`
    pub chat_keep: bool,
    /// CALL 7: how long the two of a call do not meet again, from its start (default 24 h). `cooldowns.call`
    pub cooldown_call: Span,
    /// INV 8: the same after a decline (default 24 h). `cooldowns.decline`
    pub cooldown_decline: Span,
    /// INV 8, 10: the same after a ring that was taken back, or the third unanswered one in an hour (default 1 h). `cooldowns.rescind`
    pub cooldown_rescind: Span,
    /// PAIR 4: length of a paired call, in seconds, 1 to 86,400 (default 180). `pairing.seconds`
    pub pair_seconds: u32,
    /// PAIR 4: how long both have to confirm (default 10 s). `pairing.confirm`
    pub pair_confirm: Span,
    /// PAIR 2: how often tickets are looked at (default 250 ms). `pairing.round`
    pub pair_round: Span,
    /// PAIR 1: how long a ticket outlives its user's connections (default 60 s). No key: the protocol names it.
    pub ticket_sleep: Span,
    /// SIG 6: how often a member of a call may ask for servers and credentials, 1 to 100 (default 3); once more is `too_large`. `turn.per_call`
    pub ice_per_call: u32,
    /// CON 1: how long a guest's session lasts (default 7 days). `sessions.guest`
    pub session_guest: Span,
    /// How people may appear, 1 to 8 names (default `female`, `male`, `other`); another is `bad_message`. `profile.genders`
    pub genders: Vec<String>,
    /// SAFE 1: whether a report needs a call that the two had (default yes); without one it is `unknown_call`. `safety.report_needs_call`
    pub report_needs_call: bool,
    /// RATE: lines of chat of a user (default 5/s, 10 at once). `rates.chat`
    pub rate_chat: Rate,
    /// RATE: rings of a user (default 6/min, 6 at once). `rates.rings`
    pub rate_rings: Rate,
    /// RATE: rings from an address (IPv6: a /64) (default 30/min, 30 at once). `rates.rings_address`
    pub rate_rings_address: Rate,
    /// RATE: guest accounts from an address (default 20/h, 20 at once). `rates.guests`
    pub rate_guests: Rate,
    /// RATE: requests over HTTP from an address (default 500/min, 500 at once). `rates.api`
    pub rate_api: Rate,
    /// RATE: failed sign-ins from an address (default 6/10 min, 6 at once); a hello beyond it is `at_capacity`. `rates.sign_in`
    pub rate_sign_in: Rate,
    /// RATE: reports of a user (default 50/h, 50 at once). `rates.reports`
    pub rate_reports: Rate,
    /// LOB 8: cards asked for by a user, by reel and window (default 60/min, 200 at once). `window.cards`
    pub rate_cards: Rate,
    /// RATE: networks that limits by address do not count, as first and last address (IPv4 mapped into IPv6) (default none). `rates.exempt`
    pub exempt: Vec<(u128, u128)>,
    /// MEM 2: how often the sweep runs (default 5 min). `memory.sweep`
    pub sweep: Span,
}

/// What happens to one connection too many (CON 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The oldest is closed.
    CloseOldest,
    /// The newcomer is refused.
    RefuseNew,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            grace: Span::secs(10),
            per_user: 2,
            when_full: WhenFull::CloseOldest,
            answers: 64,
            answers_for: Span::mins(10),
            coalesce: Span::secs(1),
            forget: Span::hours(1),
            window_size: 20,
            window_max: 50,
            exposure: 20,
            exposure_after: Span::secs(20),
            seconds_min: 60,
            seconds_max: 1800,
            ring: Span::secs(20),
            ring_extend: Span::secs(20),
            ring_max: Span::mins(5),
            invites_out: 1,
            invites_in: 8,
            away_after: 2,
            recovery: Span::secs(60),
            counted: Span::secs(5),
            completed: Span::secs(30),
            extensions: 3,
            extend_window: Span::secs(30),
            chat_max: 500,
            chat_keep: true,
            cooldown_call: Span::hours(24),
            cooldown_decline: Span::hours(24),
            cooldown_rescind: Span::hours(1),
            pair_seconds: 180,
            pair_confirm: Span::secs(10),
            pair_round: Span::millis(250),
            ticket_sleep: Span::secs(60),
            ice_per_call: 3,
            session_guest: Span::days(7),
            genders: ["female", "male", "other"].map(String::from).to_vec(),
            report_needs_call: true,
            rate_chat: Rate::per(5, Span::secs(1), 10),
            rate_rings: Rate::per(6, Span::mins(1), 6),
            rate_rings_address: Rate::per(30, Span::mins(1), 30),
            rate_guests: Rate::per(20, Span::hours(1), 20),
            rate_api: Rate::per(500, Span::mins(1), 500),
            rate_sign_in: Rate::per(6, Span::mins(10), 6),
            rate_reports: Rate::per(50, Span::hours(1), 50),
            rate_cards: Rate::per(60, Span::mins(1), 200),
            exempt: Vec::new(),
            sweep: Span::mins(5),
        }
    }
}

/// A number that makes no sense, in words for whoever set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Senseless {
    /// The configuration key.
    pub key: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
}

impl Rules {
    /// Whether the numbers make sense together.
    ///
    /// # Errors
    /// `Senseless` – names the first key that does not, and what is allowed.
    pub fn check(&self) -> Result<(), Senseless> {
        let positive = [
            ("connections.grace", self.grace),
            ("connections.answers_for", self.answers_for),
            ("presence.coalesce", self.coalesce),
            ("presence.forget", self.forget),
            ("invites.ring", self.ring),
            ("invites.extend", self.ring_extend),
            ("calls.recovery", self.recovery),
            ("calls.extend_window", self.extend_window),
            ("pairing.confirm", self.pair_confirm),
            ("pairing.round", self.pair_round),
            ("sessions.guest", self.session_guest),
            ("memory.sweep", self.sweep),
        ];
        for (key, span) in positive {
            if span.0 == 0 || span > Span::days(3_650) {
                return Err(Senseless { key, allowed: "1ms to 3650d" });
            }
        }
        let counts = [
            ("connections.per_user", self.per_user, 1, 16, "1 to 16"),
            ("connections.answers", self.answers, 1, 1_024, "1 to 1024"),
            ("window.max", self.window_max, 1, 64, "1 to 64"),
            ("window.size", self.window_size, 1, self.window_max, "1 to window.max"),
            ("window.exposure", self.exposure, 0, 64, "0 to 64"),
            ("invites.seconds_min", self.seconds_min, 1, self.seconds_max, "1 to invites.seconds_max"),
            ("invites.seconds_max", self.seconds_max, 1, 86_400, "1 to 86400"),
            ("invites.out", self.invites_out, 1, 16, "1 to 16"),
            ("invites.in", self.invites_in, 1, 64, "1 to 64"),
            ("invites.away_after", self.away_after, 1, 1_000, "1 to 1000"),
            ("calls.extensions", self.extensions, 0, 100, "0 to 100"),
            ("calls.chat_max", self.chat_max, 1, 4_096, "1 to 4096"),
            ("pairing.seconds", self.pair_seconds, 1, 86_400, "1 to 86400"),
            ("turn.per_call", self.ice_per_call, 1, 100, "1 to 100"),
        ];
        for (key, value, least, most, allowed) in counts {
            if value < least || value > most {
                return Err(Senseless { key, allowed });
            }
        }
        if self.ring_max < self.ring {
            return Err(Senseless { key: "invites.ring_max", allowed: "at least invites.ring" });
        }
        if self.completed < self.counted {
            return Err(Senseless { key: "calls.completed", allowed: "at least calls.counted" });
        }
        if self.genders.is_empty() || self.genders.len() > 8 {
            return Err(Senseless { key: "profile.genders", allowed: "1 to 8 names" });
        }
        Ok(())
    }
}
