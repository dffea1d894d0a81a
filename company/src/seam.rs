//! What goes into the company and what comes out of it; all of it are values.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use duologue_client::Event;
use duologue_core::kit::time::Span;
use duologue_core::wire::{Card, Command, Marks};

/// What a company is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many are here at a time.
    pub people: u32,
    /// Between two rings of theirs: half of it to one and a half times as long. Whoever said no, or did not answer, is left alone for
    /// eight times as long.
    pub pause: Span,
    /// The shortest and the longest call that may be asked for, in seconds (INV 1).
    pub seconds: (u32, u32),
    /// How people may appear in this realm; who would appear otherwise leaves it open.
    pub genders: Vec<String>,
    /// What everything is drawn from.
    pub seed: u64,
}

/// One of them; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member(pub u64);

/// Into the company.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Somebody who wanted to come got no session.
    Refused {
        /// Who.
        member: Member,
    },
    /// The window of somebody looks like this.
    Sees {
        /// Whose.
        member: Member,
        /// Who stands in it.
        places: &'a [Option<(Arc<Card>, Marks)>],
    },
    /// The client engine of somebody said this.
    Told {
        /// Whose.
        member: Member,
        /// What.
        event: &'a Event,
    },
}

/// Out of the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Comes: with the session of before, or a new guest of this name.
    Come {
        /// Who.
        member: Member,
        /// As they call themselves.
        name: &'static str,
        /// As they appear, where the realm knows it.
        gender: Option<&'static str>,
    },
    /// Goes, and may come again.
    Leave {
        /// Who.
        member: Member,
    },
    /// Is gone for good; the session is not needed any more.
    Part {
        /// Who.
        member: Member,
    },
    /// Wants something of the server.
    Say {
        /// Who.
        member: Member,
        /// The mark of its answer.
        ask: u64,
        /// What.
        command: Command,
    },
}
