//! Stories of made-up people: who they are is not known to the test, only what they promise. No clock: time is what the story says.

use duologue_client::{Answered, End, Event, Failed};
use duologue_company::{Company, Config, Input, Member, Output, TAG};
use duologue_core::kit::ids::{CallId, InviteId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{self, CallEnded, CallStarted, Card, Command, Done, Marks, Patch, Reason, State, Totals, Welcome, Why};
use std::collections::BTreeMap;
use std::sync::Arc;

const ANN: UserId = UserId(1);
const PAUSE: Span = Span::secs(40);

fn card(user: UserId, name: &str, tags: &[&str]) -> Arc<Card> {
    let text = String::new;
    let tags = tags.iter().map(ToString::to_string).collect();
    Arc::new(Card { user, name: name.into(), gender: text(), selfie: text(), video: text(), tags })
}

fn welcome() -> Event {
    Event::Welcomed(Box::new(Welcome {
        user: card(UserId(99), "somebody", &[]),
        resume: "token".into(),
        recovered: false,
        now: Millis(0),
        seq: 0,
        last_id: 0,
        grace: Span::secs(10),
        media_base: String::new(),
        state: State::default(),
    }))
}

/// A world that lets everybody in and answers joins and rings.
struct Story {
    company: Company,
    now: Millis,
    /// What was said, and when.
    said: Vec<(Millis, Output)>,
    is_here: BTreeMap<Member, bool>,
    last_invite: u64,
}

impl Story {
    fn of(people: u32, seed: u64) -> Story {
        let config = Config { people, pause: PAUSE, seconds: (60, 1_800), genders: vec!["female".into(), "male".into()], seed };
        Story { company: Company::new(config, Millis(0)), now: Millis(0), said: Vec::new(), is_here: BTreeMap::new(), last_invite: 0 }
    }

    /// Lets so much time go by, from deadline to deadline.
    fn pass(&mut self, span: Span) {
        let end = self.now + span;
        // The first may come at the very beginning.
        self.company.handle_timeout(self.now);
        self.settle();
        while let Some(at) = self.company.poll_timeout().filter(|at| *at <= end) {
            assert!(at > self.now, "after a drain a deadline lies ahead");
            self.now = at;
            self.company.handle_timeout(at);
            self.settle();
        }
        self.now = end;
        self.company.handle_timeout(end);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(output) = self.company.poll_output() {
            self.said.push((self.now, output.clone()));
            match output {
                Output::Come { member, .. } => {
                    self.is_here.insert(member, true);
                    self.tell(member, &welcome());
                }
                Output::Leave { member } | Output::Part { member } => {
                    self.is_here.insert(member, false);
                }
                Output::Say { member, ask, command } => {
                    assert_eq!(self.is_here.get(&member), Some(&true), "who is not here says nothing: {command:?}");
                    let done = match command {
                        Command::Invite { .. } => {
                            self.last_invite += 1;
                            Done::Invited { invite: InviteId(self.last_invite), expires: Millis(0) }
                        }
                        _ => Done::Empty,
                    };
                    self.tell(member, &Event::Answered(Answered { ask, answer: Ok(done) }));
                }
            }
        }
        assert!(self.company.poll_timeout() > Some(self.now), "drained, it has something to wait for");
    }

    fn tell(&mut self, member: Member, event: &Event) {
        self.company.handle_input(self.now, Input::Told { member, event });
    }

    fn happens(&mut self, member: Member, event: wire::Event) {
        self.tell(member, &Event::Happened(event));
        self.settle();
    }

    fn here(&self) -> Vec<Member> {
        self.is_here.iter().filter(|(_, is_here)| **is_here).map(|(member, _)| *member).collect()
    }

    /// Everybody who is here sees Ann.
    fn all_see(&mut self, user: UserId, marks: &Marks) {
        let places = [Some((card(user, "Ann", &[]), marks.clone())), None, Some((card(UserId(7), "Teo", &[TAG]), Marks::default()))];
        for member in self.here() {
            self.company.handle_input(self.now, Input::Sees { member, places: &places });
        }
        self.settle();
    }

    fn commands(&self) -> impl Iterator<Item = (Millis, Member, &Command)> {
        self.said.iter().filter_map(|(at, output)| match output {
            Output::Say { member, command, .. } => Some((*at, *member, command)),
            _ => None,
        })
    }

    fn rings(&self) -> Vec<(Millis, Member)> {
        let ring = |(at, member, command): (Millis, Member, &Command)| match command {
            Command::Invite { to, seconds } => {
                assert_eq!(*to, ANN, "they ring real people, never each other");
                assert!((60..=1_800).contains(seconds));
                Some((at, member))
            }
            _ => None,
        };
        self.commands().filter_map(ring).collect()
    }

    fn call(&mut self, member: Member, seconds: u32) -> CallId {
        let call = CallId(u64::from(seconds));
        let now = Millis(5_000_000);
        let deadline = now + Span::secs(u64::from(seconds));
        let peer = card(ANN, "Ann", &[]);
        let started = CallStarted { call, peer, seconds, started: now, deadline, now, initiator: false, epoch: 1, here: true };
        self.happens(member, wire::Event::CallStarted(Box::new(started)));
        call
    }

    fn chats(&self, of: Member) -> Vec<(Millis, &str)> {
        self.said
            .iter()
            .filter_map(|(at, output)| match output {
                Output::Say { member, command: Command::Chat { text, .. }, .. } if *member == of => Some((*at, text.as_str())),
                _ => None,
            })
            .collect()
    }

    fn ann_writes(&mut self, member: Member, call: CallId, text: &str) {
        self.happens(member, wire::Event::Chat { call, from: ANN, text: text.into(), at: Millis(0) });
    }

    fn call_ends(&mut self, member: Member, call: CallId) {
        let ended = CallEnded { call, why: Why::HangUp, seconds: 9, cooldown_until: Millis(u64::MAX), totals: Totals::default() };
        self.happens(member, wire::Event::CallEnded(Box::new(ended)));
    }
}

#[test]
fn all_come_within_seconds_and_each_card_says_what_one_is_before_it_is_seen() {
    let mut story = Story::of(12, 1);
    story.pass(Span::secs(3));
    assert_eq!(story.here().len(), 12);
    assert_eq!(story.company.here(), 12);
    for of in story.here() {
        let said: Vec<&Command> = story.commands().filter(|(_, member, _)| *member == of).map(|(_, _, command)| command).collect();
        let [Command::Profile(profile), Command::Join { lobby: None }, Command::Window { .. }, ..] = said.as_slice() else {
            panic!("{said:?}")
        };
        let Patch::Set(tags) = &profile.tags else { panic!("{profile:?}") };
        assert_eq!(tags[0], TAG);
    }
    let names: Vec<&str> =
        story.said.iter().filter_map(|(_, output)| if let Output::Come { name, .. } = output { Some(*name) } else { None }).collect();
    let mut different = names.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), names.len(), "no two have one name: {names:?}");
}

