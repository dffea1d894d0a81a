//! The relay of one live call (SIG 1, 2, 4): two sides, one epoch. It is opened, renumbered and dropped by what the engine
//! releases (`Seats`, `Unseat`), so no signal precedes its call or outlives it (CALL 3). It promises: under one epoch, a side's
//! description is at the peer before the candidates that follow it; candidates arrive in order, once; nothing of another epoch
//! arrives; a side costs a bounded number of bytes. Who sits on a side, and what a socket is, its owner knows.

use crate::candidates::Pending;
use crate::compact::{Carried, MARK, as_it_is};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use duologue_core::kit::buckets::{Bucket, Rate};
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Answer, Candidate, Candidates, Description, Done, Event, Reason, SdpKind};

/// What a side may send (SIG 2, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Candidates in one batch. `signaling.batch`
    pub batch: u32,
    /// How long a batch waits for more. `signaling.batch_wait`
    pub batch_wait: Span,
    /// Bytes of one SDP, in UTF-8. `signaling.description_max`
    pub description_max_bytes: u32,
    /// Bytes of one candidate; its `mid` may have as many. `signaling.candidate_max`
    pub candidate_max_bytes: u32,
    /// Candidates a side and epoch.
    pub candidates: u32,
    /// Descriptions a side and call: so many at once, and then one more in each span.
    pub descriptions: Rate,
    /// Bytes that a side may have relayed in all.
    pub total_bytes: u32,
}

impl Default for RelayLimits {
    fn default() -> RelayLimits {
        RelayLimits {
            batch: 20,
            batch_wait: Span::millis(50),
            description_max_bytes: 32 * 1024,
            candidate_max_bytes: 1024,
            candidates: 64,
            descriptions: Rate::per(1, Span::mins(1), 12),
            total_bytes: 256 * 1024,
        }
    }
}

/// One of the two of a call, in the order of `Seats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first seat: the caller, or the lower user.
    First,
    /// The second seat.
    Second,
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Side; 2] = [Side::First, Side::Second];

    /// The other one.
    pub const fn other(self) -> Side {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }

    /// 0 or 1, as in `Seats`.
    pub const fn index(self) -> usize {
        match self {
            Side::First => 0,
            Side::Second => 1,
        }
    }
}

/// Something for a side, to be numbered by its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// For whom.
    pub to: Side,
    /// `description` or `candidates`.
    pub event: Event,
}

/// What one side has said.
#[derive(Clone, Debug, Default)]
struct Half {
    /// Under this epoch: the digest of the last description relayed; candidates wait until there is one.
    described: Option<u128>,
    pending: Pending,
    /// Whether a first batch went under this epoch.
    begun: bool,
    /// When the batch that waits has waited enough.
    due: Option<Millis>,
    /// Over all epochs.
    descriptions: Bucket,
    bytes: u32,
}

/// The relay of one live call.
#[derive(Clone, Debug)]
pub struct Relay {
    call: CallId,
    epoch: u32,
    limits: RelayLimits,
    /// Which version of compact descriptions each side reads and writes; 0 is none.
    reads: [u32; 2],
    halves: [Half; 2],
    out: VecDeque<Relayed>,
}

impl Relay {
    /// Opens the relay of a call under its epoch.
    pub fn new(call: CallId, epoch: u32, limits: RelayLimits) -> Relay {
        Relay { call, epoch, limits, reads: [0; 2], halves: Default::default(), out: VecDeque::new() }
    }

    /// Under which epoch it relays.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Says which version of compact descriptions each side reads (`hello.sdp`); 0 is none. Nothing compact is relayed to a side
    /// that reads another version than it was written in (SIG 5).
    pub fn set_reads(&mut self, reads: [u32; 2]) {
        self.reads = reads;
    }

    /// Starts a new epoch: what waited is dropped, indexes begin at 0 again. What a side has used up of its limits stays so.
    pub fn renumber(&mut self, epoch: u32) {
        self.epoch = epoch;
        self.out.clear();
        for half in &mut self.halves {
            *half = Half { descriptions: half.descriptions, bytes: half.bytes, ..Half::default() };
        }
    }

