//! The client's half of signaling (SIG 3): who offers, who answers, and what happens when both offer at once. It is the polite-
//! peer exchange ("perfect negotiation", W3C WebRTC 1.0, 10.7) as a machine: the application says what its peer connection did,
//! the machine says what it should do next. It reads no SDP and no clock; a browser, a native peer and a simulated person run it.
//!
//! It promises: both sides end stable with each other's last descriptions, whatever they asked for at whatever time; remote
//! candidates wait for their remote description and for nothing else; what belongs to an offer that was ignored or taken back is
//! dropped; every epoch is a new peer connection, and what an old one still says is ignored.
//!
//! The one who starts the call offers first; the other one's wish to negotiate is not heard before that, for otherwise two
//! browsers that add their tracks would collide at every call. A peer connection says `negotiationneeded` again when it is stable
//! and still needs it (W3C 4.7.3), so nothing is lost.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use duologue_core::kit::ids::CallId;
use duologue_core::wire::{Candidate, Candidates, Description, SdpKind};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NegotiationInput {
    /// The peer connection could not do what it was told: the two start again under a new epoch.
    Failed {
        /// Of the peer connection.
        epoch: u32,
    },
    /// It has found a candidate.
    LocalCandidate {
        /// Of the peer connection.
        epoch: u32,
        /// As found.
        candidate: Candidate,
    },
    /// It has found all candidates.
    LocalDone {
        /// Of the peer connection.
        epoch: u32,
    },
    /// It has made an offer or answer, and set it as its local description.
    Made {
        /// Of the peer connection.
        epoch: u32,
        /// Which of the two.
        kind: SdpKind,
        /// The text.
        sdp: String,
    },
    /// It says `negotiationneeded`.
    Needed {
        /// Of the peer connection.
        epoch: u32,
    },
    /// The event `candidates`.
    RemoteCandidates(Candidates),
    /// The event `description`.
    RemoteDescription(Description),
    /// It has set the remote description that it was told to set.
    RemoteSet {
        /// Of the peer connection.
        epoch: u32,
    },
    /// The event `renegotiate`, or the `ok` of one's own: start again under this epoch.
    Renegotiate {
        /// The new one.
        epoch: u32,
    },
    /// The network has changed or the connection failed: restart ICE (RFC 8445, 9) as soon as that is possible.
    Restart,
    /// The call has started, or this connection has its seat now.
    Started {
        /// As `call_started` says.
        initiator: bool,
        /// As `call_started` says.
        epoch: u32,
    },
}

/// What is to be done; in order, each before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NegotiationOutput {
    /// Give the peer connection a candidate. One that it refuses is no fault: its offer may have been taken back.
    AddCandidate(Candidate),
    /// Tell it that there are no more.
    AddDone,
    /// Ask the server for `renegotiate`; nothing happens until it has said the new epoch.
    AskRenegotiate,
    /// Make an answer and set it; say `Made`.
    MakeAnswer,
    /// Make an offer and set it; say `Made`.
    MakeOffer {
        /// With new ICE credentials.
        restart: bool,
    },
    /// Make a new peer connection for this epoch, with its tracks; the old one, if there is one, is closed.
    Renew {
        /// To be said with everything that it does.
        epoch: u32,
    },
    /// Take the local offer back. It needs no confirmation.
    Rollback,
    /// Send the command `candidates`.
    SendCandidates(Candidates),
    /// Send the command `description`.
    SendDescription(Description),
    /// Set this remote description; say `RemoteSet`.
    SetRemote(Description),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No call, or one that starts again.
    Idle,
    MakingAnswer,
    /// `collided`: the offer of the other one goes first, this one is taken back as soon as it is made.
    MakingOffer {
        collided: bool,
    },
    Offered,
    SettingRemote(SdpKind),
    Stable,
}

#[derive(Clone, Debug)]
enum Remote {
    Candidates(Candidates),
    Description(Description),
}

/// One side of one call.
#[derive(Clone, Debug)]
pub struct Negotiation {
    call: CallId,
    initiator: bool,
    epoch: u32,
    phase: Phase,
    /// Wishes, for when it is stable.
    needed: bool,
    restart: bool,
    /// Whether the offer on its way restarts ICE: if it is taken back, the wish remains.
    offered_restart: bool,
    /// Whether a remote description was ever set under this epoch, and whether the last one that came was ignored.
    has_remote: bool,
    ignoring: bool,
    /// What came and has to wait: descriptions for their turn, candidates for the description before them.
    inbox: VecDeque<Remote>,
    /// Remote candidates that came, by index.
    remote_next: u32,
    /// Own candidates that wait for the description, and how many were sent.
    described: bool,
    gathered: Vec<Candidate>,
    gathered_done: bool,
    sent: u32,
    out: VecDeque<NegotiationOutput>,
}

