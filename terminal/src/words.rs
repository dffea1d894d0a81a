//! What codes and spans are in words for people.

use duologue_client::Failed;
use duologue_client::time::{Millis, Span};
use duologue_client::wire::{Reason, Why};

/// `1:05`, as a clock that counts down or up shows it; begun seconds count whole.
pub fn clock(span: Span) -> String {
    let seconds = span.0.div_ceil(1000);
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A length: `40 s`, `2 min`, `2 min 5 s`, `23 h 59 min`.
pub fn length(span: Span) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Why something was refused, as the end of a sentence.
pub fn failed(failed: &Failed, now: Millis) -> String {
    let reason = match failed {
        Failed::Refused(reason) => reason,
        Failed::Ended => return "the connection has ended".into(),
        Failed::TooMany => return "too much waits for the server already".into(),
        Failed::Unknown => return "the server answered in words of a later version".into(),
    };
    match reason {
        Reason::Answered => "it was answered already".into(),
        Reason::BadMessage { why, .. } => format!("the server does not take that: {why}"),
        Reason::Busy => "somebody is in a call".into(),
        Reason::Cooldown { until } => format!("you two have met, or not wanted to; again in {}", length(until.since(now))),
        Reason::Expired => "it is over".into(),
        Reason::InvalidDuration => "that is no length of a call here".into(),
        Reason::InvalidTarget => "that is you".into(),
        Reason::NotInLobby => "you are not in the lobby".into(),
        Reason::Offline => "they have just gone".into(),
        Reason::RateLimited { retry_after } => format!("that was too much at once; again in {}", length(*retry_after)),
        Reason::TooLarge => "it is too long".into(),
        Reason::TooManyInvites => "one ring at a time, and they may have many".into(),
        Reason::Unavailable { .. } => "the server cannot write at the moment; try again".into(),
        Reason::NoAccess
        | Reason::NotMember
        | Reason::NotYours
        | Reason::UnknownCall
        | Reason::UnknownCode
        | Reason::UnknownInvite
        | Reason::UnknownUser => reason.code().replace('_', " "),
    }
}

/// How a ring, a call, a pair or a stay in the lobby ended, after "the ring ended: " and its like.
pub fn why(why: Why) -> &'static str {
    match why {
        Why::Accepted => "yes",
        Why::AnsweredElsewhere => "answered on another device",
        Why::Away => "you did not answer",
        Why::Banned | Why::Operator => "by the operator",
        Why::Blocked => "blocked",
        Why::Busy => "got into another call",
        Why::CalleeLost | Why::CallerLost | Why::PeerLost => "their connection is gone",
        Why::Deadline => "the time is over",
        Why::Declined | Why::Refused => "no",
        Why::Expired | Why::Timeout => "nobody answered",
        Why::HangUp => "hung up",
        Why::Rescinded => "taken back",
        Why::Shutdown => "the server went down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!(
            [0, 1, 59_001, 60_000, 3_599_999, 3_600_001].map(|ms| clock(Span(ms))),
            ["0:00", "0:01", "1:00", "1:00", "1:00:00", "1:00:01"]
        );
        assert_eq!(
            [4_000, 60_000, 125_000, 86_399_000, 86_400_000].map(|ms| length(Span(ms))),
            ["4 s", "1 min", "2 min 5 s", "23 h 59 min", "24 h"]
        );
    }
}
