//! What a run may find, and the exit code of each kind.

use std::fmt;

/// Kinds of failures; a story that is shrunk keeps its kind and its law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A law does not hold.
    Safety,
    /// Something waits that nothing will wake.
    Liveness,
    /// A part of the system panicked: one of its own assertions, usually.
    Panic,
    /// The same run twice was not the same.
    NotRepeatable,
    /// Something is larger than its limit.
    Limit,
    /// The simulator's own fault.
    Own,
}

impl Kind {
    /// The exit code of the command.
    pub const fn exit_code(self) -> u8 {
        match self {
            Kind::Safety => 64,
            Kind::Panic => 65,
            Kind::Liveness => 66,
            Kind::NotRepeatable => 67,
            Kind::Limit => 68,
            Kind::Own => 69,
        }
    }
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub kind: Kind,
    /// Which law, in words that are also its mark.
    pub law: &'static str,
    /// What was seen, in a sentence.
    pub what: String,
}

impl Failure {
    /// A law that does not hold.
    pub fn safety(law: &'static str, what: String) -> Failure {
        Failure { kind: Kind::Safety, law, what }
    }

    /// Something that waits for ever.
    pub fn liveness(law: &'static str, what: String) -> Failure {
        Failure { kind: Kind::Liveness, law, what }
    }

    /// Whether two failures are of one kind: the same law, or a panic at the same place.
    pub fn is_like(&self, other: &Failure) -> bool {
        let place =
            |failure: &Failure| failure.what.lines().next().unwrap_or("").chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        self.kind == other.kind && self.law == other.law && (self.kind != Kind::Panic || place(self) == place(other))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::Safety => "safety",
            Kind::Liveness => "liveness",
            Kind::Panic => "panic",
            Kind::NotRepeatable => "not repeatable",
            Kind::Limit => "limit",
            Kind::Own => "the simulator's own",
        };
        write!(f, "{name}: {}: {}", self.law, self.what)
    }
}
