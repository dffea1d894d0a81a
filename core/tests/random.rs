//! Histories drawn at random: a few people, honest and hostile, losses, resumes, restarts, jumps of time, a store that is slow or
//! down, small limits. Each is run by three drivers. The laws are those of `World` (at every word: CALL 10, no call and no ring
//! inside a cooldown or through a block, answers once, facts before events, nothing said to whom is no more), what windows show,
//! and that everything comes to an end when all have gone.

mod common;

use common::*;
use duologue_core::input::{Attach, Input, Intents, LinkEnd, Request};
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::ids::{CallId, InviteId, LinkId, PairId, UserId};
use duologue_core::kit::time::Span;
use duologue_core::limits::Limits;
use duologue_core::output::Output;
use duologue_core::rules::{Rules, WhenFull};
use duologue_core::wire::{Command, Done, Filter, Patch, ProfilePatch, Reason};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PEOPLE: [&str; 6] = ["ann", "bob", "cat", "dan", "eve", "fay"];
const PAGES: [&str; 3] = ["", "/2", "/3"];
const GENDERS: [&str; 4] = ["", "female", "male", "other"];

/// A page of one of the people.
type Page = (usize, usize);

#[derive(Clone, Debug)]
enum Op {
    After(u64),
    /// The callee of the newest ring, or its caller, acts on it.
    Answer {
        page: usize,
        what: usize,
    },
    Again {
        page: Page,
        back: u64,
    },
    Ask {
        who: usize,
        what: usize,
        whom: usize,
    },
    Attach {
        page: Page,
        habit: usize,
        other: Page,
    },
    Close(Page),
    /// Somebody comes and joins.
    Come(usize),
    Drain(bool),
    Guess,
    /// A member of a live call does something in it.
    InCall {
        which: usize,
        side: usize,
        page: usize,
        what: usize,
    },
    Look,
    /// One rings another, who answers.
    Meet(usize, usize),
    Lose(Page),
    ReplayLost(Page),
    Restart(u64),
    Resume(Page),
    Ring(usize, usize),
    Say {
        page: Page,
        what: usize,
        whom: usize,
        which: usize,
        number: u32,
    },
    Store(usize),
    Unread(Page),
}

#[derive(Clone, Debug)]
struct Plan {
    people: usize,
    rules: Rules,
    limits: Limits,
    ops: Vec<Op>,
}

fn page() -> impl Strategy<Value = Page> {
    (0..6_usize, prop_oneof![6 => Just(0_usize), 2 => Just(1), 1 => Just(2)])
}

