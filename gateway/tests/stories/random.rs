//! Anything may happen in any order: nothing panics, every invariant holds after every step, and what a client gets over all
//! its sockets is one sequence without gap or double, or a welcome that says that it is not.

use crate::world::{World, config, line, long};
use duologue_core::input::{Attach, Input};
use duologue_core::kit::ids::{CallId, LinkId};
use duologue_core::kit::time::Span;
use duologue_core::output::{FactNo, Output, WindowView};
use duologue_core::wire::{
    Candidate, Candidates, ClientMessage, Closing, Command, Description, Done, Event, Resume, SdpKind, ServerMessage,
};
use duologue_gateway::Config;
use duologue_transport::{ConnId, Up};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
    Ack(u8, u64),
    After(u64),
    Answer(u8),
    Candidates(u8, u32),
    Close(u8, bool),
    Command(u8, u64),
    Closing(u8),
    Describe(u8, u8),
    Event(u8, u16),
    Forget(u8),
    Garbage(u8),
    Hello(u8),
    Open,
    Reattach,
    Resume(u8, u8, u64),
    Seats(u8, u8, u32),
    Stall(u8),
    Unseat,
    Unstall,
    View(u8, u8),
    Welcome(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let n = 0..16u8;
    prop_oneof![
        2 => (n.clone(), 0..20u64).prop_map(|(a, b)| Ack(a, b)),
        4 => (0..200u64).prop_map(After),
        1 => (0..40_000u64).prop_map(After),
        2 => n.clone().prop_map(Answer),
        2 => (n.clone(), 0..4u32).prop_map(|(a, b)| Candidates(a, b)),
        3 => (n.clone(), any::<bool>()).prop_map(|(a, b)| Close(a, b)),
        3 => (n.clone(), 1..6u64).prop_map(|(a, b)| Command(a, b)),
        1 => (10..16u8).prop_map(Closing),
        2 => (n.clone(), n.clone()).prop_map(|(a, b)| Describe(a, b)),
        12 => (n.clone(), 0..3_000u16).prop_map(|(a, b)| Event(a, b)),
        1 => (10..16u8).prop_map(Forget),
        1 => (13..16u8).prop_map(Garbage),
        4 => n.clone().prop_map(Hello),
        4 => Just(Open),
        1 => (0..3u8).prop_map(|n| if n == 0 { Reattach } else { Unstall }),
        6 => (n.clone(), n.clone(), 0..20u64).prop_map(|(a, b, c)| Resume(a, b, c)),
        2 => (n.clone(), n.clone(), 1..4u32).prop_map(|(a, b, c)| Seats(a, b, c)),
        3 => n.clone().prop_map(Stall),
        1 => Just(Unseat),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| View(a, b)),
        10 => (n.clone(), n).prop_map(|(a, b)| Welcome(a, b)),
    ]
}

/// What a client has of one link.
#[derive(Default)]
struct Seen {
    newest: u64,
}

struct Run {
    w: World,
    conns: Vec<ConnId>,
    asked: Vec<Attach>,
    links: Vec<LinkId>,
    tokens: Vec<(String, ConnId)>,
    /// Sockets that have said hello, and those that the client has closed.
    greeted: BTreeSet<ConnId>,
    cut: BTreeSet<ConnId>,
    /// Which link a socket was welcomed to, and the events that it has seen.
    seen: BTreeMap<ConnId, Seen>,
    signals: u64,
    marks: Marks,
}

/// One of them, mostly one of the youngest.
fn pick<T: Clone>(of: &[T], n: u8) -> Option<T> {
    let n = usize::from(n) % 4;
    of.len().checked_sub(1 + n % of.len().max(1)).map(|i| of[i].clone())
}

impl Run {
    fn new() -> Run {
        let config = Config {
            replay_messages: 8,
            out_bytes: 2_000,
            dead: Span::secs(30),
            replay_bytes: 6_000,
            total_bytes: 20_000,
            waiting_max: 8,
            ..config()
        };
        let (conns, asked, links, tokens) = (vec![], vec![], vec![], vec![]);
        let (seen, greeted, cut) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Run { w: World::new(config), conns, asked, links, tokens, greeted, cut, seen, signals: 100, marks: Marks::default() }
    }