impl Negotiation {
    /// The negotiation of a call that has not started.
    pub fn new(call: CallId) -> Negotiation {
        Negotiation {
            call,
            initiator: false,
            epoch: 0,
            phase: Phase::Idle,
            needed: false,
            restart: false,
            offered_restart: false,
            has_remote: false,
            ignoring: false,
            inbox: VecDeque::new(),
            remote_next: 0,
            described: false,
            gathered: Vec::new(),
            gathered_done: false,
            sent: 0,
            out: VecDeque::new(),
        }
    }

    /// The call.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// The epoch of the present peer connection.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether no exchange is on its way and nothing waits.
    pub fn is_stable(&self) -> bool {
        self.phase == Phase::Stable && self.inbox.is_empty() && self.out.is_empty()
    }

    /// Takes what happened. What belongs to another epoch, or makes no sense now, is ignored.
    pub fn handle_input(&mut self, input: NegotiationInput) {
        match input {
            NegotiationInput::Started { initiator, epoch } => {
                self.initiator = initiator;
                self.begin(epoch);
            }
            NegotiationInput::Renegotiate { epoch } if epoch > self.epoch => self.begin(epoch),
            NegotiationInput::Failed { epoch } if self.is_now(epoch) => self.fail(),
            NegotiationInput::LocalCandidate { epoch, candidate } if self.is_now(epoch) => {
                self.gathered.push(candidate);
                self.send_gathered();
            }
            NegotiationInput::LocalDone { epoch } if self.is_now(epoch) => {
                self.gathered_done = true;
                self.send_gathered();
            }
            NegotiationInput::Made { epoch, kind, sdp } if self.is_now(epoch) => self.made(kind, sdp),
            NegotiationInput::Needed { epoch } if self.is_now(epoch) => self.need(),
            NegotiationInput::RemoteCandidates(candidates) if self.is_now(candidates.epoch) => {
                self.inbox.push_back(Remote::Candidates(candidates));
                self.go_on();
            }
            NegotiationInput::RemoteDescription(description) if self.is_now(description.epoch) => {
                self.inbox.push_back(Remote::Description(description));
                self.go_on();
            }
            NegotiationInput::RemoteSet { epoch } if self.is_now(epoch) => self.remote_set(),
            NegotiationInput::Restart if self.phase != Phase::Idle => {
                self.restart |= self.may_offer();
                self.go_on();
            }
            NegotiationInput::Failed { .. }
            | NegotiationInput::LocalCandidate { .. }
            | NegotiationInput::LocalDone { .. }
            | NegotiationInput::Made { .. }
            | NegotiationInput::Needed { .. }
            | NegotiationInput::RemoteCandidates(_)
            | NegotiationInput::RemoteDescription(_)
            | NegotiationInput::RemoteSet { .. }
            | NegotiationInput::Renegotiate { .. }
            | NegotiationInput::Restart => {}
        }
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<NegotiationOutput> {
        self.out.pop_front()
    }

    fn is_now(&self, epoch: u32) -> bool {
        epoch == self.epoch && self.phase != Phase::Idle
    }

    /// The first offer is the initiator's.
    fn may_offer(&self) -> bool {
        self.initiator || self.has_remote
    }

    /// A new peer connection.
    fn begin(&mut self, epoch: u32) {
        let (call, initiator) = (self.call, self.initiator);
        *self = Negotiation { initiator, epoch, phase: Phase::Stable, needed: initiator, ..Negotiation::new(call) };
        self.out.push_back(NegotiationOutput::Renew { epoch });
        self.go_on();
    }

    fn fail(&mut self) {
        self.phase = Phase::Idle;
        self.inbox.clear();
        self.out.push_back(NegotiationOutput::AskRenegotiate);
    }

    /// An offer that is being made, or the first one, will say what is needed.
    fn need(&mut self) {
        let is_being_said = matches!(self.phase, Phase::MakingOffer { .. });
        if self.may_offer() && !is_being_said {
            self.needed = true;
            self.go_on();
        }
    }

    fn made(&mut self, kind: SdpKind, sdp: String) {
        match (self.phase, kind) {
            (Phase::MakingOffer { collided: true }, SdpKind::Offer) => {
                self.take_back();
                self.send_gathered();
            }
            (Phase::MakingOffer { collided: false }, SdpKind::Offer) => {
                self.phase = Phase::Offered;
                self.describe(kind, sdp);
            }
            (Phase::MakingAnswer, SdpKind::Answer) => {
                self.phase = Phase::Stable;
                self.describe(kind, sdp);
            }
            _ => return,
        }
        self.go_on();
    }

    fn describe(&mut self, kind: SdpKind, sdp: String) {
        let description = Description { call: self.call, epoch: self.epoch, kind, sdp };
        self.out.push_back(NegotiationOutput::SendDescription(description));
        self.described = true;
        self.send_gathered();
    }

    /// The own offer gives way. What else needed it, the peer connection says again.
    fn take_back(&mut self) {
        self.restart |= self.offered_restart;
        self.out.push_back(NegotiationOutput::Rollback);
        self.phase = Phase::Stable;
    }

    fn remote_set(&mut self) {
        let Phase::SettingRemote(kind) = self.phase else { return };
        self.has_remote = true;
        self.phase = match kind {
            SdpKind::Answer => Phase::Stable,
            SdpKind::Offer => {
                self.out.push_back(NegotiationOutput::MakeAnswer);
                Phase::MakingAnswer
            }
        };
        self.go_on();
    }

    /// Takes what has come, as far as it may be taken now; then, if nothing is on its way, says what is wished for.
    fn go_on(&mut self) {
        while let Some(first) = self.inbox.front() {
            let taken = match first {
                Remote::Candidates(_) => self.take_candidates(),
                Remote::Description(description) => {
                    let kind = description.kind;
                    self.take_description(kind)
                }
            };
            if !taken {
                return;
            }
        }
        if self.phase == Phase::Stable && (self.needed || self.restart) {
            self.out.push_back(NegotiationOutput::MakeOffer { restart: self.restart });
            self.phase = Phase::MakingOffer { collided: false };
            self.offered_restart = self.restart;
            (self.needed, self.restart) = (false, false);
        }
    }

    /// Candidates wait while their description is being set, and before the first one.
    fn take_candidates(&mut self) -> bool {
        if matches!(self.phase, Phase::SettingRemote(_)) {
            return false;
        }
        if !self.has_remote && !self.ignoring {
            return self.bring_description_forward();
        }
        let Some(Remote::Candidates(batch)) = self.inbox.pop_front() else { return false };
        let known = self.remote_next.saturating_sub(batch.from) as usize;
        let end = batch.from.saturating_add(batch.candidates.len() as u32);
        let ignored = self.ignoring;
        self.remote_next = self.remote_next.max(end);
        if !ignored {
            self.out.extend(batch.candidates.into_iter().skip(known).map(NegotiationOutput::AddCandidate));
            if batch.done {
                self.out.push_back(NegotiationOutput::AddDone);
            }
        }
        true
    }

    /// Whether there is a description behind the candidates that wait for one; it goes first.
    fn bring_description_forward(&mut self) -> bool {
        let Some(place) = self.inbox.iter().position(|remote| matches!(remote, Remote::Description(_))) else { return false };
        let Some(description) = self.inbox.remove(place) else { return false };
        self.inbox.push_front(description);
        true
    }

    /// A description waits while another one is being set or answered, and while a polite one's own offer is being made.
    fn take_description(&mut self, kind: SdpKind) -> bool {
        match (self.phase, kind) {
            (Phase::Idle | Phase::MakingAnswer | Phase::SettingRemote(_), _) => false,
            (Phase::MakingOffer { .. } | Phase::Offered, SdpKind::Offer) if self.initiator => {
                self.ignoring = true;
                self.inbox.pop_front();
                true
            }
            (Phase::MakingOffer { .. }, SdpKind::Offer) => {
                self.phase = Phase::MakingOffer { collided: true };
                false
            }
            (Phase::MakingOffer { .. } | Phase::Stable, SdpKind::Answer) => {
                // The answer to nothing.
                self.inbox.pop_front();
                true
            }
            (Phase::Offered, SdpKind::Offer) => {
                self.take_back();
                self.set_remote();
                true
            }
            (Phase::Offered, SdpKind::Answer) | (Phase::Stable, SdpKind::Offer) => {
                self.set_remote();
                true
            }
        }
    }

    fn set_remote(&mut self) {
        let Some(Remote::Description(description)) = self.inbox.pop_front() else { return };
        self.ignoring = false;
        self.phase = Phase::SettingRemote(description.kind);
        self.out.push_back(NegotiationOutput::SetRemote(description));
    }

    /// Own candidates go as they come, once their description went: not while one is being made, for they may be of that one.
    /// Those that come before anybody looks go together.
    fn send_gathered(&mut self) {
        let is_making = matches!(self.phase, Phase::MakingAnswer | Phase::MakingOffer { .. });
        let is_empty = self.gathered.is_empty() && !self.gathered_done;
        if !self.described || is_making || is_empty {
            return;
        }
        let candidates = core::mem::take(&mut self.gathered);
        let done = core::mem::take(&mut self.gathered_done);
        let from = self.sent;
        self.sent += candidates.len() as u32;
        match self.out.back_mut() {
            Some(NegotiationOutput::SendCandidates(batch)) if !batch.done => {
                batch.candidates.extend(candidates);
                batch.done = done;
            }
            _ => {
                let batch = Candidates { call: self.call, epoch: self.epoch, from, candidates, done };
                self.out.push_back(NegotiationOutput::SendCandidates(batch));
            }
        }
    }
}
