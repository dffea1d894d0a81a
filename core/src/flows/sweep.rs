//! What timers do not clean: every few minutes, in one report. MEM 2.

use super::attach;
use crate::desk::Desk;
use crate::due::Due;
use crate::parts::{Parts, Slot};
use alloc::vec::Vec;

/// What one sweep did away with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions that were over.
    pub sessions: u32,
    /// Pairs whose cooldown was over.
    pub cooldowns: u32,
    /// Buckets that were full again.
    pub buckets: u32,
    /// Counts of unanswered rings that were over.
    pub unanswered: u32,
    /// Clients not seen for long, with their answers.
    pub clients: u32,
    /// People who left memory since the sweep before, by their own deadline (stale presence).
    pub people: u32,
    /// People and sessions that left memory because it was critical (MEM 3).
    pub shed: u32,
    /// Rings that ended by themselves since the sweep before, by their own deadline.
    pub invites: u32,
}

impl Swept {
    /// Each kind with its name.
    pub fn kinds(&self) -> [(&'static str, u32); 8] {
        [
            ("expired sessions", self.sessions),
            ("expired cooldowns", self.cooldowns),
            ("stale presence", self.people),
            ("expired invites", self.invites),
            ("shed at critical", self.shed),
            ("counts of unanswered rings", self.unanswered),
            ("clients not seen for long", self.clients),
            ("full rate buckets", self.buckets),
        ]
    }
}

/// One sweep. It never touches what is not durable or still needed.
pub fn sweep(parts: &mut Parts, desk: &mut Desk) -> Swept {
    desk.timers.set(Due::Sweep, desk.now + desk.rules.sweep);
    let mut swept = Swept {
        sessions: parts.sessions.sweep(desk.now) as u32,
        cooldowns: parts.cooldowns.sweep(desk.now) as u32,
        buckets: parts.rates.sweep(desk.now) as u32,
        unanswered: parts.invites.sweep(desk.now) as u32,
        ..Swept::default()
    };
    parts.draws.forget(desk.now);
    let users: Vec<Slot> = parts.people.all().collect();
    for user in users {
        swept.clients += attach::forget_answers(parts, desk, user) as u32;
    }
    swept
}
