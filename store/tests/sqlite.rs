//! What only a database on a disk must do: one process at a time, and every crash leaves whole batches.

use duologue_core::commit::{Batch, Standing, Written};
use duologue_core::kit::ids::{TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::{PersonRow, Row};
use duologue_core::wire::Totals;
use duologue_store::sqlite::{OpenError, Sqlite, VERSION};
use duologue_store::{Memory, Reader, Store, contract};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An empty directory, gone at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).expect("a directory");
        Place(place)
    }
    fn open(&self) -> Sqlite {
        Sqlite::open(&self.0).expect("nobody else has it")
    }
    /// The files as a process that dies now leaves them.
    fn copy(&self, name: &str) -> Place {
        let copy = Place::new(name);
        for file in ["duologue.db", "duologue.db-wal"] {
            if self.0.join(file).exists() {
                fs::copy(self.0.join(file), copy.0.join(file)).expect("a copy");
            }
        }
        copy
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn person(n: u64) -> Row {
    Row::Person(Box::new(PersonRow {
        user: UserId(n.into()),
        name: format!("person {n}"),
        gender: String::new(),
        selfie: "x".repeat(600),
        video: String::new(),
        tags: vec![],
        created: Millis(n),
        totals: Totals::default(),
    }))
}

/// Batch `n` has ten rows, of which none may be there without the others.
fn batch(epoch: u32, n: u64) -> Batch {
    Batch { epoch, position: n, time: Millis(n), rows: (n * 10..n * 10 + 10).map(person).collect() }
}

/// All batches up to where the realm stands are there, whole, and nothing after them; gives where that is.
fn whole_batches(store: &mut Sqlite, up_to: u64) -> u64 {
    let Standing { position, .. } = store.standing().expect("it is up");
    for n in 1..=up_to {
        for row in batch(1, n).rows {
            let Row::Person(person) = &row else { panic!("a person") };
            let found = store.load(&Key::Person(person.user)).expect("it is up");
            assert_eq!(found == [row.clone()], n <= position, "batch {n} of {position}");
        }
    }
    position
}

#[test]
fn a_second_process_is_told_that_the_directory_is_in_use() {
    let place = Place::new("lock");
    let first = place.open();
    let error = Sqlite::open(&place.0).expect_err("it is in use");
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().ends_with("is in use by another process"), "{error}");
    let reader = first.reader().expect("it is up");
    drop(first);
    assert!(Sqlite::open(&place.0).is_err(), "somebody still reads");
    drop(reader);
    place.open();
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    let place = Place::new("newer");
    drop(place.open());
    let raw = rusqlite::Connection::open(place.0.join("duologue.db")).expect("a database");
    raw.pragma_update(None, "user_version", VERSION + 1).expect("written");
    drop(raw);
    let error = Sqlite::open(&place.0).expect_err("it is newer");
    assert!(matches!(error, OpenError::Newer { found, .. } if found == VERSION + 1), "{error}");
}

#[test]
fn what_is_no_database_is_named() {
    let place = Place::new("garbage");
    fs::write(place.0.join("duologue.db"), "x".repeat(5_000)).expect("written");
    let error = Sqlite::open(&place.0).expect_err("no database");
    assert!(error.to_string().contains("duologue.db"), "{error}");
}

#[test]
fn files_copied_at_any_batch_hold_what_was_written_until_then() {
    struct Copied(Place);
    impl contract::Database for Copied {
        fn open(&mut self) -> Box<dyn Store> {
            Box::new(self.0.open())
        }
    }
    let place = Place::new("copied");
    let (mut store, mut model) = (place.open(), Memory::new());
    store.take().expect("it is up");
    model.take().expect("it is up");
    let mut drawn = contract::Drawn::new(99);
    let mut position = 0;
    for n in 0..30 {
        let batch = Batch { epoch: 1, position: position + 1, time: Millis(n * 1_000), rows: drawn.batch() };
        model.write(&batch);
        if let Written::Done { position: now } = store.write(&batch) {
            position = now;
        }
        let mut copy = place.copy("copied-now").open();
        for key in drawn.keys() {
            assert_eq!(copy.load(&key), model.load(&key), "{key:?}");
        }
    }
    // What was left behind is a good database in every way.
    contract::reads_as_memory(&mut Copied(Place::new("copied-fresh")), 100);
}