fn op() -> impl Strategy<Value = Op> {
    let say = || (page(), 0..30_usize, 0..7_usize, 0..4_usize, 0..400_u32);
    prop_oneof![
        40 => say().prop_map(|(page, what, whom, which, number)| Op::Say { page, what, whom, which, number }),
        // Most of what happens is a ring, an answer or a wish.
        25 => say().prop_map(|(page, what, whom, which, number)| Op::Say { page, what: [0, 13, 14, 16, 16, 13][what % 6], whom, which, number }),
        10 => (0..2_500_u64).prop_map(Op::After),
        8 => (2_500..30_000_u64).prop_map(Op::After),
        3 => (30_000..400_000_u64).prop_map(Op::After),
        1 => (1_000_000..9_000_000_u64).prop_map(Op::After),
        8 => (page(), 0..12_usize, page()).prop_map(|(page, habit, other)| Op::Attach { page, habit, other }),
        5 => page().prop_map(Op::Lose),
        5 => page().prop_map(Op::Resume),
        3 => page().prop_map(Op::Close),
        2 => (page(), 0..5_u64).prop_map(|(page, back)| Op::Again { page, back }),
        3 => (0..6_usize, 0..8_usize, 0..7_usize).prop_map(|(who, what, whom)| Op::Ask { who, what, whom }),
        2 => (1_000..90_000_u64).prop_map(Op::Restart),
        3 => (0..6_usize).prop_map(Op::Store),
        4 => Just(Op::Look),
        4 => (page(), 1..8_u32).prop_map(|(page, number)| Op::Say { page, what: 27, whom: 0, which: 0, number }),
        14 => (0..6_usize).prop_map(Op::Come),
        16 => (0..6_usize, 0..6_usize).prop_map(|(a, b)| Op::Ring(a, b)),
        20 => (0..6_usize, 0..6_usize).prop_map(|(a, b)| Op::Meet(a, b)),
        14 => (0..3_usize, 0..8_usize).prop_map(|(page, what)| Op::Answer { page, what }),
        40 => (0..2_usize, 0..2_usize, 0..4_usize, 0..14_usize).prop_map(|(which, side, page, what)| Op::InCall { which, side, page, what }),
        1 => page().prop_map(Op::ReplayLost),
        1 => page().prop_map(Op::Unread),
        1 => Just(Op::Guess),
        1 => any::<bool>().prop_map(Op::Drain),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let one = (1..4_u32, any::<bool>(), 1..12_u64, 3..25_u64, 1..3_u32, 1..9_u32, any::<bool>());
    let two = (5..120_u64, 5..90_u64, 5..70_u64, 1..6_u32, 1..4_u32, any::<bool>(), 1..5_u32);
    (one, two).prop_map(|(one, two)| {
        let (per_user, refuses, grace, ring, invites_out, invites_in, keeps_chat) = one;
        let (cooldown_call, cooldown_decline, cooldown_rescind, window_size, away_after, needs_call, answers) = two;
        Rules {
            per_user,
            when_full: if refuses { WhenFull::RefuseNew } else { WhenFull::CloseOldest },
            grace: secs(grace),
            ring: secs(ring),
            invites_out,
            invites_in,
            chat_keep: keeps_chat,
            cooldown_call: secs(cooldown_call),
            cooldown_decline: secs(cooldown_decline),
            cooldown_rescind: secs(cooldown_rescind),
            window_size,
            away_after,
            report_needs_call: needs_call,
            answers: answers * 8,
            rate_rings: Rate::per(20, MINUTE, 20),
            pair_round: secs(3),
            forget: secs(100 * u64::from(answers)),
            ..Rules::default()
        }
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let small = (2..9_u32, 2..8_u32, 1..6_u32, 1..6_u32, 1..4_u32, 1..4_u32, 2..12_u32, 1..3_u32, 1..4_u32).prop_map(|l| Limits {
        links_max: l.0,
        users_max: l.1,
        sessions_max: l.2,
        cooldowns_max: l.3,
        clients_per_user: l.4,
        parked_max: l.5,
        buckets_max: l.6,
        lobbies_max: l.7,
        reel_max: l.1,
        remembered_max: l.8,
        outbox: 480,
    });
    prop_oneof![2 => Just(Limits::default()), 1 => small]
}

fn plan(ops: usize) -> impl Strategy<Value = Plan> {
    (3..7_usize, rules(), limits(), proptest::collection::vec(op(), 0..ops)).prop_map(|(people, rules, limits, ops)| Plan {
        people,
        rules,
        limits,
        ops,
    })
}

/// What the run remembers beside the world.
#[derive(Default)]
struct Run {
    /// Filters of windows as far as they are known for sure.
    windows: BTreeMap<LinkId, Filter>,
    is_store_down: bool,
}

fn device(plan: &Plan, page: Page) -> String {
    format!("{}{}", PEOPLE[page.0 % plan.people], PAGES[page.1])
}

/// One of the people, or somebody who is not there.
fn whom(plan: &Plan, number: usize) -> &'static str {
    if number == 6 { "nobody" } else { PEOPLE[number % plan.people] }
}

/// One of the newest ids, or one that was never given.
fn newest<T: Copy>(known: &[T], which: usize, never: T) -> T {
    known.iter().rev().nth(which).copied().unwrap_or(never)
}

fn command(s: &World, plan: &Plan, (what, whom_no, which, number): (usize, usize, usize, u32)) -> Command {
    let them = whom(plan, whom_no);
    let ring = newest(&s.rings, which / 2, InviteId(5));
    let call = newest(&s.calls, which / 2, CallId(5));
    let pair_id = newest(&s.pairs, which / 3, PairId(5));
    let seconds = 40 + number;
    let gender = GENDERS[number as usize % 4];
    let genders: &[&str] = if which == 3 { std::slice::from_ref(&GENDERS[1 + number as usize % 3]) } else { &[] };
    match what {
        0 => accept(ring, seconds),
        1 => block(them),
        2 => candidates(call),
        3 => chat(call, "hello"),
        4 => confirm(pair_id),
        5 => decline(ring),
        6 => offer(call),
        7 => named(&format!("{them} {number}")),
        8 => extend_call(call, seconds),
        9 => extend_invite(ring),
        10 => hang_up(call),
        11 => ice_servers(call),
        12 => Command::Introduce { target: user(them) },
        13 => invite(them, seconds),
        14 => join_named(["main", "main", "main", "blue", "red"][(number % 5) as usize]),
        15 => leave(),
        16 => pair_with(genders, &[], number % 2 == 0),
        17 => profile(ProfilePatch {
            gender: if gender.is_empty() { Patch::Clear } else { Patch::Set(gender.into()) },
            ..ProfilePatch::default()
        }),
        18 => rejoin(call),
        19 => renegotiate(call),
        20 => report(them),
        21 => rescind(ring),
        22 => share(call, "mail", "x"),
        23 => unblock(them),
        24 => unpair(),
        25 => window_close(),
        26 => Command::Redeem { code: "X".into() },
        27 | 28 => window_of(number % 7, &[], &[]),
        _ => window_of(number % 7, genders, &[]),
    }
}

fn step(s: &mut World, plan: &Plan, run: &mut Run, op: &Op) {
    match op {
        Op::After(span) => s.after(Span(*span)),
        Op::Again { page, back } => {
            let device = device(plan, *page);
            if s.is_attached(&device) {
                let number = s.next_number(&device).saturating_sub(*back).max(1);
                s.says_numbered(&device, number, Ok(leave()));
            }
        }
        Op::Answer { page, what } => {
            let Some(ring) = s.rings.last().copied() else { return };
            let Some((from, to)) = s.between.get(&ring).copied() else { return };
            let (who, said) = match what {
                0..=4 => (to, accept(ring, 60 + *what as u32)),
                5 => (to, decline(ring)),
                6 => (from, rescind(ring)),
                _ => (from, extend_invite(ring)),
            };
            say(s, &format!("{}{}", name(who), PAGES[*page]), said);
        }
        Op::Ask { who, what, whom: whom_no } => {
            let of = user(whom(plan, *whom_no));
            let request = match what {
                0 => Request::SignOut,
                1 => Request::Block(of),
                2 => Request::Unblock(of),
                3 => Request::Report { user: of, reason: "rude".into(), call: None },
                4 => Request::History { before: None, limit: 2 },
                _ => Request::Me,
            };
            s.requests(whom(plan, *who), request);
        }
        Op::Attach { page, habit, other } => attach(s, plan, run, (*page, *habit, *other)),
        Op::Close(page) => {
            if s.is_attached(&device(plan, *page)) {
                s.closes(&device(plan, *page));
            }
        }
        Op::Come(who) => come(s, PEOPLE[who % plan.people]),
        // It never starts again in this process: rarely, and then a new one does.
        Op::Drain(end_calls) => {
            s.input(Input::Drain { end_calls: *end_calls });
            s.after(secs(1));
            restart(s, run, secs(2));
        }
        Op::Guess => {
            let hello = Attach { session: session("a guess"), client: None, ..s.hello("zed") };
            s.offers_hello("zed", hello);
        }
        Op::InCall { which, side, page, what } => {
            let Some(live) = s.rows.calls.values().filter(|call| call.ended.is_none()).nth(*which).cloned() else { return };
            let (call, member) = (live.call, format!("{}{}", name(live.members[*side]), PAGES[*page % 3]));
            let said = match what {
                0 => hang_up(call),
                1 | 2 => rejoin(call),
                3 => renegotiate(call),
                4..=6 => extend_call(call, 60),
                7 | 8 => share(call, "mail", "x"),
                9 => block(&name(live.members[1 - *side])),
                10 => report(&name(live.members[1 - *side])),
                11 => leave(),
                _ => chat(call, "hello"),
            };
            if *page == 3 && !s.is_attached(&member) {
                let hello = s.hello(&member);
                s.offers_hello(&member, hello);
            }
            say(s, &member, said);
        }
        Op::Look => look(s, run),
        Op::Lose(page) => {
            if s.is_attached(&device(plan, *page)) {
                s.loses(&device(plan, *page));
            }
        }
        Op::ReplayLost(page) => {
            if let Some(link) = s.link_of(&device(plan, *page)) {
                s.input(Input::ReplayLost { link });
            }
        }
        Op::Restart(gone) => restart(s, run, Span(*gone)),
        Op::Resume(page) => {
            let name = device(plan, *page);
            if let Some(link) = s.link_of(&name) {
                let hello = Attach { takes: Some(link), ..s.hello(&name) };
                s.offers_hello(&name, hello);
            }
        }
        Op::Meet(a, b) => {
            step(s, plan, run, &Op::Ring(*a, *b));
            step(s, plan, run, &Op::Answer { page: 0, what: 0 });
        }
        Op::Ring(a, b) => {
            let (a, b) = (PEOPLE[a % plan.people], PEOPLE[b % plan.people]);
            if a != b {
                come(s, a);
                come(s, b);
                say(s, a, invite(b, 60));
            }
        }
        Op::Say { page, what, whom, which, number } => {
            let name = device(plan, *page);
            if s.is_attached(&name) {
                let said = command(s, plan, (*what, *whom, *which, *number));
                let id = s.next_number(&name);
                let link = s.link(&name);
                let answer = s.says_numbered(&name, id, Ok(said.clone()));
                if let (Command::Window { filter, .. }, Some(Ok(Done::Window { .. }))) = (said, answer) {
                    run.windows.insert(link, filter);
                }
            }
        }
        Op::Store(what) => match what {
            0 => {
                run.is_store_down = true;
                s.input(Input::StoreDown);
            }
            1 | 2 => {
                run.is_store_down = false;
                s.input(Input::StoreUp);
            }
            3 => s.is_store_slow = true,
            4 => s.store_answers_one(),
            _ => s.store_answers(),
        },
        Op::Unread(page) => {
            let name = device(plan, *page);
            if s.is_attached(&name) {
                let number = s.next_number(&name);
                s.says_numbered(&name, number, Err(Reason::field("t", "a known type")));
            }
        }
    }
}

fn say(s: &mut World, device: &str, said: Command) {
    if s.is_attached(device) {
        let number = s.next_number(device);
        s.says_numbered(device, number, Ok(said));
    }
}

fn come(s: &mut World, device: &str) {
    if !s.is_attached(device) {
        let hello = s.hello(device);
        s.offers_hello(device, hello);
        say(s, device, join());
    }
}

fn attach(s: &mut World, plan: &Plan, run: &mut Run, (page, habit, other): (Page, usize, Page)) {
    let name = device(plan, page);
    let mut hello = s.hello(&name);
    match habit {
        0 => hello.exclusive = true,
        1 => hello.client = None,
        2 => hello.takes = s.link_of(&device(plan, other)),
        3 => hello.client = Some(client(&device(plan, other))),
        4 => {
            let seat = s.calls.last().copied();
            hello.intents = Intents { lobby: Some("main".into()), window: Some((3, Filter::default())), seat };
        }
        _ => {}
    }
    let declares = hello.intents.window.is_some();
    s.offers_hello(&name, hello);
    if declares && let Some(link) = s.link_of(&name) {
        // Perhaps it was opened anew, without a filter; perhaps not.
        run.windows.remove(&link);
    }
}

fn restart(s: &mut World, run: &mut Run, gone: Span) {
    s.restart_after(gone);
    *run = Run::default();
}

/// Waits for a second in which nothing happened but that views were told.
fn falls_quiet(s: &mut World) -> bool {
    (0..20).any(|_| {
        let from = s.transcript.len();
        s.after(secs(1));
        s.transcript[from..].iter().all(|output| matches!(output, Output::View { .. }))
    })
}

/// LOB 2: a second after the last change a window shows all whom it may show, or as many as it has places.
fn look(s: &mut World, run: &Run) {
    if !falls_quiet(s) {
        return;
    }
    let links = s.open_links();
    let people: BTreeSet<UserId> = links.iter().map(|(_, user)| *user).collect();
    let shown: BTreeMap<UserId, u32> = people.iter().map(|user| (*user, u32::from(s.rows.live_call(*user).is_none()))).collect();
    let free = shown.values().sum::<u32>();
    assert!(s.usage().available <= free, "PRE 4: the available are connected and in no call");
    for (link, viewer) in links {
        let Some(mirror) = s.mirror(link) else { continue };
        let genders = run.windows.get(&link).map_or(&[][..], |filter| &filter.genders);
        assert!(mirror.places.len() <= mirror.size as usize, "LOB 2");
        // With a free place every change of somebody who may be shown is told, so that the count is the newest.
        let hides = s.rows.people.keys().any(|other| s.rows.is_hidden(viewer, *other));
        if run.windows.contains_key(&link) && genders.is_empty() && !hides {
            let others = mirror.available - 1;
            assert_eq!(mirror.places.len() as u32, others.min(mirror.size), "LOB 2: all who may be shown are, else exactly size");
        }
        for (who, _) in mirror.places.values() {
            assert!(people.contains(who) && s.rows.live_call(*who).is_none(), "PRE 4: who is shown is connected and free");
            assert!(!s.rows.is_hidden(viewer, *who), "LOB 3");
            let gender = &s.rows.people[who].gender;
            assert!(genders.is_empty() || genders.contains(gender), "LOB 6");
        }
    }
}

fn tell(plan: &Plan, driver: Driver) -> World {
    let mut s = World::new(plan.rules.clone(), plan.limits, driver);
    for (n, name) in PEOPLE[..plan.people].iter().enumerate() {
        s.knows_as(name, GENDERS[n % 4], &[]);
        let hello = s.hello(name);
        s.offers_hello(name, hello);
        if s.is_attached(name) {
            let number = s.next_number(name);
            s.says_numbered(name, number, Ok(join()));
        }
    }
    let mut run = Run::default();
    for op in &plan.ops {
        step(&mut s, plan, &mut run, op);
    }
    // The store is well again, everybody goes, and everything comes to an end.
    s.input(Input::StoreUp);
    s.store_answers();
    s.after(secs(11));
    assert_eq!(s.unanswered(), [], "each number is answered");
    look(&mut s, &run);
    for (link, _) in s.open_links() {
        s.input(Input::Detached { link, why: LinkEnd::Lost });
    }
    s.after(Span::mins(5));
    let usage = s.usage();
    let left = (usage.links_live, usage.links_graced, usage.calls, usage.invites, usage.tickets, usage.available, usage.parked);
    assert_eq!(left, (0, 0, 0, 0, 0, 0, 0), "nothing is left when all have gone");
    assert!(s.rows.tickets.is_empty());
    s.restart_after(secs(1));
    s.the_end();
    s
}

/// How often a run came to what the laws are about: a law that compared nothing finds nothing and looks fine.
fn marks(s: &World) -> Vec<(&'static str, u64)> {
    use duologue_core::output::LinkEvent;
    use duologue_core::row::Row;
    use duologue_core::wire::{Event, Why};
    let count = |is_it: &dyn Fn(&Output) -> bool| s.transcript.iter().filter(|output| is_it(output)).count() as u64;
    let event = |is_it: fn(&Event) -> bool| {
        count(&|output| matches!(output, Output::Event { event: LinkEvent::Numbered(event), .. } if is_it(event)))
    };
    let ended = |why: Why| {
        let is_it = move |event: &Event| matches!(event, Event::CallEnded(ended) if ended.why == why);
        count(&|output| matches!(output, Output::Event { event: LinkEvent::Numbered(event), .. } if is_it(event)))
    };
    let invite_ended = |wanted: Why| {
        let is_it = move |event: &Event| matches!(event, Event::InviteEnded { why, .. } if *why == wanted);
        count(&|output| matches!(output, Output::Event { event: LinkEvent::Numbered(event), .. } if is_it(event)))
    };
    let refused = |code: &str| {
        count(
            &|output| matches!(output, Output::Event { event: LinkEvent::Answered { answer: Err(reason), .. }, .. } if reason.code() == code),
        )
    };
    vec![
        ("a ring", event(|e| matches!(e, Event::Rang { .. }))),
        ("a call", event(|e| matches!(e, Event::CallStarted(_)))),
        ("a call extended", event(|e| matches!(e, Event::CallExtended { .. }))),
        ("a seat moved", event(|e| matches!(e, Event::CallMoved { .. }))),
        ("a pair to confirm", event(|e| matches!(e, Event::Paired(_)))),
        ("a pair ended", event(|e| matches!(e, Event::PairEnded { .. }))),
        ("a peer back", event(|e| matches!(e, Event::PeerLink { state: duologue_core::wire::PeerLink::Back, .. }))),
        ("away", event(|e| matches!(e, Event::Left { .. }))),
        ("contacts exchanged", event(|e| matches!(e, Event::Shared { .. }))),
        ("hung up", ended(Why::HangUp)),
        ("a deadline", ended(Why::Deadline)),
        ("a peer lost", ended(Why::PeerLost)),
        ("blocked in a call", ended(Why::Blocked)),
        ("shut down", ended(Why::Shutdown)),
        ("declined", invite_ended(Why::Declined)),
        ("rescinded", invite_ended(Why::Rescinded)),
        ("busy", invite_ended(Why::Busy)),
        ("expired", invite_ended(Why::Expired)),
        ("the caller lost", invite_ended(Why::CallerLost)),
        ("the callee lost", invite_ended(Why::CalleeLost)),
        ("refused for cooldown", refused("cooldown")),
        ("refused as not yours", refused("not_yours")),
        ("refused to a stranger", refused("not_member")),
        ("refused for the store", refused("unavailable")),
        ("too many invites", refused("too_many_invites")),
        ("answered before", refused("answered")),
        ("a window", count(&|output| matches!(output, Output::View { view: duologue_core::output::WindowView::Changes { .. }, .. }))),
        ("a report", count(&|output| matches!(output, Output::Fact(Row::Report(_))))),
        ("a client forgotten", count(&|output| matches!(output, Output::Fact(Row::AnswersGone { .. })))),
        ("a connection forgotten", count(&|output| matches!(output, Output::Forget { .. }))),
    ]
}

#[test]
fn any_history_keeps_the_laws_and_is_the_same_for_every_driver() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64);
    let config = ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() };
    let seen = std::cell::RefCell::new(BTreeMap::<&str, u64>::new());
    // The same histories each time, so that what is usual is usual in every run; more of them by PROPTEST_CASES.
    let rng = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let run = proptest::test_runner::TestRunner::new_with_rng(config, rng).run(&plan(150), |plan| {
        let worlds = [Driver::Punctual, Driver::Lazy, Driver::Restless].map(|driver| tell(&plan, driver));
        same(&worlds[0], &worlds[1]);
        same(&worlds[0], &worlds[2]);
        for (mark, times) in marks(&worlds[0]) {
            *seen.borrow_mut().entry(mark).or_default() += times;
        }
        Ok(())
    });
    if let Err(failed) = run {
        panic!("{failed}");
    }
    println!("{:#?}", seen.borrow());
    for usual in ["a ring", "a call", "a deadline", "hung up", "a peer lost", "declined", "expired", "refused for cooldown", "a window"] {
        assert!(seen.borrow()[usual] > 0, "a usual thing did not happen once: {usual}");
    }
}
