//! Commit as stories: what it promises to whoever is told something, to the store and to the engine. The last test draws the
//! stories at random.

use duologue_core::commit::{Batch, Commit, Config, Outcome, Standing, Stop, StoreOp, Written};
use duologue_core::input::Input;
use duologue_core::kit::ids::{CallId, LinkId, RequestId, Ticket, TokenHash, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::{FactNo, Key, LinkEvent, Output, Reply, Welcomed, WindowView};
use duologue_core::row::Row;
use duologue_core::wire::{Card, Done, State};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

const ANN: LinkId = LinkId(1);
const BOB: LinkId = LinkId(2);
const START: Standing = Standing { epoch: 3, position: 10, time: Millis(1_000) };

fn fact(n: u8) -> Output {
    Output::Fact(Row::SessionGone { hash: TokenHash([n; 32]) })
}
fn says(to: LinkId, number: u64, after: u64) -> Output {
    Output::Event { to, after: FactNo(after), event: LinkEvent::Answered { number, answer: Ok(Done::Empty) } }
}
fn welcomes(attach: LinkId, to: LinkId, after: u64) -> Output {
    let card =
        Card { user: UserId(1), name: "Ann".into(), gender: String::new(), selfie: String::new(), video: String::new(), tags: Vec::new() };
    let welcome = Box::new(Welcomed { user: Arc::new(card), last_id: 0, state: State::default() });
    Output::Event { to, after: FactNo(after), event: LinkEvent::Welcomed { attach, welcome } }
}
fn view(to: LinkId, available: u32) -> Output {
    Output::View { to, view: WindowView::Changes { set: Vec::new(), available } }
}
fn replies(to: u64, after: u64) -> Output {
    Output::Reply { to: RequestId(to), after: FactNo(after), reply: Reply::Done }
}
fn seats(epoch: u32, links: [Option<LinkId>; 2], after: u64) -> Output {
    Output::Seats { call: CallId(5), after: FactNo(after), epoch, seats: links, deadline: Millis(9) }
}
fn unseat(links: [Option<LinkId>; 2], after: u64) -> Output {
    Output::Unseat { call: CallId(5), after: FactNo(after), seats: links }
}
fn loads(ticket: u64, after: u64) -> Output {
    Output::Load { ticket: Ticket(ticket), after: FactNo(after), key: Key::Person(UserId(1)) }
}

/// A Commit under test, with the time of day.
struct Story {
    commit: Commit,
    now: Millis,
}

impl Story {
    fn new() -> Story {
        Story::with(Config::default())
    }
    fn with(config: Config) -> Story {
        Story { commit: Commit::new(config, START), now: Millis(2_000) }
    }
    fn engine<const N: usize>(&mut self, outputs: [Output; N]) -> &mut Story {
        for output in outputs {
            self.commit.handle_output(self.now, output);
        }
        self
    }
    fn store(&mut self, written: Written) -> &mut Story {
        self.commit.handle_written(self.now, written);
        self
    }
    fn done(&mut self, position: u64) -> &mut Story {
        self.store(Written::Done { position })
    }
    fn stands_at(&mut self, epoch: u32, position: u64) -> &mut Story {
        self.commit.handle_standing(self.now, Standing { epoch, position, time: Millis(0) });
        self
    }
    fn after(&mut self, span: Span) -> &mut Story {
        self.now = self.now + span;
        self.commit.handle_timeout(self.now);
        self
    }
    fn all(&mut self) -> Vec<Outcome> {
        std::iter::from_fn(|| self.commit.poll_output()).collect()
    }
    #[track_caller]
    fn gives<const N: usize>(&mut self, outcomes: [Outcome; N]) -> &mut Story {
        assert_eq!(self.all(), outcomes);
        self
    }
    /// The position and number of rows of a write that comes alone.
    #[track_caller]
    fn writes(&mut self, position: u64, rows: usize) -> &mut Story {
        let all = self.all();
        let [Outcome::Store(StoreOp::Write(batch))] = all.as_slice() else { panic!("one write, not {all:?}") };
        assert_eq!((batch.epoch, batch.position, batch.rows.len()), (START.epoch, position, rows));
        self
    }
}

fn down() -> Written {
    Written::Down { why: "no answer".into() }
}
fn release(output: Output) -> Outcome {
    Outcome::Release(output)
}

#[test]
fn an_event_without_facts_leaves_at_once_even_while_others_wait() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1), says(BOB, 1, 0)]);
    assert_eq!(s.commit.poll_output(), Some(release(says(BOB, 1, 0))));
    s.writes(11, 1).done(11).gives([release(says(ANN, 1, 1))]);
}

