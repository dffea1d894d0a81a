//! Two negotiations, each with a made-up peer connection, joined by the real relay over a network that delays as it likes but
//! keeps the order of each direction. Peer connections take their time too. At the end both must be stable with each other's
//! descriptions, whatever was asked for, and whenever.

use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Candidate, Candidates, Description, Event, SdpKind};
use duologue_signaling::{Negotiation, NegotiationInput as In, NegotiationOutput as Out, Relay, RelayLimits, Side};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Happens {
    /// At a negotiation: what its peer connection or its user says.
    At(usize, In),
    /// The server gets a signal of a side.
    Description(usize, Description),
    Candidates(usize, Candidates),
    /// A batch has waited.
    Relay,
    /// A track is added at a side.
    Wish(usize),
    /// A member asks for a new epoch.
    AskRenegotiate,
}

/// As much of an RTCPeerConnection as signaling sees: it refuses what the W3C's would refuse.
#[derive(Default)]
struct Peer {
    epoch: u32,
    /// Offers and answers that were settled, and the local offer that is not.
    local: Option<String>,
    remote: Option<String>,
    pending: Option<String>,
    remote_offer: Option<String>,
    /// `restartIce`, or a track added, that no settled description covers.
    wants: bool,
    ufrag: u32,
    added: BTreeSet<String>,
    refused: u32,
}

struct World {
    now: Millis,
    queue: BTreeMap<(Millis, u64), Happens>,
    next: u64,
    machines: [Negotiation; 2],
    peers: [Peer; 2],
    relay: Relay,
    /// When the last message of each direction arrives: up of both, down of both.
    last: [Millis; 4],
    delays: Vec<u64>,
    made: u32,
    collisions: u32,
}

impl World {
    fn new(delays: Vec<u64>) -> World {
        let limits = RelayLimits {
            descriptions: duologue_core::kit::buckets::Rate::OFF,
            candidates: 10_000,
            total_bytes: 1 << 30,
            ..RelayLimits::default()
        };
        let machines = [0, 1].map(|_| Negotiation::new(CallId(1)));
        let mut world = World {
            now: Millis(1_000),
            queue: BTreeMap::new(),
            next: 0,
            machines,
            peers: Default::default(),
            relay: Relay::new(CallId(1), 1, limits),
            last: [Millis(0); 4],
            delays,
            made: 0,
            collisions: 0,
        };
        for (side, initiator) in [(0, true), (1, false)] {
            world.handle(side, In::Started { initiator, epoch: 1 });
        }
        world
    }

    fn delay(&mut self) -> Span {
        self.next += 1;
        Span(self.delays[self.next as usize % self.delays.len()])
    }

    fn soon(&mut self, what: Happens) {
        let at = self.now + self.delay();
        self.queue.insert((at, self.next), what);
    }

    /// Like `soon`, but not before what went the same way.
    fn travel(&mut self, way: usize, what: Happens) {
        let at = (self.now + self.delay()).max(self.last[way]);
        self.last[way] = at;
        self.queue.insert((at, self.next), what);
    }

    fn at(&mut self, ms: u64, what: Happens) {
        self.next += 1;
        self.queue.insert((Millis(1_000 + ms), self.next), what);
    }

    fn run(&mut self) {
        let mut steps = 0;
        while let Some(((at, _), what)) = self.queue.pop_first() {
            steps += 1;
            assert!(steps < 20_000, "it ends");
            self.now = at;
            match what {
                Happens::At(side, input) => self.handle(side, input),
                Happens::AskRenegotiate => self.renegotiate(),
                Happens::Description(side, description) => {
                    self.relay.handle_description(self.now, Side::BOTH[side], description).expect("no limit is near");
                }
                Happens::Candidates(side, candidates) => {
                    self.relay.handle_candidates(self.now, Side::BOTH[side], candidates).expect("no limit is near");
                }
                Happens::Wish(side) => self.handle(side, In::Needed { epoch: self.peers[side].epoch }),
                Happens::Relay => self.relay.handle_timeout(self.now),
            }
            self.relayed();
        }
    }

    fn relayed(&mut self) {
        for to in Side::BOTH {
            while let Some(event) = self.relay.poll_output(to) {
                let side = to.index();
                let input = match event {
                    Event::Candidates(candidates) => In::RemoteCandidates(*candidates),
                    Event::Description(description) => In::RemoteDescription(*description),
                    other => panic!("not a signal: {other:?}"),
                };
                self.travel(2 + side, Happens::At(side, input));
            }
        }
        if let Some(at) = self.relay.poll_timeout() {
            self.next += 1;
            self.queue.insert((at, self.next), Happens::Relay);
        }
    }

