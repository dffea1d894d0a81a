//! The promises, each as a story on an empty database.

use super::{Database, Owner};
use crate::{ANSWERS_PER_CLIENT, CLIENTS_PER_USER, Pruned, SESSIONS_KEPT, Store};
use duologue_core::commit::{Batch, Standing, Written};
use duologue_core::kit::ids::{CallId, ClientId, TokenHash, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::Key;
use duologue_core::row::{AnswerRow, ChatLine, HistoryRow, Pair, PersonRow, ReportRow, Row, TicketRow};
use duologue_core::wire::{Done, Filter, Totals, Why};

type Story = fn(&mut dyn Database);

pub(super) const ALL: [(&str, Story); 15] = [
    ("each taking is the next epoch", each_taking_is_the_next_epoch),
    ("what was written is there when it is opened again", what_was_written_is_there_when_it_is_opened_again),
    ("the same batch again has no effect", the_same_batch_again_has_no_effect),
    ("an old owner is fenced", an_old_owner_is_fenced),
    ("a batch out of turn is refused", a_batch_out_of_turn_is_refused),
    ("nobody is in two live calls, and a refused batch leaves nothing", nobody_is_in_two_live_calls),
    ("a start gets live calls, tickets and their people", a_start_gets_live_calls_tickets_and_their_people),
    ("a person comes with everything of theirs", a_person_comes_with_everything_of_theirs),
    ("a session comes with its person", a_session_comes_with_its_person),
    ("a cooldown is never shortened", a_cooldown_is_never_shortened),
    ("the newest answers of the newest clients are kept", the_newest_answers_of_the_newest_clients_are_kept),
    ("a history is read in pages, with chat and peers", a_history_is_read_in_pages_with_chat_and_peers),
    ("two people's newest call is found in either order", two_peoples_newest_call_is_found_in_either_order),
    ("a reader sees what was written", a_reader_sees_what_was_written),
    ("what is over is thrown away, a part at a time", what_is_over_is_thrown_away),
];

const ANN: UserId = UserId(1);
const BOB: UserId = UserId(2);
const CARL: UserId = UserId(u128::MAX);

fn person(user: UserId) -> Row {
    Row::Person(Box::new(PersonRow {
        user,
        name: format!("person {}", user.0 % 10),
        gender: "female".into(),
        selfie: "a/b.jpg".into(),
        video: String::new(),
        tags: vec!["lang:en".into(), "topic:\"x\"".into()],
        created: Millis(7),
        totals: Totals { seconds: 1, calls: 2, completed: 3 },
    }))
}

fn what_is_over_is_thrown_away(database: &mut dyn Database) {
    let mut store = database.open();
    let Standing { epoch, .. } = store.take().expect("it is up").standing;
    let end = Millis(1_000);
    let session = |n: u8, expires| Row::Session { hash: TokenHash([n; 32]), user: ANN, expires };
    let mut rows = vec![person(ANN), session(0, end + Span(1))];
    for n in 1..=5 {
        rows.push(session(n, end));
        rows.push(Row::Cooldown { pair: Pair::of(ANN, UserId(10 + u128::from(n))), until: end });
    }
    rows.push(Row::Cooldown { pair: Pair::of(ANN, BOB), until: end + Span(1) });
    assert_eq!(store.write(&Batch { epoch, position: 1, time: Millis(1), rows }), Written::Done { position: 1 });
    let pruned = |store: &mut Box<dyn Store>, now, most| {
        let Pruned { cooldowns, sessions } = store.prune(now, most).expect("it is up");
        (cooldowns, sessions)
    };
    assert_eq!(pruned(&mut store, Millis(999), 100), (0, 0));
    assert_eq!(pruned(&mut store, end, 3), (3, 0));
    assert_eq!(pruned(&mut store, end, 3), (2, 0));
    assert_eq!(pruned(&mut store, end + SESSIONS_KEPT, 3), (1, 3));
    assert_eq!(pruned(&mut store, end + SESSIONS_KEPT, 3), (0, 2));
    assert_eq!(pruned(&mut store, end + SESSIONS_KEPT, 3), (0, 0));
    let found = store.load(&Key::Session(TokenHash([0; 32]))).expect("it is up");
    assert_eq!(found.first(), Some(&session(0, end + Span(1))));
    assert_eq!(store.load(&Key::Session(TokenHash([3; 32]))).expect("it is up"), []);
    assert!(!found.iter().any(|row| matches!(row, Row::Cooldown { .. })));
    assert_eq!(store.standing().expect("it is up").position, 1, "nothing of a batch");
}

fn history(call: u64, members: [UserId; 2], ended: Option<(Millis, Why)>) -> HistoryRow {
    HistoryRow {
        call: CallId(call),
        members,
        agreed: 180,
        started: Millis(100),
        deadline: Millis(180_100),
        extensions: 1,
        epoch: 4,
        ended,
        chat: Vec::new(),
    }
}
fn live(call: u64, members: [UserId; 2]) -> Row {
    Row::Call(Box::new(history(call, members, None)))
}
fn ended(call: u64, members: [UserId; 2]) -> Row {
    Row::Call(Box::new(history(call, members, Some((Millis(9_000), Why::HangUp)))))
}
fn line(text: &str) -> ChatLine {
    ChatLine { from: ANN, text: text.into(), at: Millis(5) }
}
fn answer(user: UserId, client: u128, number: u64, at: u64) -> Row {
    let done = Done::Joined { lobby: format!("lobby-{number}") };
    Row::Answer(Box::new(AnswerRow { user, client: ClientId(client), number, done, at: Millis(at) }))
}
fn ticket(user: UserId) -> Row {
    let filter = Filter { genders: vec!["male".into()], tags: vec!["lang:en".into()] };
    Row::Ticket(Box::new(TicketRow { user, since: Millis(3), lobby: "main".into(), filter, confirm: true }))
}
fn cooldown(a: UserId, b: UserId, until: u64) -> Row {
    Row::Cooldown { pair: Pair::of(a, b), until: Millis(until) }
}

fn each_taking_is_the_next_epoch(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    assert_eq!((owner.standing.epoch, owner.standing.position, owner.standing.time), (1, 0, Millis(0)));
    owner.takes();
    assert_eq!(owner.standing.epoch, 2);
    drop(owner);
    let mut owner = Owner::of(database.open());
    assert_eq!(owner.standing.epoch, 3);
    assert_eq!(owner.store.standing(), Ok(owner.standing));
}

fn what_was_written_is_there_when_it_is_opened_again(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    owner.writes([person(ANN)]);
    owner.writes([person(BOB), ticket(BOB)]);
    let before = owner.standing;
    drop(owner);
    let mut owner = Owner::of(database.open());
    assert_eq!((owner.standing.position, owner.standing.time), (before.position, before.time));
    assert_eq!(owner.reads(&Key::Person(ANN)), [person(ANN)]);
    assert_eq!(owner.reads(&Key::Person(BOB)), [person(BOB), ticket(BOB)]);
    owner.writes([Row::TicketGone { user: BOB }]);
    assert_eq!(owner.reads(&Key::Person(BOB)), [person(BOB)]);
}

fn the_same_batch_again_has_no_effect(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    let first = owner.next(vec![person(ANN), ticket(ANN)]);
    owner.writes(first.rows.clone());
    assert_eq!(owner.store.write(&first), Written::Done { position: 1 });
    owner.writes([Row::TicketGone { user: ANN }]);
    assert_eq!(owner.store.write(&first), Written::Done { position: 1 });
    assert_eq!(owner.reads(&Key::Person(ANN)), [person(ANN)]);
    assert_eq!(owner.store.standing(), Ok(owner.standing));
}

fn an_old_owner_is_fenced(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    owner.writes([person(ANN)]);
    let late = owner.next(vec![person(BOB)]);
    owner.takes();
    assert_eq!(owner.store.write(&late), Written::Fenced { epoch: 2 });
    assert_eq!(owner.reads(&Key::Person(BOB)), []);
    owner.writes([ticket(ANN)]);
    assert_eq!(owner.store.write(&late), Written::Fenced { epoch: 2 });
    assert_eq!(owner.store.standing(), Ok(owner.standing));
}

fn a_batch_out_of_turn_is_refused(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    let mut batch = owner.next(vec![person(ANN)]);
    batch.position = 2;
    assert!(matches!(owner.store.write(&batch), Written::Refused { .. }));
    assert_eq!(owner.reads(&Key::Person(ANN)), []);
    owner.writes([]);
}

fn nobody_is_in_two_live_calls(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    owner.writes([person(ANN), person(BOB), person(CARL), live(1, [ANN, BOB])]);
    owner.writes([live(1, [ANN, BOB])]);
    owner.is_refused([ticket(CARL), live(2, [CARL, BOB])]);
    assert_eq!(owner.reads(&Key::Person(CARL)), [person(CARL)]);
    owner.is_refused([live(2, [CARL, CARL])]);
    owner.writes([ended(1, [ANN, BOB]), live(2, [CARL, BOB])]);
    assert_eq!(owner.reads(&Key::Person(BOB)), [person(BOB), live(2, [CARL, BOB])]);
    owner.is_refused([Row::CallGone { call: CallId(2) }, live(3, [ANN, BOB]), live(4, [ANN, CARL])]);
    owner.writes([Row::CallGone { call: CallId(2) }, live(3, [ANN, BOB])]);
    assert_eq!(owner.reads(&Key::Person(CARL)), [person(CARL)]);
}

fn a_start_gets_live_calls_tickets_and_their_people(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    let erin = UserId(5);
    owner.writes([person(erin), person(CARL), person(BOB), person(ANN), person(UserId(4))]);
    owner.writes([ended(1, [ANN, UserId(4)]), live(2, [BOB, ANN]), ticket(CARL), ticket(erin), cooldown(ANN, BOB, 99_000)]);
    owner.takes();
    let people = [person(ANN), person(BOB), person(erin), person(CARL)];
    let rest = [live(2, [BOB, ANN]), ticket(erin), ticket(CARL)];
    assert_eq!(owner.started_with, [people.as_slice(), &rest].concat());
}

fn a_person_comes_with_everything_of_theirs(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    assert_eq!(owner.reads(&Key::Person(BOB)), []);
    let block = |by, of| Row::Block { by, of, at: Millis(4) };
    let report = |by, of| Row::Report(Box::new(ReportRow { by, of, reason: "rude".into(), call: Some(CallId(1)), at: Millis(4) }));
    let mine = [
        person(BOB),
        cooldown(ANN, BOB, 50_000),
        cooldown(BOB, CARL, 60_000),
        block(ANN, BOB),
        block(BOB, CARL),
        report(BOB, ANN),
        report(CARL, BOB),
        answer(BOB, 1, 5, 1),
        answer(BOB, 1, 6, 1),
        answer(BOB, 2, 1, 1),
        ticket(BOB),
        live(7, [ANN, BOB]),
    ];
    let other = [person(ANN), cooldown(ANN, CARL, 50_000), block(CARL, ANN), report(ANN, CARL), answer(ANN, 1, 1, 1), ended(6, [BOB, ANN])];
    owner.writes([mine.iter().rev().cloned().collect(), other.to_vec()].concat());
    assert_eq!(owner.reads(&Key::Person(BOB)), mine);
    owner.writes([Row::BlockGone { by: ANN, of: BOB }, Row::AnswersGone { user: BOB, client: ClientId(1) }]);
    let left: Vec<Row> =
        mine.iter().filter(|row| **row != block(ANN, BOB) && !matches!(row, Row::Answer(row) if row.client.0 == 1)).cloned().collect();
    assert_eq!(owner.reads(&Key::Person(BOB)), left);
    // Of somebody unknown there is nothing, whatever others have to do with them.
    assert_eq!(owner.reads(&Key::Person(CARL)), []);
}

fn a_session_comes_with_its_person(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    let hash = TokenHash([7; 32]);
    let session = |expires| Row::Session { hash, user: ANN, expires: Millis(expires) };
    owner.writes([person(ANN), ticket(ANN), session(10)]);
    assert_eq!(owner.reads(&Key::Session(hash)), [session(10), person(ANN), ticket(ANN)]);
    assert_eq!(owner.reads(&Key::Session(TokenHash([8; 32]))), []);
    owner.writes([session(20)]);
    assert_eq!(owner.reads(&Key::Session(hash))[0], session(20));
    owner.writes([Row::SessionGone { hash }]);
    assert_eq!(owner.reads(&Key::Session(hash)), []);
}

fn a_cooldown_is_never_shortened(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    owner.writes([person(ANN), cooldown(ANN, BOB, 5_000)]);
    owner.writes([cooldown(BOB, ANN, 3_000)]);
    assert_eq!(owner.reads(&Key::Person(ANN)), [person(ANN), cooldown(ANN, BOB, 5_000)]);
    owner.writes([cooldown(BOB, ANN, 6_000)]);
    assert_eq!(owner.reads(&Key::Person(ANN)), [person(ANN), cooldown(ANN, BOB, 6_000)]);
    // Over at the realm's time, which goes a second a batch.
    owner.writes([]);
    owner.writes([]);
    assert_eq!(owner.reads(&Key::Person(ANN)).len(), 2);
    owner.writes([]);
    assert_eq!(owner.reads(&Key::Person(ANN)), [person(ANN)]);
    owner.takes();
    owner.writes([cooldown(ANN, BOB, 20_000)]);
    assert_eq!(owner.reads(&Key::Person(ANN)), [person(ANN), cooldown(ANN, BOB, 20_000)]);
}

fn the_newest_answers_of_the_newest_clients_are_kept(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    let kept = u64::from(ANSWERS_PER_CLIENT);
    owner.writes([person(ANN), person(BOB)]);
    owner.writes((1..=kept).map(|number| answer(ANN, 1, number, 10)).collect::<Vec<_>>());
    owner.writes([answer(ANN, 1, kept + 1, 10), answer(ANN, 1, kept + 3, 10), answer(BOB, 1, 1, 1)]);
    let all = owner.reads(&Key::Person(ANN));
    assert_eq!(all.len(), 1 + ANSWERS_PER_CLIENT as usize);
    assert_eq!((&all[1], &all[all.len() - 1]), (&answer(ANN, 1, 3, 10), &answer(ANN, 1, kept + 3, 10)));
    // A client more than are kept: the one whose newest answer is the oldest goes, here the first.
    let clients = u128::from(CLIENTS_PER_USER);
    owner.writes((2..=clients).map(|client| answer(ANN, client, 1, 10 + client as u64)).collect::<Vec<_>>());
    assert_eq!(owner.reads(&Key::Person(ANN)).len(), ANSWERS_PER_CLIENT as usize + clients as usize);
    owner.writes([answer(ANN, clients + 1, 1, 30)]);
    let left: Vec<Row> = (2..=clients).map(|client| answer(ANN, client, 1, 10 + client as u64)).collect();
    assert_eq!(owner.reads(&Key::Person(ANN)), [&[person(ANN)], left.as_slice(), &[answer(ANN, clients + 1, 1, 30)]].concat());
    assert_eq!(owner.reads(&Key::Person(BOB)), [person(BOB), answer(BOB, 1, 1, 1)]);
}

fn a_history_is_read_in_pages_with_chat_and_peers(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    let chat = |call, index, text| Row::Chat { call: CallId(call), index, line: line(text) };
    owner.writes([person(ANN), person(BOB), ended(1, [ANN, BOB]), ended(2, [CARL, ANN]), ended(3, [BOB, ANN]), ended(4, [BOB, CARL])]);
    owner.writes([
        live(5, [ANN, BOB]),
        chat(5, 0, "live"),
        chat(3, 1, "later"),
        chat(3, 0, "first"),
        ended(6, [ANN, CARL]),
        chat(6, 0, "gone"),
    ]);
    owner.writes([Row::CallGone { call: CallId(6) }]);
    let spoken = HistoryRow { chat: vec![line("first"), line("later")], ..history(3, [BOB, ANN], Some((Millis(9_000), Why::HangUp))) };
    let spoken = Row::Call(Box::new(spoken));
    let page = |before: Option<u64>, limit| Key::History { user: ANN, before: before.map(CallId), limit };
    let all = [spoken.clone(), ended(2, [CARL, ANN]), ended(1, [ANN, BOB]), person(BOB)];
    assert_eq!(owner.reads(&page(None, 20)), all);
    assert_eq!(owner.reads(&page(None, 1)), [spoken, ended(2, [CARL, ANN]), person(BOB)]);
    assert_eq!(owner.reads(&page(Some(2), 1)), [ended(1, [ANN, BOB]), person(BOB)]);
    assert_eq!(owner.reads(&page(Some(1), 1)), []);
    owner.writes([ended(6, [ANN, CARL])]);
    assert_eq!(owner.reads(&page(None, 0))[0], ended(6, [ANN, CARL]), "its chat went with it");
}

fn two_peoples_newest_call_is_found_in_either_order(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    owner.writes([ended(1, [ANN, BOB]), ended(2, [BOB, ANN]), ended(3, [ANN, CARL])]);
    for key in [Key::Together(ANN, BOB), Key::Together(BOB, ANN)] {
        assert_eq!(owner.reads(&key), [ended(2, [BOB, ANN])]);
    }
    owner.writes([live(4, [ANN, BOB])]);
    assert_eq!(owner.reads(&Key::Together(BOB, ANN)), [live(4, [ANN, BOB])]);
    assert_eq!(owner.reads(&Key::Together(BOB, CARL)), []);
}

fn a_reader_sees_what_was_written(database: &mut dyn Database) {
    let mut owner = Owner::of(database.open());
    owner.writes([person(ANN)]);
    let mut reader = owner.store.reader().expect("it is up");
    assert_eq!(reader.load(&Key::Person(ANN)).expect("it is up"), [person(ANN)]);
    owner.writes([person(BOB)]);
    assert_eq!(reader.load(&Key::Person(BOB)).expect("it is up"), [person(BOB)]);
}