#[test]
fn an_event_without_facts_does_not_overtake_what_its_own_connection_waits_for() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1), says(ANN, 2, 0)]).writes(11, 1);
    s.done(11).gives([release(says(ANN, 1, 1)), release(says(ANN, 2, 0))]);
    s.engine([says(ANN, 3, 0), says(ANN, 4, 1)]).gives([release(says(ANN, 3, 0)), release(says(ANN, 4, 1))]);
}

#[test]
fn what_is_recorded_during_a_write_is_the_next_batch() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    s.engine([fact(2), fact(3), says(ANN, 2, 3)]).gives([]);
    s.engine([fact(4), says(BOB, 1, 4)]).gives([]);
    s.done(11);
    assert_eq!(s.commit.poll_output(), Some(release(says(ANN, 1, 1))));
    s.writes(12, 3).done(12).gives([release(says(ANN, 2, 3)), release(says(BOB, 1, 4))]);
    assert_eq!(s.commit.backlog(), 0);
}

#[test]
fn the_facts_of_one_input_are_one_transaction_however_small_a_batch_is() {
    let mut s = Story::with(Config { batch_rows: 2, ..Config::default() });
    s.engine([fact(1), fact(2), fact(3), says(ANN, 1, 3)]).writes(11, 3);
    s.engine([fact(4)]).gives([]).engine([fact(5), fact(6)]).gives([]).engine([fact(7)]).gives([]);
    s.done(11);
    assert_eq!(s.commit.poll_output(), Some(release(says(ANN, 1, 3))));
    s.writes(12, 1).done(12).writes(13, 2).done(13).writes(14, 1);
}

#[test]
fn a_view_waits_for_nothing_but_the_welcome_of_its_connection() {
    let mut s = Story::new();
    s.engine([fact(1), says(BOB, 1, 1), view(BOB, 1), welcomes(ANN, ANN, 1), view(ANN, 2)]);
    assert_eq!(s.commit.poll_output(), Some(release(view(BOB, 1))));
    s.writes(11, 1).engine([view(ANN, 3)]).gives([]);
    s.done(11).gives([release(says(BOB, 1, 1)), release(welcomes(ANN, ANN, 1)), release(view(ANN, 2)), release(view(ANN, 3))]);
    s.engine([view(ANN, 4)]).gives([release(view(ANN, 4))]);
}

#[test]
fn seats_keep_their_place_among_the_events_of_both_connections_and_of_their_call() {
    let mut s = Story::new();
    let both = [Some(ANN), Some(BOB)];
    s.engine([fact(1), says(ANN, 1, 1), seats(1, both, 1), says(BOB, 1, 0)]);
    s.engine([unseat([None, None], 0), Output::Forget { link: BOB }]).writes(11, 1);
    s.done(11).gives([
        release(says(ANN, 1, 1)),
        release(seats(1, both, 1)),
        release(says(BOB, 1, 0)),
        release(unseat([None, None], 0)),
        release(Output::Forget { link: BOB }),
    ]);
}

#[test]
fn a_hello_that_takes_over_keeps_both_names_in_order() {
    let mut s = Story::new();
    let hello = LinkId(9);
    s.engine([fact(1), welcomes(hello, ANN, 1), says(hello, 1, 0), says(ANN, 2, 0)]).writes(11, 1);
    s.done(11).gives([release(welcomes(hello, ANN, 1)), release(says(hello, 1, 0)), release(says(ANN, 2, 0))]);
}

