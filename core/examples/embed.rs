//! The core in a program of one's own: two guests, a ring, a call that ends by the clock. No socket, no thread, no real time; the
//! "store" is a vector. What a server does beside this loop is carrying bytes (`duologue-gateway`) and writing rows for good
//! (`duologue-store`).
//!
//!     cargo run -p duologue-core --example embed

use duologue_core::commit::{Commit, Config, Outcome, Standing, StoreOp, Written};
use duologue_core::engine::{Engine, Start};
use duologue_core::input::{Address, Attach, Input, Intents, Request};
use duologue_core::kit::ids::{LinkId, RequestId, TokenHash, UserId};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::{LinkEvent, Output};
use duologue_core::row::Row;
use duologue_core::rules::Rules;
use duologue_core::wire::{Command, Done, Event};

/// An engine with its commit: everything that a realm is.
struct Realm {
    now: Millis,
    engine: Engine,
    commit: Commit,
    rows: Vec<Row>,
}

impl Realm {
    fn new() -> Realm {
        let (now, standing) = (Millis(1_764_115_200_000), Standing { epoch: 1, ..Standing::default() });
        let start = Start { epoch: standing.epoch, rows: Vec::new() };
        let engine = Engine::new(Limits::default(), Rules::default(), Seed([1, 2, 3, 4]), start, now);
        Realm { now, engine, commit: Commit::new(Config::default(), standing), rows: Vec::new() }
    }

    /// Gives the engine an input; what may be said comes back.
    fn offer(&mut self, input: Input) -> Vec<Output> {
        self.engine.handle_input(self.now, &input).expect("there is room, for it is drained after each");
        self.drain()
    }

    /// Sleeps until the next deadline, and runs it.
    fn sleep(&mut self) -> Vec<Output> {
        self.now = self.engine.poll_timeout().expect("a call has its end").at;
        self.engine.handle_timeout(self.now);
        self.drain()
    }

    /// The heart of every driver: the engine is drained into Commit, and Commit says what to write and what may leave.
    fn drain(&mut self) -> Vec<Output> {
        let mut released = Vec::new();
        loop {
            while let Some(output) = self.engine.poll_output() {
                self.commit.handle_output(self.now, output);
            }
            match self.commit.poll_output() {
                Some(Outcome::Release(output)) => released.push(output),
                Some(Outcome::Store(StoreOp::Write(batch))) => {
                    self.rows.extend(batch.rows);
                    self.commit.handle_written(self.now, Written::Done { position: batch.position });
                }
                Some(other) => unreachable!("not in this story: {other:?}"),
                None => return released,
            }
        }
    }

    /// A guest with a connection in the lobby.
    fn arrives(&mut self, number: u64, name: &str) -> (UserId, LinkId) {
        // Ids and tokens are random in earnest; the core is given only a token's SHA-256.
        let (user, session, link) = (UserId(u128::from(number)), TokenHash([number as u8; 32]), LinkId(number));
        let request = Request::Guest { user, session, name: name.into(), gender: None };
        self.offer(Input::Request { id: RequestId(number), who: None, address: Address::default(), request });
        let (takes, client, address, intents) = (None, None, Address::default(), Intents::default());
        self.offer(Input::Attached(Attach { link, takes, session, client, address, exclusive: false, intents }));
        self.says(link, 1, Command::Join { lobby: None });
        (user, link)
    }

    fn says(&mut self, link: LinkId, number: u64, command: Command) -> Vec<Output> {
        self.offer(Input::Command { link, number, command: Ok(command) })
    }
}

fn main() {
    let mut realm = Realm::new();
    let (_, ann) = realm.arrives(1, "Ann");
    let (bob, bobs) = realm.arrives(2, "Bob");

    let said = realm.says(ann, 2, Command::Invite { to: bob, seconds: 300 });
    let invite = said.iter().find_map(|output| match output {
        Output::Event { event: LinkEvent::Answered { answer: Ok(Done::Invited { invite, .. }), .. }, .. } => Some(*invite),
        _ => None,
    });
    realm.says(bobs, 2, Command::Accept { invite: invite.expect("it rings"), seconds: 120 });

    let began = realm.now;
    let ended = loop {
        let ended = realm.sleep().into_iter().find_map(|output| match output {
            Output::Event { event: LinkEvent::Numbered(Event::CallEnded(ended)), .. } => Some(ended),
            _ => None,
        });
        if let Some(ended) = ended {
            break ended;
        }
    };
    assert_eq!(realm.now.since(began), Span::secs((300 + 120) / 2));
    println!("They talked for {} seconds ({}), and {} rows are kept of it.", ended.seconds, ended.why.code(), realm.rows.len());
}