    fn step(&mut self, step: &Step) {
        let w = &mut self.w;
        match *step {
            Step::Open => {
                let conn = w.open();
                self.conns.push(conn);
            }
            Step::After(ms) => w.after(Span(ms)),
            Step::Reattach => {
                w.gateway.reattach(w.now);
                w.drain();
            }
            Step::Unstall => {
                w.stalled.clear();
                w.drain();
            }
            Step::Unseat => w.release(Output::Unseat { call: CallId(9), after: FactNo(0), seats: [None; 2] }),
            Step::Ack(n, _)
            | Step::Candidates(n, _)
            | Step::Close(n, _)
            | Step::Command(n, _)
            | Step::Describe(n, _)
            | Step::Garbage(n)
            | Step::Hello(n)
            | Step::Resume(n, _, _)
            | Step::Stall(n) => {
                // Mostly what makes sense: a first message on a new socket, all others on one that was welcomed.
                let is_first = matches!(step, Step::Hello(_) | Step::Resume(..));
                let makes_sense = |conn: &ConnId| match is_first {
                    true => !self.greeted.contains(conn),
                    false => self.seen.contains_key(conn),
                };
                let open = self.conns.iter().copied().filter(|conn| !w.closed.contains_key(conn) && !self.cut.contains(conn));
                let conns: Vec<ConnId> = open.filter(|conn| n > 13 || makes_sense(conn)).collect();
                if let Some(conn) = pick(&conns, n) {
                    self.client(conn, step);
                }
            }
            Step::Answer(n)
            | Step::Closing(n)
            | Step::Event(n, _)
            | Step::Forget(n)
            | Step::Seats(n, _, _)
            | Step::View(n, _)
            | Step::Welcome(n, _) => self.engine(n, step),
        }
        self.look(matches!(step, Step::Welcome(..)));
    }

    fn client(&mut self, conn: ConnId, step: &Step) {
        let w = &mut self.w;
        let call = CallId(9);
        self.signals += 1;
        match *step {
            Step::Ack(_, seq) => w.say(conn, &ClientMessage::Ack { seq }),
            Step::Candidates(_, from) => {
                let candidate = Candidate { candidate: "c".into(), mid: None, line: None };
                let batch = Candidates { call, epoch: 1, from, candidates: vec![candidate; 2], done: from == 3 };
                w.command(conn, self.signals, Command::Candidates(batch));
            }
            Step::Close(_, clean) => {
                self.cut.insert(conn);
                w.up(Up::Closed { conn, clean });
            }
            Step::Command(_, number) => w.command(conn, number, Command::Leave),
            Step::Describe(_, sdp) => {
                let sdp = sdp.to_string();
                w.command(conn, self.signals, Command::Description(Description { call, epoch: 1, kind: SdpKind::Offer, sdp }));
            }
            Step::Garbage(_) => w.up(Up::Message { conn, bytes: vec![0xff; 9].into() }),
            Step::Hello(_) => {
                self.greeted.insert(conn);
                w.hello(conn, None);
            }
            Step::Resume(_, token, seq) => {
                self.greeted.insert(conn);
                let (token, of) = pick(&self.tokens, token).unwrap_or((String::new(), conn));
                // Mostly what it has seen, sometimes anything.
                let seq = if seq < 14 { self.seen.get(&of).map_or(0, |seen| seen.newest) } else { seq };
                w.hello(conn, Some(Resume { token, seq, window: Some(seq) }));
            }
            Step::Stall(_) => drop(w.stalled.insert(conn)),
            _ => unreachable!("not a client's"),
        }
    }

    fn engine(&mut self, n: u8, step: &Step) {
        let Some(link) = pick(&self.links, n).or(self.asked.last().map(|attach| attach.link)) else { return };
        let w = &mut self.w;
        match *step {
            Step::Answer(_) => w.answered(link, 1, Ok(Done::Empty)),
            Step::Closing(_) => {
                w.closing(link, Closing::Superseded);
                w.release(Output::Forget { link });
                self.links.retain(|known| *known != link);
            }
            Step::Event(_, bytes) if bytes % 2 == 0 => w.numbered(link, long(usize::from(bytes))),
            Step::Event(_, bytes) => w.numbered(link, line(u64::from(bytes))),
            Step::Forget(_) => {
                w.release(Output::Forget { link });
                self.links.retain(|known| *known != link);
            }
            Step::Seats(_, other, epoch) => {
                let other = pick(&self.links, other).unwrap_or(link);
                w.seats(9, epoch, [link, other]);
            }
            Step::View(_, 0) => w.view(link, WindowView::Closed),
            Step::View(_, place) if place % 2 == 0 => w.view(link, WindowView::Opened { size: 4, places: vec![], available: 1 }),
            Step::View(_, place) => w.view(link, WindowView::Changes { set: vec![(place, None)], available: 1 }),
            Step::Welcome(n, takes) => {
                let Some(attach) = pick(&self.asked, n) else { return };
                self.asked.retain(|asked| asked.link != attach.link);
                let to = if takes < 14 { attach.takes.filter(|link| self.links.contains(link)) } else { None }.unwrap_or(attach.link);
                if !self.links.contains(&to) {
                    self.links.push(to);
                }
                w.welcomed(to, attach.link);
            }
            _ => unreachable!("not the engine's"),
        }
    }