#[test]
fn how_one_appears_is_said_only_where_the_realm_knows_it() {
    let mut story = Story::of(30, 3);
    story.pass(Span::secs(3));
    let genders: Vec<Option<&str>> =
        story.said.iter().filter_map(|(_, output)| if let Output::Come { gender, .. } = output { Some(*gender) } else { None }).collect();
    assert!(genders.contains(&None) && genders.contains(&Some("female")) && !genders.contains(&Some("other")), "{genders:?}");
}

#[test]
fn one_of_them_rings_at_a_time_with_pauses_and_who_does_not_answer_is_left_alone() {
    let mut story = Story::of(12, 2);
    story.pass(Span::secs(3));
    story.all_see(ANN, &Marks::default());
    story.pass(Span::mins(2));
    let [(first, member)] = story.rings()[..] else { panic!("one ring, which nobody has answered: {:?}", story.rings()) };
    assert!(first >= Millis(3_000 + PAUSE.0 / 8), "not at once");

    let expired = wire::Event::InviteEnded { invite: InviteId(1), why: Why::Expired, cooldown_until: None };
    story.happens(member, expired);
    let ended = story.now;
    // Whoever comes meanwhile sees her too.
    for _ in 0..40 {
        story.pass(Span::secs(10));
        story.all_see(ANN, &Marks::default());
    }
    let rings = story.rings();
    assert!(rings.len() >= 2, "not for ever");
    assert!(rings[1].0.since(ended) >= Span(PAUSE.0 * 8), "for long: {rings:?}");
}

#[test]
fn whoever_comes_and_is_alone_is_rung_soon_and_only_the_first_time() {
    for seed in 0..20 {
        let mut story = Story::of(12, seed);
        story.pass(Span::mins(10));
        assert_eq!(story.rings(), [], "there is nobody to ring");
        story.all_see(ANN, &Marks::default());
        story.pass(Span(PAUSE.0 * 3 / 8));
        let [(_, member)] = story.rings()[..] else { panic!("one ring: {:?}", story.rings()) };

        story.happens(member, wire::Event::InviteEnded { invite: InviteId(1), why: Why::Rescinded, cooldown_until: None });
        let ended = story.now;
        for _ in 0..20 {
            story.all_see(ANN, &Marks::default());
            story.pass(Span::secs(10));
        }
        assert!(story.rings()[1].0.since(ended) >= Span(PAUSE.0 / 2), "after a pause like any other: {:?}", story.rings());
    }
}