    fn renegotiate(&mut self) {
        let epoch = self.relay.epoch() + 1;
        self.relay.renumber(epoch);
        for side in 0..2 {
            self.travel(2 + side, Happens::At(side, In::Renegotiate { epoch }));
        }
    }

    fn handle(&mut self, side: usize, input: In) {
        // What an old peer connection still needed, nobody needs any more.
        self.peers[side].wants |= match &input {
            In::Needed { epoch } => *epoch == self.peers[side].epoch,
            In::Restart => true,
            _ => false,
        };
        self.machines[side].handle_input(input);
        while let Some(output) = self.machines[side].poll_output() {
            self.obey(side, output);
        }
    }

    fn obey(&mut self, side: usize, output: Out) {
        let epoch = self.peers[side].epoch;
        match output {
            Out::AddCandidate(candidate) => self.peers[side].add(candidate),
            Out::AddDone => {}
            Out::AskRenegotiate => self.travel(side, Happens::AskRenegotiate),
            Out::MakeAnswer => self.make(side, SdpKind::Answer),
            Out::MakeOffer { .. } => self.make(side, SdpKind::Offer),
            Out::Renew { epoch } => self.peers[side] = Peer { epoch, ..Peer::default() },
            Out::Rollback => {
                assert!(self.peers[side].pending.take().is_some(), "nothing to take back");
                self.collisions += 1;
            }
            Out::SendCandidates(candidates) => self.travel(side, Happens::Candidates(side, candidates)),
            Out::SendDescription(description) => self.travel(side, Happens::Description(side, description)),
            Out::SetRemote(description) => {
                self.peers[side].set_remote(description);
                self.soon(Happens::At(side, In::RemoteSet { epoch }));
                self.settled(side);
            }
        }
    }

    /// The offer or answer, and after it three candidates and their end.
    fn make(&mut self, side: usize, kind: SdpKind) {
        self.made += 1;
        let peer = &mut self.peers[side];
        peer.ufrag = self.made;
        let (epoch, ufrag, sdp) = (peer.epoch, peer.ufrag, format!("{side}:{}", self.made));
        peer.make(kind, &sdp);
        let at = self.now + self.delay();
        self.queue.insert((at, self.next), Happens::At(side, In::Made { epoch, kind, sdp: sdp.clone() }));
        for n in 0..3 {
            let candidate = Candidate { candidate: format!("{sdp}/{n}/{ufrag}"), mid: None, line: None };
            self.next += 1;
            let later = at + Span(self.delays[n % self.delays.len()] * n as u64);
            self.queue.insert((later, self.next), Happens::At(side, In::LocalCandidate { epoch, candidate }));
        }
        if kind == SdpKind::Answer {
            self.settled(side);
        }
    }

    /// Stable again: a peer connection that still needs something says so again.
    fn settled(&mut self, side: usize) {
        let peer = &self.peers[side];
        if peer.pending.is_none() && peer.remote_offer.is_none() && peer.wants {
            let epoch = peer.epoch;
            self.soon(Happens::At(side, In::Needed { epoch }));
        }
    }

    fn assert_agreed(&self) {
        for (side, other) in [(0, 1), (1, 0)] {
            assert!(self.machines[side].is_stable(), "side {side} is stable: {:?}", self.machines[side]);
            assert_eq!(self.machines[side].epoch(), self.machines[other].epoch());
            let (peer, remote) = (&self.peers[side], &self.peers[other]);
            assert_eq!(peer.remote, remote.local, "each has the other's description");
            assert!(!peer.wants, "what was asked for was negotiated");
            let description = peer.remote.as_deref().expect("there was an exchange");
            let of_it = peer.added.iter().filter(|candidate| candidate.starts_with(&format!("{description}/"))).count();
            assert_eq!(of_it, 3, "all candidates of the description that holds");
        }
    }
}

impl Peer {
    fn make(&mut self, kind: SdpKind, sdp: &str) {
        match kind {
            SdpKind::Offer => {
                assert!(self.pending.is_none() && self.remote_offer.is_none(), "InvalidStateError: an offer while not stable");
                self.pending = Some(sdp.into());
            }
            SdpKind::Answer => {
                self.remote = Some(self.remote_offer.take().expect("InvalidStateError: an answer without an offer"));
                self.local = Some(sdp.into());
            }
        }
    }