#[test]
fn a_load_is_asked_once_its_facts_are_durable() {
    let mut s = Story::new();
    s.engine([loads(1, 0)]).gives([Outcome::Store(StoreOp::Load { ticket: Ticket(1), key: Key::Person(UserId(1)) })]);
    s.engine([fact(1), loads(2, 1), replies(1, 1)]).writes(11, 1);
    s.done(11).gives([Outcome::Store(StoreOp::Load { ticket: Ticket(2), key: Key::Person(UserId(1)) }), release(replies(1, 1))]);
}

#[test]
fn a_load_that_failed_is_asked_again_after_a_pause() {
    let mut s = Story::new();
    let again = || Outcome::Store(StoreOp::Load { ticket: Ticket(1), key: Key::Person(UserId(1)) });
    s.commit.handle_load_failed(s.now, Ticket(1), Key::Person(UserId(1)));
    assert_eq!(s.commit.poll_timeout(), Some(s.now + Span(250)));
    s.after(Span(249)).gives([]).after(Span(1)).gives([again()]);
    s.commit.handle_load_failed(s.now, Ticket(1), Key::Person(UserId(1)));
    s.after(Span(499)).gives([]).after(Span(1)).gives([again()]);
    assert_eq!(s.commit.poll_timeout(), None);
}

#[test]
fn an_unknown_outcome_that_was_written_is_released() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    s.store(Written::Unknown).gives([Outcome::Store(StoreOp::Position)]);
    s.stands_at(3, 11).gives([release(says(ANN, 1, 1))]);
}

#[test]
fn an_unknown_outcome_that_was_not_written_is_written_again_under_the_same_position() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    s.engine([fact(2)]).store(Written::Unknown).gives([Outcome::Store(StoreOp::Position)]);
    s.stands_at(3, 10).gives([]).after(Span(250)).writes(11, 1);
    s.done(11);
    assert_eq!(s.commit.poll_output(), Some(release(says(ANN, 1, 1))));
    s.writes(12, 1);
}

#[test]
fn a_position_that_cannot_be_read_is_asked_again() {
    let mut s = Story::new();
    s.engine([fact(1)]).writes(11, 1);
    s.store(Written::Unknown).gives([Outcome::Store(StoreOp::Position)]);
    s.store(down()).gives([Outcome::Engine(Input::StoreDown)]);
    s.after(Span(250)).gives([Outcome::Store(StoreOp::Position)]);
    s.stands_at(3, 11).gives([Outcome::Engine(Input::StoreUp)]);
}

#[test]
fn another_owner_ends_the_process_and_nothing_is_said_any_more() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    s.store(Written::Fenced { epoch: 4 }).gives([Outcome::Stop(Stop::Fenced { epoch: 4 })]);
    s.engine([says(BOB, 1, 0), fact(2)]).done(11).after(Span::hours(1)).gives([]);
    assert_eq!(s.commit.poll_timeout(), None);

    let mut s = Story::new();
    s.engine([fact(1)]).writes(11, 1).store(Written::Unknown).engine([says(BOB, 1, 0)]);
    s.stands_at(4, 11).gives([Outcome::Stop(Stop::Fenced { epoch: 4 })]);
}

#[test]
fn rows_that_the_database_refuses_end_the_process() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    let why = || "in_call".to_string();
    s.store(Written::Refused { why: why() }).gives([Outcome::Stop(Stop::Refused { why: why() })]);
}

#[test]
fn a_store_that_is_down_is_told_once_and_tried_again_ever_more_rarely() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    s.store(down()).gives([Outcome::Engine(Input::StoreDown)]);
    for pause in [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000] {
        assert_eq!(s.commit.poll_timeout(), Some(s.now + Span(pause)));
        s.after(Span(pause - 1)).gives([]).after(Span(1)).writes(11, 1).store(down()).gives([]);
    }
    s.after(Span::secs(5)).writes(11, 1).done(11).gives([release(says(ANN, 1, 1)), Outcome::Engine(Input::StoreUp)]);
    s.engine([fact(2)]).writes(12, 1).store(down()).gives([Outcome::Engine(Input::StoreDown)]);
    assert_eq!(s.commit.poll_timeout(), Some(s.now + Span(250)));
}