#[test]
fn a_torn_log_loses_batches_from_the_end_only_and_whole() {
    let place = Place::new("torn");
    let mut store = place.open();
    store.take().expect("it is up");
    for n in 1..=8 {
        assert_eq!(store.write(&batch(1, n)), Written::Done { position: n });
    }
    let log = place.0.join("duologue.db-wal");
    let length = fs::metadata(&log).expect("a log").len();
    let mut reached = Vec::new();
    for cut in (0..length + 1).step_by(5_003) {
        let copy = place.copy("torn-now");
        File::options().write(true).open(copy.0.join("duologue.db-wal")).expect("a log").set_len(length - cut).expect("cut");
        // Cut into the taking itself, or the schema: then it is as if that had not been.
        let mut store = copy.open();
        reached.push(whole_batches(&mut store, 8));
        let epoch = store.take().expect("it is up").standing.epoch;
        let next = *reached.last().expect("just pushed") + 1;
        assert_eq!(store.write(&batch(epoch, next)), Written::Done { position: next }, "it goes on");
    }
    assert_eq!((reached.first(), reached.last()), (Some(&8), Some(&0)));
    assert!(reached.is_sorted_by(|a, b| a >= b), "{reached:?}");
    // Garbage in the last page is found out by its checksum.
    let copy = place.copy("torn-now");
    let mut bytes = fs::read(copy.0.join("duologue.db-wal")).expect("a log");
    let end = bytes.len() - 100;
    bytes[end] ^= 1;
    fs::write(copy.0.join("duologue.db-wal"), bytes).expect("written");
    assert_eq!(whole_batches(&mut copy.open(), 8), 7);
}

/// The child of the next test, not a test by itself.
#[test]
#[ignore = "run by the test below"]
fn writes_until_it_is_killed() {
    let Some(place) = std::env::var_os("DUOLOGUE_TEST_PLACE") else { return };
    let mut store = Sqlite::open(Path::new(&place)).expect("nobody else has it");
    let Standing { epoch, position, .. } = store.take().expect("it is up").standing;
    for n in position + 1.. {
        assert_eq!(store.write(&batch(epoch, n)), Written::Done { position: n });
        let mut out = std::io::stdout().lock();
        writeln!(out, "told {n}").and_then(|()| out.flush()).expect("somebody listens");
    }
}

#[test]
fn a_killed_process_has_everything_it_told_and_gives_its_lock_back() {
    let place = Place::new("killed");
    let mut told = 0;
    for round in 1..=5 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "writes_until_it_is_killed", "--nocapture"])
            .env("DUOLOGUE_TEST_PLACE", &place.0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut count = 0;
        while count < 4 * round {
            let line = lines.next().expect("it goes on").expect("text");
            if let Some(n) = line.strip_prefix("told ") {
                (told, count) = (n.parse().expect("a number"), count + 1);
            }
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it is dead");
        let mut late = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("told ")?.parse().ok());
        told = late.by_ref().last().unwrap_or(told);
        let mut store = place.open();
        let reached = whole_batches(&mut store, told + 2);
        assert!(reached == told || reached == told + 1, "told {told}, found {reached}");
        assert_eq!(store.standing().expect("it is up").epoch, round);
    }
}

#[test]
fn an_integer_that_does_not_fit_is_refused_and_named() {
    let place = Place::new("wide");
    let mut store = place.open();
    store.take().expect("it is up");
    let row = Row::Session { hash: TokenHash([1; 32]), user: UserId(1), expires: Millis(u64::MAX) };
    let written = store.write(&Batch { epoch: 1, position: 1, time: Millis(1), rows: vec![row] });
    let Written::Refused { why } = written else { panic!("{written:?}") };
    assert!(why.contains("63 bits"), "{why}");
}
