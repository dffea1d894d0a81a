//! A store on threads: everything asked is answered, writes in order, loads beside them; and Commit on top of it.

use duologue_core::commit::{Batch, Commit, Config, Outcome, StoreOp, Written};
use duologue_core::kit::ids::{LinkId, Ticket, TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::output::{FactNo, Key, LinkEvent, Output};
use duologue_core::row::Row;
use duologue_core::wire::Done;
use duologue_store::sqlite::Sqlite;
use duologue_store::{Completion, Memory, Slow, Store, StoreThread};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

fn session(n: u8) -> Row {
    Row::Session { hash: TokenHash([n; 32]), user: UserId(1), expires: Millis(9) }
}
fn batch(position: u64, n: u8) -> StoreOp {
    StoreOp::Write(Batch { epoch: 1, position, time: Millis(1), rows: vec![session(n)] })
}
fn start(store: Box<dyn Store>) -> (StoreThread, Receiver<Completion>) {
    let (tell, heard) = channel();
    let thread = StoreThread::start(store, move |completion| tell.send(completion).expect("somebody listens")).expect("it is up");
    (thread, heard)
}

#[test]
fn everything_asked_before_the_end_is_done() {
    let mut memory = Memory::new();
    memory.take().expect("it is up");
    let (thread, heard) = start(Box::new(memory.clone()));
    for n in 1..=50 {
        thread.submit(batch(n.into(), n));
        thread.submit(StoreOp::Load { ticket: Ticket(n.into()), key: Key::Session(TokenHash([n; 32])) });
    }
    thread.submit(StoreOp::Position);
    drop(thread);
    let all: Vec<Completion> = heard.iter().collect();
    assert_eq!(all.len(), 101);
    let positions = all.iter().filter_map(|done| match done {
        Completion::Written(Written::Done { position }) => Some(*position),
        _ => None,
    });
    assert!(positions.eq(1..=50), "in order");
    assert_eq!(memory.rows().len(), 50);
}

#[test]
fn the_realm_is_taken_again_after_all_writes_asked_before() {
    let mut memory = Memory::new();
    memory.take().expect("it is up");
    let (thread, heard) = start(Box::new(Slow::new(memory, Duration::from_millis(2))));
    thread.submit(batch(1, 1));
    thread.take();
    thread.submit(batch(2, 2));
    drop(thread);
    let all: Vec<Completion> = heard.iter().collect();
    let [Completion::Written(Written::Done { .. }), Completion::Taken(Ok(taken)), Completion::Written(Written::Fenced { epoch: 2 })] =
        all.as_slice()
    else {
        panic!("{all:?}")
    };
    assert_eq!((taken.standing.epoch, taken.standing.position), (2, 1));
}

#[test]
fn commit_on_a_database_says_nothing_that_is_not_there() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("thread-{}", std::process::id()));
    let mut sqlite = Sqlite::open(&directory).expect("nobody else has it");
    let mut commit = Commit::new(Config::default(), sqlite.take().expect("it is up").standing);
    let mut check = sqlite.reader().expect("it is up");
    let (thread, heard) = start(Box::new(sqlite));
    let now = Millis(1);
    let mut told = 0;
    for n in 1..=100u64 {
        commit.handle_output(now, Output::Fact(session(n as u8)));
        let event = LinkEvent::Answered { number: n, answer: Ok(Done::Empty) };
        commit.handle_output(now, Output::Event { to: LinkId(1), after: FactNo(n), event });
        while let Some(outcome) = commit.poll_output() {
            match outcome {
                Outcome::Store(op) => thread.submit(op),
                Outcome::Release(Output::Event { event: LinkEvent::Answered { number, .. }, .. }) => {
                    told += 1;
                    assert_eq!(number, told, "in order");
                    let key = Key::Session(TokenHash([number as u8; 32]));
                    assert_eq!(check.load(&key), Ok(vec![session(number as u8)]), "told is durable");
                }
                other => panic!("{other:?}"),
            }
            // The last ones wait for the disk.
            let is_last = n == 100 && commit.poll_timeout().is_none() && commit.backlog() > 0;
            let next = if is_last { heard.recv().ok() } else { heard.try_recv().ok() };
            if let Some(Completion::Written(written)) = next {
                commit.handle_written(now, written);
            }
        }
    }
    while commit.backlog() > 0 {
        let Ok(Completion::Written(written)) = heard.recv() else { panic!("a write was on its way") };
        commit.handle_written(now, written);
        while let Some(outcome) = commit.poll_output() {
            match outcome {
                Outcome::Store(op) => thread.submit(op),
                Outcome::Release(_) => told += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(told, 100);
    drop((thread, check));
    std::fs::remove_dir_all(directory).expect("it is ours");
}