#[test]
fn a_backlog_beyond_its_bound_counts_as_down_until_half_of_it_is_written() {
    let mut s = Story::with(Config { batch_rows: 2, backlog_rows: 4, ..Config::default() });
    s.engine([fact(1)]).writes(11, 1);
    s.engine([fact(2)]).gives([]).engine([fact(3), fact(4)]).gives([]);
    s.engine([fact(5)]).gives([Outcome::Engine(Input::StoreDown)]);
    s.done(11).writes(12, 1).done(12).writes(13, 2).done(13);
    assert_eq!(s.commit.poll_output(), Some(Outcome::Engine(Input::StoreUp)));
    s.writes(14, 1);
}

#[test]
fn doubled_and_late_answers_change_nothing() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1).done(11);
    s.gives([release(says(ANN, 1, 1))]).engine([fact(2), says(ANN, 2, 2)]).writes(12, 1);
    s.done(11).stands_at(3, 11).gives([]);
    s.store(down()).gives([Outcome::Engine(Input::StoreDown)]).store(down()).gives([]);
    s.done(12).gives([release(says(ANN, 2, 2)), Outcome::Engine(Input::StoreUp)]);
    s.done(12).store(down()).store(Written::Unknown).after(Span::secs(9)).gives([]);
}

#[test]
fn the_time_of_a_batch_never_goes_back() {
    let mut s = Story::new();
    s.now = Millis(500);
    s.engine([fact(1)]);
    let Some(Outcome::Store(StoreOp::Write(batch))) = s.commit.poll_output() else { panic!("a write") };
    assert_eq!(batch.time, START.time);
}

#[test]
fn an_engine_that_panicked_takes_what_was_not_on_its_way_with_it() {
    let mut s = Story::new();
    s.engine([fact(1), says(ANN, 1, 1)]).writes(11, 1);
    s.engine([fact(2), says(ANN, 2, 2), says(BOB, 1, 2)]).gives([]);
    s.commit.abandon();
    assert_eq!(s.commit.backlog(), 1);
    s.done(11).gives([release(says(ANN, 1, 1))]);
    assert_eq!((s.commit.backlog(), s.commit.poll_timeout()), (0, None));
}

#[test]
fn something_to_poll_is_due_now() {
    let mut s = Story::new();
    assert_eq!(s.commit.poll_timeout(), None);
    s.engine([fact(1)]);
    assert_eq!(s.commit.poll_timeout(), Some(s.now));
    s.writes(11, 1);
    assert_eq!(s.commit.poll_timeout(), None);
    s.done(11).engine([says(ANN, 1, 0)]);
    assert_eq!(s.commit.poll_timeout(), Some(s.now));
}

/// What an engine may say, the wait as a distance from the newest fact.
#[derive(Clone, Debug)]
enum Said {
    Fact,
    Event { to: u64, is_free: bool },
    Load { is_free: bool },
    Seats { a: u64, b: u64, is_free: bool },
    View { to: u64 },
    Welcome { attach: u64, to: u64 },
}

/// What the store makes of a write or a question.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Done,
    Doubled,
    Down,
    UnknownNotWritten,
    UnknownWritten,
}