    /// Relays a side's description, unless it equals its last one of this epoch.
    ///
    /// # Errors
    /// - `BadMessage` – with `sdp`: it is compact, and the other side does not read that version.
    /// - `TooLarge` – the SDP, the descriptions of this side, or its bytes in all.
    pub fn handle_description(&mut self, now: Millis, side: Side, mut description: Description) -> Answer {
        debug_assert_eq!(description.call, self.call);
        if description.epoch != self.epoch {
            return Ok(Done::Signal { stale: true });
        }
        let print = fingerprint(&description);
        if self.halves[side.index()].described == Some(print) {
            return Ok(Done::Signal { stale: false });
        }
        let passed = self.pass(side, &description.sdp).ok_or(Reason::field("sdp", UNREADABLE))?;
        let (limits, half) = (self.limits, &mut self.halves[side.index()]);
        let length = size(passed.weighed);
        if length > limits.description_max_bytes || length > limits.total_bytes.saturating_sub(half.bytes) {
            return Err(Reason::TooLarge);
        }
        half.descriptions.take(&limits.descriptions, now).map_err(|_| Reason::TooLarge)?;
        half.bytes += length;
        // Candidates of the description before stay in front of this one: a peer that ignored that one drops exactly those.
        if half.described.is_some() {
            self.send_all(side);
        }
        self.halves[side.index()].described = Some(print);
        if let Some(field) = passed.instead {
            description.sdp = field;
        }
        self.out.push_back(Relayed { to: side.other(), event: Event::Description(Box::new(description)) });
        self.send_complete(now, side);
        Ok(Done::Signal { stale: false })
    }

    /// Takes a side's candidates; those that came before are dropped.
    ///
    /// # Errors
    /// - `BadMessage` – with `from`: some are missing in between. With `candidates`: one is compact, and the other side does not
    ///   read that version.
    /// - `TooLarge` – one of them, their number in this epoch, or the side's bytes in all. None of the message is taken.
    pub fn handle_candidates(&mut self, now: Millis, side: Side, mut message: Candidates) -> Answer {
        debug_assert_eq!(message.call, self.call);
        if message.epoch != self.epoch {
            return Ok(Done::Signal { stale: true });
        }
        let Some(known) = self.halves[side.index()].pending.known(message.from, &message.candidates) else {
            return Err(Reason::field("from", "candidates before these are missing"));
        };
        let passed: Option<Vec<Passed>> =
            message.candidates[known..].iter().map(|candidate| self.pass(side, &candidate.candidate)).collect();
        let passed = passed.ok_or(Reason::field("candidates", UNREADABLE))?;
        let (limits, half) = (self.limits, &mut self.halves[side.index()]);
        let news = &mut message.candidates[known..];
        let mut weights = Vec::with_capacity(news.len());
        for (candidate, passed) in news.iter_mut().zip(passed) {
            weights.push(weight(candidate).saturating_sub(size(candidate.candidate.len() - passed.weighed)));
            if let Some(field) = passed.instead {
                candidate.candidate = field;
            }
        }
        let bytes: u32 = weights.iter().copied().fold(0, u32::saturating_add);
        let one_too_large = weights.iter().any(|weight| *weight > limits.candidate_max_bytes);
        let too_many = news.len() > limits.candidates.saturating_sub(half.pending.came()) as usize;
        if one_too_large || too_many || bytes > limits.total_bytes.saturating_sub(half.bytes) {
            return Err(Reason::TooLarge);
        }
        half.bytes += bytes;
        half.pending.push(message.from, message.candidates, message.done);
        self.send_complete(now, side);
        Ok(Done::Signal { stale: false })
    }

    /// Sends the batches that have waited long enough.
    pub fn handle_timeout(&mut self, now: Millis) {
        for side in Side::BOTH {
            if self.halves[side.index()].due.is_some_and(|due| due <= now) {
                self.send_all(side);
            }
        }
    }

    /// The next thing for one of the sides, in order.
    pub fn poll_output(&mut self) -> Option<Relayed> {
        self.out.pop_front()
    }

