//! The names of deadlines. One deadline a name; at one instant they fire in the order of this list.

use crate::kit::ids::{CallId, InviteId, LinkId, PairId, Ticket};
use crate::parts::Slot;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// Outputs wait to be drained.
    Drain,
    /// An input whose rows are there runs again.
    Ready,
    /// Rows did not come.
    Load(Ticket),
    /// The session of a connection is over.
    Session(LinkId),
    /// A connection's grace is over.
    Grace(LinkId),
    /// A member did not come back to a call: which side.
    SeatGrace(CallId, u8),
    /// A ring ends.
    Ring(InviteId),
    /// A call ends.
    CallEnd(CallId),
    /// A pair was not confirmed.
    Confirm(PairId),
    /// A ticket's user was away for too long.
    TicketSleep(Slot),
    /// A cooldown is over that kept two tickets apart.
    LookAgain,
    /// Tickets are looked at.
    Round,
    /// Ended rings and calls are forgotten.
    ForgetPast,
    /// People who have been gone for long leave memory.
    ForgetUsers,
    /// Calls end because the server stops.
    Shutdown,
    /// The periodic clean-up.
    Sweep,
    /// A window is flushed.
    Flush,
}