#[derive(Clone, Debug)]
enum Act {
    Drain(Vec<Said>),
    Store(Fate),
    Wait(u64),
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => Just(Said::Fact),
        4 => (0..4u64, any::<bool>()).prop_map(|(to, is_free)| Said::Event { to, is_free }),
        1 => any::<bool>().prop_map(|is_free| Said::Load { is_free }),
        1 => (0..4u64, 0..4u64, any::<bool>()).prop_map(|(a, b, is_free)| Said::Seats { a, b, is_free }),
        2 => (0..4u64).prop_map(|to| Said::View { to }),
        1 => (0..4u64, 0..4u64).prop_map(|(attach, to)| Said::Welcome { attach, to }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let fate = prop_oneof![
        5 => Just(Fate::Done),
        1 => Just(Fate::Doubled),
        1 => Just(Fate::Down),
        1 => Just(Fate::UnknownNotWritten),
        1 => Just(Fate::UnknownWritten),
    ];
    prop_oneof![
        4 => prop::collection::vec(said(), 0..6).prop_map(Act::Drain),
        4 => fate.prop_map(Act::Store),
        1 => (0..3_000u64).prop_map(Act::Wait),
    ]
}

/// The slow, plain account of what Commit may do: every output with its number, what it named and what it must follow.
#[derive(Default)]
struct Account {
    facts: u64,
    durable: u64,
    position: u64,
    asked: Option<Batch>,
    is_asked_position: bool,
    is_down: bool,
    said: u64,
    /// Output number → (fact it names, lanes it is in).
    waits: BTreeMap<u64, (u64, Vec<String>)>,
    lanes: BTreeMap<String, VecDeque<u64>>,
    loads: BTreeSet<u64>,
}

impl Account {
    fn make(&mut self, said: &Said) -> Output {
        if let Said::Fact = said {
            self.facts += 1;
            return fact(self.facts as u8);
        }
        self.said += 1;
        let n = self.said;
        let after = |is_free: bool, facts| if is_free { 0 } else { facts };
        let link = |id: u64| format!("link {id}");
        let (output, wait, lanes) = match *said {
            Said::Fact => unreachable!("above"),
            Said::Event { to, is_free } => {
                let wait = after(is_free, self.facts);
                (says(LinkId(to), n, wait), wait, vec![link(to)])
            }
            Said::Load { is_free } => {
                let wait = after(is_free, self.facts);
                self.loads.insert(n);
                (loads(n, wait), wait, vec![])
            }
            Said::Seats { a, b, is_free } => {
                let wait = after(is_free, self.facts);
                let of = |id| (id != 0).then_some(LinkId(id));
                let lanes = [a, b].into_iter().filter(|id| *id != 0).map(link).chain(["call".to_string()]).collect();
                (seats(n as u32, [of(a), of(b)], wait), wait, lanes)
            }
            Said::View { to } => (view(LinkId(to), n as u32), 0, vec![format!("welcome {to}")]),
            Said::Welcome { attach, to } => {
                let mut output = welcomes(LinkId(attach), LinkId(to), self.facts);
                if let Output::Event { event: LinkEvent::Welcomed { welcome, .. }, .. } = &mut output {
                    welcome.last_id = n;
                }
                (output, self.facts, vec![link(attach), link(to), format!("welcome {to}")])
            }
        };
        for lane in &lanes {
            let queue = self.lanes.entry(lane.clone()).or_default();
            if queue.back() != Some(&n) {
                queue.push_back(n);
            }
        }
        self.waits.insert(n, (wait, lanes));
        output
    }

    fn left(&mut self, n: u64) {
        let (wait, lanes) = self.waits.remove(&n).expect("said once, released once");
        assert!(wait <= self.durable, "{n} was released before fact {wait}, durable {}", self.durable);
        for lane in lanes {
            let queue = self.lanes.get_mut(&lane).expect("it was put there");
            match queue.front() {
                Some(front) if *front == n => {
                    queue.pop_front();
                }
                // The same lane twice in one output.
                front => assert!(!queue.contains(&n), "{n} overtook {front:?} in {lane}"),
            }
        }
    }