#[test]
fn of_two_who_are_real_nobody_is_rung_sooner() {
    let mut story = Story::of(12, 3);
    story.pass(Span::secs(3));
    let places = [Some((card(ANN, "Ann", &[]), Marks::default())), Some((card(UserId(2), "Bob", &[]), Marks::default()))];
    for member in story.here() {
        story.company.handle_input(story.now, Input::Sees { member, places: &places });
    }
    story.pass(Span(PAUSE.0 * 3 / 2));
    let first = story.commands().find(|(_, _, command)| matches!(command, Command::Invite { .. })).map(|(at, ..)| at);
    assert!(first >= Some(Millis(PAUSE.0 / 2)), "{first:?}");
}

#[test]
fn nobody_rings_who_is_under_cooldown_or_rings_one_of_them() {
    let mut story = Story::of(6, 4);
    story.pass(Span::secs(3));
    story.all_see(ANN, &Marks { cooldown_until: Some(Millis(9)), introduced_by: None });
    story.pass(Span::mins(2));
    assert_eq!(story.rings(), []);

    story.all_see(ANN, &Marks::default());
    let member = story.here()[0];
    for ring in 0..60 {
        // She rings for ever: each ring ends before it is answered.
        let rang = wire::Event::Rang { invite: InviteId(100 + ring), from: card(ANN, "Ann", &[]), seconds: 60, expires: Millis(0) };
        story.happens(member, rang);
        story.pass(Span::secs(1));
        if ring > 0 {
            story.happens(member, wire::Event::InviteEnded { invite: InviteId(99 + ring), why: Why::Rescinded, cooldown_until: None });
        }
    }
    assert_eq!(story.rings(), []);
}

#[test]
fn a_ring_is_accepted_after_a_moment_with_a_length_of_ones_own() {
    let mut story = Story::of(3, 5);
    story.pass(Span::secs(3));
    let member = story.here()[0];
    let rang = story.now;
    story.happens(
        member,
        wire::Event::Rang { invite: InviteId(8), from: card(ANN, "Ann", &[]), seconds: 600, expires: rang + Span::secs(20) },
    );
    story.pass(Span::secs(5));
    let accepts: Vec<_> = story
        .commands()
        .filter_map(|(at, who, command)| match command {
            Command::Accept { invite, seconds } => Some((at, who, *invite, *seconds)),
            _ => None,
        })
        .collect();
    let [(at, who, InviteId(8), 120..=300)] = accepts[..] else { panic!("{accepts:?}") };
    assert_eq!(who, member);
    assert!((Span::secs(1)..Span::secs(4)).contains(&at.since(rang)), "{:?}", at.since(rang));
}

#[test]
fn in_a_call_the_first_line_says_what_one_is_and_what_is_said_is_answered() {
    let mut story = Story::of(3, 6);
    story.pass(Span::secs(3));
    let member = story.here()[0];
    let call = story.call(member, 300);
    // She is quicker than the hello: it is said all the same.
    story.ann_writes(member, call, "hello?");
    story.pass(Span::secs(8));
    let lines: Vec<String> = story.chats(member).iter().map(|(_, text)| text.to_string()).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("made up") && lines[0].contains("Ann"), "{lines:?}");

    story.ann_writes(member, call, "are you a bot");
    story.pass(Span::secs(8));
    assert!(story.chats(member)[1].1.contains("made up"));

    story.happens(member, wire::Event::ExtendAsked { call, seconds: 60, until: Millis(0) });
    story.pass(Span::secs(5));
    assert!(story.commands().any(|(_, _, command)| *command == Command::ExtendCall { call, seconds: 60 }), "agrees to more time");

    story.ann_writes(member, call, "bye!");
    story.pass(Span::secs(10));
    assert!(story.commands().any(|(_, who, command)| who == member && *command == Command::HangUp { call }));
}

#[test]
fn whoever_says_nothing_is_let_go_and_a_talk_is_never_left_without_hanging_up() {
    let mut story = Story::of(3, 7);
    story.pass(Span::secs(3));
    let member = story.here()[0];
    let call = story.call(member, 1_800);
    story.pass(Span::mins(4));
    let last = story.commands().filter(|(_, who, _)| *who == member).last().expect("they said something").2.clone();
    assert_eq!(last, Command::HangUp { call });
    assert!(story.here().contains(&member), "stays in the call until the server has ended it");
    assert!(story.chats(member).len() <= 5, "hello, two lines into the silence, a goodbye");
}

