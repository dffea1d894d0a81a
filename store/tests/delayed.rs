//! The simulator's store: what each fate leaves in the database and what arrives of it.

use duologue_core::commit::{Batch, Standing, StoreOp, Written};
use duologue_core::kit::ids::{Ticket, TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::Row;
use duologue_store::{Completion, Delayed, Fate, Memory};

const KEY: Key = Key::Session(TokenHash([1; 32]));

fn row() -> Row {
    Row::Session { hash: TokenHash([1; 32]), user: UserId(1), expires: Millis(9) }
}
fn write(epoch: u32, position: u64) -> StoreOp {
    StoreOp::Write(Batch { epoch, position, time: Millis(1), rows: vec![row()] })
}
fn written(written: Written) -> Completion {
    Completion::Written(written)
}
fn done() -> Completion {
    written(Written::Done { position: 1 })
}

/// A process whose realm is taken.
fn process(memory: &Memory) -> Delayed {
    let mut store = Delayed::new(memory.clone());
    store.take();
    store
}

#[test]
fn nothing_happens_before_it_is_told() {
    let memory = Memory::new();
    let mut store = process(&memory);
    let write = store.submit(write(1, 1));
    let load = store.submit(StoreOp::Load { ticket: Ticket(4), key: KEY });
    assert_eq!(store.pending().map(|(number, _)| number).collect::<Vec<_>>(), [write, load]);
    assert_eq!(memory.rows(), []);
    assert_eq!(store.complete(load, Fate::Done), [Completion::Loaded { ticket: Ticket(4), rows: vec![] }]);
    assert_eq!(store.complete(write, Fate::Done), [done()]);
    assert_eq!(memory.rows(), [row()]);
    assert_eq!(store.complete(write, Fate::Done), []);
}

#[test]
fn each_fate_of_a_write_says_what_it_must_and_leaves_what_it_must() {
    let down = |why: &str| written(Written::Down { why: why.into() });
    let unknown = || written(Written::Unknown);
    let fates = [
        (Fate::AnswerLost, vec![unknown()], true),
        (Fate::Done, vec![done()], true),
        (Fate::Doubled, vec![done(), done()], true),
        (Fate::Down, vec![down("no answer")], false),
        (Fate::Full, vec![down("disk full")], false),
        (Fate::Late, vec![unknown()], false),
        (Fate::Lost, vec![unknown()], false),
    ];
    assert_eq!(fates.each_ref().map(|(fate, ..)| *fate), Fate::ALL);
    for (fate, arrives, is_there) in fates {
        let memory = Memory::new();
        let mut store = process(&memory);
        let write = store.submit(write(1, 1));
        assert_eq!(store.complete(write, fate), arrives, "{fate:?}");
        assert_eq!(!memory.rows().is_empty(), is_there, "{fate:?}");
    }
}

#[test]
fn a_late_write_lands_when_it_is_told_again_and_says_nothing() {
    let memory = Memory::new();
    let mut store = process(&memory);
    let late = store.submit(write(1, 1));
    store.complete(late, Fate::Late);
    let question = store.submit(StoreOp::Position);
    let at = |position, time| Completion::Standing(Standing { epoch: 1, position, time: Millis(time) });
    assert_eq!(store.complete(question, Fate::Done), [at(0, 0)]);
    assert_eq!(store.complete(late, Fate::Done), []);
    let question = store.submit(StoreOp::Position);
    assert_eq!(store.complete(question, Fate::Done), [at(1, 1)]);
    assert_eq!(store.pending().count(), 0);
}

#[test]
fn a_process_may_die_between_any_two_steps() {
    let memory = Memory::new();
    let mut dead = process(&memory);
    dead.submit(write(1, 1));
    drop(dead);
    assert_eq!(memory.rows(), [], "never carried out");

    let mut dead = process(&memory);
    let number = dead.submit(write(2, 1));
    dead.carry_out(number);
    drop(dead);
    assert_eq!(memory.rows(), [row()], "carried out, never heard of");
}

#[test]
fn what_a_dead_process_had_on_its_way_is_fenced_once_another_took_the_realm() {
    let memory = Memory::new();
    let mut dead = process(&memory);
    let number = dead.submit(write(1, 1));
    process(&memory);
    assert_eq!(dead.complete(number, Fate::Done), [written(Written::Fenced { epoch: 2 })]);
    assert_eq!(memory.rows(), []);
}

#[test]
fn what_was_carried_out_cannot_become_undone() {
    for fate in [Fate::Down, Fate::Full, Fate::Late, Fate::Lost, Fate::AnswerLost] {
        let memory = Memory::new();
        let mut store = process(&memory);
        let number = store.submit(write(1, 1));
        store.carry_out(number);
        let arrives = store.complete(number, fate);
        assert_eq!(memory.rows(), [row()]);
        let is_true = arrives == [written(Written::Unknown)] || arrives == [done()];
        assert!(is_true, "{fate:?} says {arrives:?}");
    }
}

#[test]
fn a_load_that_gets_no_answer_comes_back_to_be_asked_again() {
    let mut store = process(&Memory::new());
    for fate in [Fate::Down, Fate::Lost, Fate::AnswerLost, Fate::Late] {
        let load = store.submit(StoreOp::Load { ticket: Ticket(4), key: KEY });
        let failed = Completion::LoadFailed { ticket: Ticket(4), key: KEY, why: "no answer".into() };
        assert_eq!(store.complete(load, fate), [failed], "{fate:?}");
    }
    let load = store.submit(StoreOp::Load { ticket: Ticket(4), key: KEY });
    assert_eq!(store.complete(load, Fate::Full), [Completion::Loaded { ticket: Ticket(4), rows: vec![] }], "a full disk can be read");
}

#[test]
fn a_fork_is_the_rows_as_they_were() {
    let memory = Memory::new();
    let mut store = process(&memory);
    let old = memory.fork();
    let number = store.submit(write(1, 1));
    store.complete(number, Fate::Done);
    assert_eq!((old.rows().len(), memory.rows().len()), (0, 1));
}