    fn poll(&mut self, commit: &mut Commit) {
        while let Some(outcome) = commit.poll_output() {
            match outcome {
                Outcome::Engine(Input::StoreDown) => assert!(!std::mem::replace(&mut self.is_down, true), "told down twice"),
                Outcome::Engine(Input::StoreUp) => assert!(std::mem::replace(&mut self.is_down, false), "told up twice"),
                Outcome::Engine(other) => panic!("{other:?} to the engine"),
                Outcome::Stop(why) => panic!("stopped: {why:?}"),
                Outcome::Store(StoreOp::Load { ticket, .. }) => self.left(ticket.0),
                Outcome::Store(StoreOp::Position) => self.is_asked_position = true,
                Outcome::Store(StoreOp::Write(batch)) => {
                    assert!(self.asked.is_none() && !self.is_asked_position, "one at a time");
                    let first = self.durable + 1;
                    assert!(batch.position == self.position + 1 || batch.position == self.position, "positions follow each other");
                    if batch.position == self.position + 1 {
                        let rows = batch.rows.iter().enumerate();
                        rows.for_each(|(i, row)| assert_eq!(Output::Fact(row.clone()), fact((first + i as u64) as u8)));
                    }
                    self.asked = Some(batch);
                }
                Outcome::Release(Output::Event { event: LinkEvent::Answered { number, .. }, .. }) => self.left(number),
                Outcome::Release(Output::Event { event: LinkEvent::Welcomed { welcome, .. }, .. }) => self.left(welcome.last_id),
                Outcome::Release(Output::Seats { epoch, .. }) => self.left(epoch.into()),
                Outcome::Release(Output::View { view: WindowView::Changes { available, .. }, .. }) => self.left(available.into()),
                Outcome::Release(other) => panic!("{other:?} was never said"),
            }
        }
        let known = self.facts - commit.backlog() as u64;
        assert!(known <= self.durable, "it believes what is not so");
        let waiting = |n: &u64| {
            let (wait, lanes) = &self.waits[n];
            *wait > known || lanes.iter().any(|lane| self.lanes[lane].front() != Some(n))
        };
        assert!(self.waits.keys().all(waiting), "something waits for nothing");
    }

    /// The batch is in the database, as far as it is not already.
    fn write(&mut self, batch: &Batch) {
        if batch.position == self.position + 1 {
            self.position += 1;
            self.durable += batch.rows.len() as u64;
        }
    }

    fn store(&mut self, commit: &mut Commit, now: Millis, fate: Fate) {
        let is_question = std::mem::take(&mut self.is_asked_position);
        if is_question {
            return match fate {
                Fate::Done | Fate::Doubled => {
                    commit.handle_standing(now, Standing { epoch: 3, position: self.position, time: Millis(0) });
                }
                Fate::Down => commit.handle_written(now, down()),
                Fate::UnknownNotWritten | Fate::UnknownWritten => commit.handle_written(now, Written::Unknown),
            };
        }
        let Some(batch) = self.asked.take() else { return };
        if !matches!(fate, Fate::Down | Fate::UnknownNotWritten) {
            self.write(&batch);
        }
        let written = match fate {
            Fate::Done | Fate::Doubled => Written::Done { position: batch.position },
            Fate::Down => down(),
            Fate::UnknownNotWritten | Fate::UnknownWritten => Written::Unknown,
        };
        commit.handle_written(now, written.clone());
        if let Fate::Doubled = fate {
            commit.handle_written(now, written);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_leaves_before_its_facts_and_everything_leaves_in_the_end(
        acts in prop::collection::vec(act(), 0..60),
        batch_rows in 1..6u32,
        backlog_rows in 1..20u32,
    ) {
        let config = Config { batch_rows, backlog_rows, ..Config::default() };
        let mut commit = Commit::new(config, START);
        let mut account = Account { position: START.position, ..Account::default() };
        let mut now = Millis(2_000);
        for act in &acts {
            match act {
                Act::Drain(said) => for said in said {
                    let output = account.make(said);
                    commit.handle_output(now, output);
                },
                Act::Store(fate) => account.store(&mut commit, now, *fate),
                Act::Wait(ms) => {
                    now = now + Span(*ms);
                    commit.handle_timeout(now);
                }
            }
            account.poll(&mut commit);
            prop_assert!(commit.poll_timeout().is_none_or(|at| at > now), "it would spin");
        }
        // Healed: everything is written, released, and quiet.
        for _ in 0..200 {
            account.store(&mut commit, now, Fate::Done);
            now = commit.poll_timeout().unwrap_or(now).max(now);
            commit.handle_timeout(now);
            account.poll(&mut commit);
        }
        prop_assert_eq!(commit.backlog(), 0);
        prop_assert_eq!(account.durable, account.facts);
        prop_assert!(account.waits.is_empty(), "left over: {:?}", account.waits);
        prop_assert!(!account.is_down);
        prop_assert_eq!(commit.poll_timeout(), None);
    }
}
