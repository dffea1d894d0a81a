//! Whether a client lives (CON 6). Only what comes from it counts: a half-open socket accepts writes for minutes. A frame moves
//! no timer; the timer looks, when it fires, how long it has been silent, and is set anew.

use duologue_core::kit::time::{Millis, Span};

/// When a socket was last heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    heard: Millis,
    /// Asked since it was last heard.
    asked: bool,
}

/// What to do about a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Ask for a sign of life, and look again then.
    Ask(Millis),
    /// It is dead.
    Dead,
    /// Look again then.
    Wait(Millis),
}

impl Liveness {
    pub(crate) fn new(now: Millis) -> Liveness {
        Liveness { heard: now, asked: false }
    }

    /// Something came from the client.
    pub(crate) fn heard(&mut self, now: Millis) {
        *self = Liveness::new(now);
    }

    /// Nobody read what came: whoever seems silent is to be asked now, and has the time to answer that one always has. Whether it
    /// seems so.
    pub(crate) fn forgive(&mut self, now: Millis, ping: Span, dead: Span) -> bool {
        let asked_at = if ping < dead { ping } else { Span(0) };
        if now.since(self.heard) < ping.min(dead) {
            return false;
        }
        *self = Liveness::new(Millis(now.0.saturating_sub(asked_at.0)));
        true
    }

    /// When to look for the first time.
    pub(crate) fn first_look(&self, ping: Span, dead: Span) -> Millis {
        self.heard + ping.min(dead)
    }

    /// Looks.
    pub(crate) fn look(&mut self, now: Millis, ping: Span, dead: Span) -> Silence {
        let silent = now.since(self.heard);
        if silent >= dead {
            return Silence::Dead;
        }
        if silent < ping {
            return Silence::Wait(self.first_look(ping, dead));
        }
        // Whoever answers right now is to be asked again after a whole `ping`: no look may come later than that.
        let again = (self.heard + dead).min(now + ping);
        if core::mem::replace(&mut self.asked, true) { Silence::Wait(again) } else { Silence::Ask(again) }
    }
}