#[test]
fn who_had_a_call_goes_for_good_and_others_come() {
    let mut story = Story::of(3, 8);
    story.pass(Span::secs(3));
    let member = story.here()[0];
    let call = story.call(member, 300);
    story.pass(Span::secs(20));
    story.call_ends(member, call);
    story.pass(Span::mins(3));
    assert!(story.said.iter().any(|(_, output)| *output == Output::Part { member }));
    assert!(!story.here().contains(&member));
    assert!(story.here().len() >= 2, "{:?}", story.here());
}

#[test]
fn one_at_a_time_looks_for_somebody_so_that_a_lone_person_is_found() {
    let mut story = Story::of(12, 9);
    story.pass(Span::mins(10));
    let mut looking = None;
    let mut count = 0;
    for (_, output) in &story.said {
        match output {
            Output::Say { member, command: Command::Pair { confirm: false, .. }, .. } => {
                assert_eq!(looking.replace(*member), None, "two would find each other");
                count += 1;
            }
            Output::Say { member, command: Command::Unpair, .. } => assert_eq!(looking.take(), Some(*member)),
            Output::Leave { member } if looking == Some(*member) => looking = None,
            _ => {}
        }
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn a_day_makes_no_more_people_than_calls_and_the_roster_stays() {
    let mut story = Story::of(12, 10);
    let mut most = 0;
    for _ in 0..24 * 6 {
        story.pass(Span::mins(10));
        most = most.max(story.here().len());
        assert!(story.here().len() <= 12 && story.company.here() >= 6, "{}", story.company.here());
    }
    assert_eq!(most, 12);
    assert!(story.is_here.len() <= 19, "those who met nobody come again: {}", story.is_here.len());
}

#[test]
fn who_is_refused_or_thrown_out_comes_later_or_somebody_else_does() {
    let mut story = Story::of(2, 11);
    story.company.handle_timeout(Millis(2_000));
    story.now = Millis(2_000);
    let mut refused = 0;
    while let Some(output) = story.company.poll_output() {
        if let Output::Come { member, .. } = output {
            refused += 1;
            story.company.handle_input(story.now, Input::Refused { member });
        }
    }
    assert_eq!(refused, 2);
    story.pass(Span::secs(30));
    assert_eq!(story.here().len(), 2);

    let member = story.here()[0];
    story.is_here.insert(member, false);
    story.tell(member, &Event::Ended(End::Left));
    story.pass(Span::secs(30));
    assert_eq!(story.here().len(), 2);
}

#[test]
fn a_refused_ring_is_over() {
    let mut story = Story::of(4, 12);
    story.pass(Span::secs(3));
    story.all_see(ANN, &Marks::default());
    // Refused for the moment, each time.
    for _ in 0..600 {
        let at = story.company.poll_timeout().expect("a deadline");
        story.now = at;
        story.company.handle_timeout(at);
        while let Some(output) = story.company.poll_output() {
            story.said.push((story.now, output.clone()));
            match output {
                Output::Say { member, ask, command } => {
                    let answer =
                        if matches!(command, Command::Invite { .. }) { Err(Failed::Refused(Reason::Busy)) } else { Ok(Done::Empty) };
                    story.tell(member, &Event::Answered(Answered { ask, answer }));
                }
                Output::Come { member, .. } => {
                    story.is_here.insert(member, true);
                    story.tell(member, &welcome());
                    story.all_of_them_see(member);
                }
                Output::Leave { .. } | Output::Part { .. } => {}
            }
        }
    }
    let rings = story.rings();
    assert!(rings.len() > 3, "they try again");
    assert!(rings.windows(2).all(|two| two[1].0.since(two[0].0) >= Span(PAUSE.0 / 2)), "{rings:?}");
}

impl Story {
    fn all_of_them_see(&mut self, member: Member) {
        let places = [Some((card(ANN, "Ann", &[]), Marks::default()))];
        self.company.handle_input(self.now, Input::Sees { member, places: &places });
    }
}

#[test]
fn at_the_end_everybody_hangs_up_and_goes() {
    let mut story = Story::of(5, 13);
    story.pass(Span::secs(3));
    let member = story.here()[0];
    let call = story.call(member, 300);
    let before = story.said.len();
    story.company.close();
    while let Some(output) = story.company.poll_output() {
        story.said.push((story.now, output));
    }
    let last = &story.said[before..];
    assert!(matches!(&last[0].1, Output::Say { command: Command::HangUp { call: of }, .. } if *of == call));
    assert_eq!(last.iter().filter(|(_, output)| matches!(output, Output::Leave { .. })).count(), 5);
    assert_eq!((story.company.poll_timeout(), story.company.here()), (None, 0));
}

#[test]
fn the_same_seed_is_the_same_company() {
    let run = |seed| {
        let mut story = Story::of(12, seed);
        story.pass(Span::mins(30));
        story.said
    };
    assert_eq!(run(20), run(20));
    assert_ne!(run(20), run(21));
}