    /// What went out: the engine's questions, and the numbers of events.
    fn look(&mut self, answered: bool) {
        for input in self.w.inputs.drain(..) {
            match input {
                Input::Attached(attach) => {
                    // The engine has just answered a hello, and is asked by the gateway itself.
                    self.marks.asked_again += u32::from(answered && attach.takes.is_some());
                    self.asked.push(attach);
                }
                Input::Detached { link, .. } => self.asked.retain(|asked| asked.link != link),
                _ => {}
            }
        }
        for conn in self.conns.clone() {
            for message in self.w.hears(conn) {
                match message {
                    ServerMessage::Welcome(welcome) => {
                        self.tokens.push((welcome.resume.clone(), conn));
                        self.marks.recovered += u32::from(welcome.recovered);
                        self.marks.not_recovered += u32::from(!welcome.recovered && welcome.seq > 0);
                        let before = self.seen.insert(conn, Seen { newest: welcome.seq });
                        assert!(before.is_none(), "welcomed twice");
                    }
                    ServerMessage::Event { seq, event } => {
                        self.marks.relayed += u32::from(matches!(event, Event::Candidates(_) | Event::Description(_)));
                        self.marks.replayed += u32::from(answered);
                        let seen = self.seen.get_mut(&conn).expect("nothing before the welcome");
                        assert_eq!(seq, seen.newest + 1, "without gap or double");
                        seen.newest = seq;
                    }
                    message => {
                        self.marks.views += u32::from(matches!(message, ServerMessage::View(_)));
                        assert!(self.seen.contains_key(&conn), "nothing before the welcome");
                    }
                }
            }
        }
    }
}

/// How often what is to be proved was met at all: a law that compares nothing looks fine.
#[derive(Debug, Default)]
struct Marks {
    recovered: u32,
    replayed: u32,
    not_recovered: u32,
    asked_again: u32,
    slow: u32,
    relayed: u32,
    timeouts: u32,
    views: u32,
}

impl Marks {
    fn add(&mut self, run: &Run) {
        let of = |closing| run.conns.iter().filter(|conn| run.w.closing_of(**conn) == Some(closing)).count() as u32;
        self.slow += of(Closing::SlowConsumer);
        self.timeouts += of(Closing::Timeout);
        self.recovered += run.marks.recovered;
        self.replayed += run.marks.replayed;
        self.not_recovered += run.marks.not_recovered;
        self.asked_again += run.marks.asked_again;
        self.relayed += run.marks.relayed;
        self.views += run.marks.views;
    }

    fn check(&self) {
        let Marks { recovered, replayed, not_recovered, asked_again, slow, relayed, timeouts, views } = *self;
        for count in [recovered, replayed, not_recovered, asked_again, slow, relayed, timeouts, views] {
            assert!(count > 0, "something was never met: {self:?}");
        }
    }
}

#[test]
fn whatever_happens_every_invariant_holds() {
    let mut marks = Marks::default();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let steps = proptest::collection::vec(step(), 1..300);
    for _ in 0..96 {
        let steps = steps.new_tree(&mut runner).expect("steps").current();
        let (mut run, mut again) = (Run::new(), Run::new());
        steps.iter().for_each(|step| run.step(step));
        steps.iter().for_each(|step| again.step(step));
        assert_eq!(run.w.gateway.state_digest(), again.w.gateway.state_digest());
        marks.add(&run);
    }
    marks.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_else_happens_every_invariant_holds(steps in proptest::collection::vec(step(), 1..300)) {
        let mut run = Run::new();
        steps.iter().for_each(|step| run.step(step));
    }
}