    fn set_remote(&mut self, description: Description) {
        match description.kind {
            SdpKind::Offer => {
                assert!(self.pending.is_none() && self.remote_offer.is_none(), "InvalidStateError: a remote offer while not stable");
                self.remote_offer = Some(description.sdp);
            }
            SdpKind::Answer => {
                self.local = Some(self.pending.take().expect("InvalidStateError: an answer to nothing"));
                self.remote = Some(description.sdp);
                self.wants = false;
            }
        }
    }

    fn add(&mut self, candidate: Candidate) {
        let of = |sdp: &Option<String>| sdp.as_ref().is_some_and(|sdp| candidate.candidate.starts_with(&format!("{sdp}/")));
        assert!(self.remote.is_some() || self.remote_offer.is_some(), "InvalidStateError: a candidate before any description");
        if of(&self.remote) || of(&self.remote_offer) {
            assert!(self.added.insert(candidate.candidate), "a candidate twice");
        } else {
            self.refused += 1;
        }
    }
}

#[test]
fn sig_3_the_initiator_offers_and_the_other_one_answers() {
    let mut w = World::new(vec![10]);
    w.handle(1, In::Needed { epoch: 1 });
    w.peers[1].wants = false; // Its tracks are in the answer.
    w.run();
    w.assert_agreed();
    assert_eq!((w.made, w.collisions), (2, 0));
    assert_eq!(w.peers[0].refused + w.peers[1].refused, 0);
}

#[test]
fn sig_3_simultaneous_offers_end_with_the_initiators_and_then_the_other_ones() {
    let mut w = World::new(vec![10]);
    w.run();
    for side in 0..2 {
        w.handle(side, In::Needed { epoch: 1 });
    }
    w.run();
    w.assert_agreed();
    assert_eq!(w.collisions, 1);
}

fn outputs(machine: &mut Negotiation) -> Vec<Out> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}

fn description(kind: SdpKind, sdp: &str) -> Description {
    Description { call: CallId(1), epoch: 1, kind, sdp: sdp.into() }
}

fn made(kind: SdpKind, sdp: &str) -> In {
    In::Made { epoch: 1, kind, sdp: sdp.into() }
}

fn found(name: &str) -> Candidate {
    Candidate { candidate: name.into(), mid: None, line: None }
}

fn remote(from: u32) -> In {
    let candidates = vec![found(&from.to_string())];
    In::RemoteCandidates(Candidates { call: CallId(1), epoch: 1, from, candidates, done: false })
}

/// After one exchange.
fn stable(initiator: bool) -> Negotiation {
    let mut machine = Negotiation::new(CallId(1));
    machine.handle_input(In::Started { initiator, epoch: 1 });
    if initiator {
        machine.handle_input(made(SdpKind::Offer, "o"));
        machine.handle_input(In::RemoteDescription(description(SdpKind::Answer, "a")));
        machine.handle_input(In::RemoteSet { epoch: 1 });
    } else {
        machine.handle_input(In::RemoteDescription(description(SdpKind::Offer, "o")));
        machine.handle_input(In::RemoteSet { epoch: 1 });
        machine.handle_input(made(SdpKind::Answer, "a"));
    }
    outputs(&mut machine);
    assert!(machine.is_stable());
    machine
}

#[test]
fn sig_3_a_polite_offer_that_is_still_being_made_gives_way_unsaid() {
    let mut polite = stable(false);
    polite.handle_input(In::Needed { epoch: 1 });
    polite.handle_input(In::RemoteDescription(description(SdpKind::Offer, "theirs")));
    assert_eq!(outputs(&mut polite), [Out::MakeOffer { restart: false }]);
    polite.handle_input(made(SdpKind::Offer, "mine"));
    let theirs = description(SdpKind::Offer, "theirs");
    assert_eq!(outputs(&mut polite), [Out::Rollback, Out::SetRemote(theirs)]);
}

#[test]
fn sig_3_an_impolite_one_ignores_an_offer_that_collides_and_its_candidates() {
    let mut impolite = stable(true);
    impolite.handle_input(In::Needed { epoch: 1 });
    impolite.handle_input(made(SdpKind::Offer, "mine"));
    outputs(&mut impolite);
    impolite.handle_input(In::RemoteDescription(description(SdpKind::Offer, "theirs")));
    impolite.handle_input(remote(0));
    assert_eq!(outputs(&mut impolite), []);
    let answer = description(SdpKind::Answer, "theirs");
    impolite.handle_input(In::RemoteDescription(answer.clone()));
    impolite.handle_input(remote(1));
    impolite.handle_input(In::RemoteSet { epoch: 1 });
    assert_eq!(outputs(&mut impolite), [Out::SetRemote(answer), Out::AddCandidate(found("1"))]);
}

