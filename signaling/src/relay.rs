//! The relay of one live call (SIG 1, 2, 4): two sides, one epoch. It is opened, renumbered and dropped by what the engine
//! releases (`Seats`, `Unseat`), so no signal precedes its call or outlives it (CALL 3). It promises: under one epoch, a side's
//! description is at the peer before the candidates that follow it; candidates arrive in order, once; nothing of another epoch
//! arrives; a side costs a bounded number of bytes. What is to go to a side waits here until its owner takes it, so that nobody is
//! given more than they read (CON 7). Who sits on a side, and what a socket is, its owner knows.

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
use duologue_core::wire::{Answer, Candidate, Candidates, Description, Done, Event, MESSAGE_MAX_BYTES, Reason, SdpKind};

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

/// A description that would be larger than this in JSON fits into no message, beside what stands around it.
const DESCRIPTION_JSON_MAX: u32 = MESSAGE_MAX_BYTES as u32 - 512;

/// A batch is cut before it passes this, so that it fits into a message however large its candidates may be.
const BATCH_MAX_BYTES: u32 = 24 * 1024;

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
    /// Waits for the other side to take it, with the bytes of each.
    out: VecDeque<(u32, Event)>,
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
}

impl Relay {
    /// Opens the relay of a call under its epoch.
    pub fn new(call: CallId, epoch: u32, limits: RelayLimits) -> Relay {
        Relay { call, epoch, limits, reads: [0; 2], halves: Default::default() }
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
        for half in &mut self.halves {
            *half = Half { descriptions: half.descriptions, bytes: half.bytes, ..Half::default() };
        }
    }

    /// Relays a side's description, unless it equals its last one of this epoch.
    ///
    /// # Errors
    /// - `BadMessage` – with `sdp`: it is compact, and the other side does not read that version.
    /// - `TooLarge` – the SDP, as it is or as JSON; the descriptions of this side; or its bytes in all.
    pub fn handle_description(&mut self, now: Millis, side: Side, mut description: Description) -> Answer {
        debug_assert_eq!(description.call, self.call);
        if description.epoch != self.epoch {
            return Ok(Done::Signal { stale: true });
        }
        let print = fingerprint(&description);
        if self.halves[side.index()].described == Some(print) {
            return Ok(Done::Signal { stale: false });
        }
        let Passed { instead, counts } = self.pass(side, &description.sdp).ok_or(Reason::field("sdp", UNREADABLE))?;
        let (limits, half) = (self.limits, &mut self.halves[side.index()]);
        let length = size(counts.len());
        let is_too_large = length > limits.description_max_bytes || carried(counts) > DESCRIPTION_JSON_MAX;
        if is_too_large || length > limits.total_bytes.saturating_sub(half.bytes) {
            return Err(Reason::TooLarge);
        }
        half.descriptions.take(&limits.descriptions, now).map_err(|_| Reason::TooLarge)?;
        half.bytes += length;
        // Candidates of the description before stay in front of this one: a peer that ignored that one drops exactly those.
        if half.described.is_some() {
            self.send_all(side);
        }
        if let Some(field) = instead {
            description.sdp = field;
        }
        let half = &mut self.halves[side.index()];
        half.described = Some(print);
        half.out.push_back((length, Event::Description(Box::new(description))));
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
        let mut fields = Vec::new();
        let (mut bytes, mut longest) = (0u32, 0);
        for Candidate { candidate, mid, .. } in &message.candidates[known..] {
            let Passed { instead, counts } = self.pass(side, candidate).ok_or(Reason::field("candidates", UNREADABLE))?;
            for text in [counts, mid.as_deref().unwrap_or_default()].map(carried) {
                (bytes, longest) = (bytes.saturating_add(text), longest.max(text));
            }
            fields.push(instead);
        }
        let (limits, half) = (self.limits, &mut self.halves[side.index()]);
        let one_too_large = longest > limits.candidate_max_bytes;
        let too_many = fields.len() > limits.candidates.saturating_sub(half.pending.came()) as usize;
        if one_too_large || too_many || bytes > limits.total_bytes.saturating_sub(half.bytes) {
            return Err(Reason::TooLarge);
        }
        for (candidate, field) in message.candidates[known..].iter_mut().zip(fields) {
            candidate.candidate = field.unwrap_or_else(|| core::mem::take(&mut candidate.candidate));
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

    /// The next thing for a side, in order, to be numbered by its link: `description` or `candidates`.
    pub fn poll_output(&mut self, to: Side) -> Option<Event> {
        self.halves[to.other().index()].out.pop_front().map(|(_, event)| event)
    }

    /// Bytes that wait for a side to take them.
    pub fn waiting_bytes(&self, to: Side) -> u32 {
        self.halves[to.other().index()].out.iter().map(|(bytes, _)| bytes).sum()
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
            digest.number(half.out.len() as u64);
            half.pending.digest(digest);
        }
    }

    /// What the other side is given for a field of this side: the same text, as each of the two writes one (a text that begins with
    /// the mark of what is compact stands behind another mark), or something compact as it is. `None` if it cannot read that.
    fn pass<'a>(&self, side: Side, field: &'a str) -> Option<Passed<'a>> {
        let [writes, reads] = [side, side.other()].map(|side| self.reads[side.index()]);
        let carried = if writes == 0 { Carried::Text(field) } else { Carried::of(field).ok()? };
        match carried {
            Carried::Text(text) => {
                let is_same = text.len() == field.len() && (reads == 0 || !text.starts_with(MARK));
                let instead = (!is_same).then(|| if reads == 0 { text.to_string() } else { as_it_is(text) });
                Some(Passed { instead, counts: text })
            }
            Carried::Compact { version, .. } => (version == reads).then_some(Passed { instead: None, counts: field }),
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
        let Some(cut) = half.pending.cut(self.limits.batch.max(1) as usize, BATCH_MAX_BYTES, weight) else { return };
        let bytes = weight_of(&cut.candidates);
        let batch = Candidates { call: self.call, epoch: self.epoch, from: cut.from, candidates: cut.candidates, done: cut.done };
        half.out.push_back((bytes, Event::Candidates(Box::new(batch))));
    }
}

/// Why something compact is refused.
const UNREADABLE: &str = "the other side does not read compact descriptions of this version";

/// A field on its way to the other side.
struct Passed<'a> {
    /// If it is not as it came.
    instead: Option<String>,
    /// What of it counts.
    counts: &'a str,
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Bytes of a candidate with its `mid`.
fn weight(candidate: &Candidate) -> u32 {
    carried(&candidate.candidate).saturating_add(carried(candidate.mid.as_deref().unwrap_or_default()))
}

fn weight_of(candidates: &[Candidate]) -> u32 {
    candidates.iter().map(weight).fold(0, u32::saturating_add)
}

/// Bytes of a text in JSON: a control character is up to six there, a quotation mark two. Counted as they are, a batch of nothing
/// else would be larger than a message may be.
fn carried(text: &str) -> u32 {
    let more = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    size(text.len() + text.bytes().map(more).sum::<usize>())
}

/// Tells a side's description from its last one without keeping the text. A side could make two alike only against itself.
fn fingerprint(description: &Description) -> u128 {
    let kind = match description.kind {
        SdpKind::Answer => 1,
        SdpKind::Offer => 2,
    };
    Digest::default().number(kind).bytes(description.sdp.as_bytes()).finish()
}