    /// When a batch has waited enough.
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.halves.iter().filter_map(|half| half.due).min()
    }

    /// Feeds what it is made of.
    pub fn digest(&self, digest: &mut Digest) {
        digest.number(self.call.0).number(u64::from(self.epoch));
        for half in &self.halves {
            digest.wide(half.described.unwrap_or_default()).number(u64::from(half.begun)).maybe(half.due.map(|due| due.0));
            digest.number(half.descriptions.full_at_us()).number(u64::from(half.bytes));
            half.pending.digest(digest);
        }
    }

    /// What the other side is given for a field of this side: the same text, as each of the two writes one (a text that begins with
    /// the mark of what is compact stands behind another mark), or something compact as it is. `None` if it cannot read that.
    fn pass(&self, side: Side, field: &str) -> Option<Passed> {
        let [writes, reads] = [side, side.other()].map(|side| self.reads[side.index()]);
        let carried = if writes == 0 { Carried::Text(field) } else { Carried::of(field).ok()? };
        match carried {
            Carried::Text(text) => {
                let is_same = text.len() == field.len() && (reads == 0 || !text.starts_with(MARK));
                let instead = (!is_same).then(|| if reads == 0 { text.to_string() } else { as_it_is(text) });
                Some(Passed { instead, weighed: text.len() })
            }
            Carried::Compact { version, .. } => (version == reads).then_some(Passed { instead: None, weighed: field.len() }),
        }
    }

    /// Sends the first batch of an epoch at once, complete ones after it; the rest waits for more, but not for long.
    fn send_complete(&mut self, now: Millis, side: Side) {
        let (batch, wait) = (self.limits.batch.max(1) as usize, self.limits.batch_wait);
        let waits = |half: &Half| !half.pending.is_empty() && (!half.begun || half.pending.is_complete(batch));
        if self.halves[side.index()].described.is_none() {
            return;
        }
        while waits(&self.halves[side.index()]) {
            self.halves[side.index()].begun = true;
            self.send_one(side);
        }
        let half = &mut self.halves[side.index()];
        half.due = match (half.pending.is_empty(), half.due) {
            (true, _) => None,
            (false, None) => Some(now + wait),
            (false, due) => due,
        };
    }

    fn send_all(&mut self, side: Side) {
        while !self.halves[side.index()].pending.is_empty() {
            self.send_one(side);
        }
        self.halves[side.index()].due = None;
    }

    fn send_one(&mut self, side: Side) {
        let half = &mut self.halves[side.index()];
        assert!(half.described.is_some(), "SIG 1: a description goes before its candidates");
        let Some(cut) = half.pending.cut(self.limits.batch.max(1) as usize) else { return };
        let batch = Candidates { call: self.call, epoch: self.epoch, from: cut.from, candidates: cut.candidates, done: cut.done };
        self.out.push_back(Relayed { to: side.other(), event: Event::Candidates(Box::new(batch)) });
    }
}

/// Why something compact is refused.
const UNREADABLE: &str = "the other side does not read compact descriptions of this version";

/// A field on its way to the other side.
struct Passed {
    /// If it is not as it came.
    instead: Option<String>,
    /// The bytes that count.
    weighed: usize,
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn weight(candidate: &Candidate) -> u32 {
    carried(&candidate.candidate).max(candidate.mid.as_ref().map_or(0, |mid| carried(mid)))
}

/// Bytes of a text in a batch. A control character, which no candidate has, is six in JSON: a batch of nothing else would be
/// larger than a message may be, and close its reader for being slow.
fn carried(text: &str) -> u32 {
    size(text.len() + 5 * text.bytes().filter(u8::is_ascii_control).count())
}

/// Tells a side's description from its last one without keeping the text. A side could make two alike only against itself.
fn fingerprint(description: &Description) -> u128 {
    let kind = match description.kind {
        SdpKind::Answer => 1,
        SdpKind::Offer => 2,
    };
    Digest::default().number(kind).bytes(description.sdp.as_bytes()).finish()
}