#[test]
fn sig_1_own_candidates_never_overtake_their_description() {
    let mut machine = stable(true);
    machine.handle_input(In::Restart);
    machine.handle_input(In::LocalCandidate { epoch: 1, candidate: found("x") });
    assert_eq!(outputs(&mut machine), [Out::MakeOffer { restart: true }]);
    machine.handle_input(made(SdpKind::Offer, "mine"));
    machine.handle_input(In::LocalCandidate { epoch: 1, candidate: found("y") });
    machine.handle_input(In::LocalDone { epoch: 1 });
    let candidates = vec![found("x"), found("y")];
    let batch = Candidates { call: CallId(1), epoch: 1, from: 0, candidates, done: true };
    let offer = description(SdpKind::Offer, "mine");
    assert_eq!(outputs(&mut machine), [Out::SendDescription(offer), Out::SendCandidates(batch)]);
    machine.handle_input(In::LocalCandidate { epoch: 1, candidate: found("z") });
    let batch = Candidates { call: CallId(1), epoch: 1, from: 2, candidates: vec![found("z")], done: false };
    assert_eq!(outputs(&mut machine), [Out::SendCandidates(batch)]);
}

#[test]
fn a_restart_that_collided_is_made_all_the_same() {
    let mut w = World::new(vec![7, 11]);
    w.run();
    let before = w.made;
    for side in 0..2 {
        w.handle(side, In::Restart);
        w.peers[side].wants = false; // Not a browser: nobody says it again.
    }
    w.run();
    w.assert_agreed();
    assert!(w.made >= before + 4);
}

#[test]
fn sig_1_a_new_epoch_is_a_new_peer_connection_and_the_old_one_is_not_heard() {
    let mut w = World::new(vec![10]);
    w.at(15, Happens::AskRenegotiate);
    w.run();
    w.assert_agreed();
    assert_eq!(w.machines[0].epoch(), 2);
    w.handle(0, In::Made { epoch: 1, kind: SdpKind::Offer, sdp: "old".into() });
    w.handle(0, In::Renegotiate { epoch: 1 });
    w.assert_agreed();
}

#[test]
fn a_peer_connection_that_fails_starts_again() {
    let mut w = World::new(vec![10]);
    w.run();
    w.handle(1, In::Failed { epoch: 1 });
    w.run();
    w.assert_agreed();
    assert_eq!(w.machines[1].epoch(), 2);
}

#[test]
fn remote_candidates_wait_for_the_remote_description_and_for_nothing_else() {
    let mut machine = Negotiation::new(CallId(1));
    machine.handle_input(In::Started { initiator: false, epoch: 1 });
    machine.handle_input(remote(0));
    let offer = description(SdpKind::Offer, "v=0");
    machine.handle_input(In::RemoteDescription(offer.clone()));
    assert_eq!(outputs(&mut machine), [Out::Renew { epoch: 1 }, Out::SetRemote(offer)]);
    machine.handle_input(remote(1));
    assert_eq!(outputs(&mut machine), []);
    machine.handle_input(In::RemoteSet { epoch: 1 });
    assert_eq!(outputs(&mut machine), [Out::MakeAnswer, Out::AddCandidate(found("0")), Out::AddCandidate(found("1"))]);
    machine.handle_input(remote(2));
    assert_eq!(outputs(&mut machine), [Out::AddCandidate(found("2"))], "while the answer is being made");
    machine.handle_input(remote(2));
    assert_eq!(outputs(&mut machine), [], "once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sig_3_whatever_is_asked_for_and_whenever_both_agree_in_the_end(
        delays in proptest::collection::vec(0..60u64, 1..12),
        asks in proptest::collection::vec((0..600u64, 0..2usize, 0..9u8), 0..8),
    ) {
        let mut w = World::new(delays);
        for (at, side, what) in asks {
            match what {
                0 => w.at(at, Happens::AskRenegotiate),
                1..=4 => w.at(at, Happens::At(side, In::Restart)),
                _ => w.at(at, Happens::Wish(side)),
            }
        }
        w.run();
        w.assert_agreed();
    }
}
