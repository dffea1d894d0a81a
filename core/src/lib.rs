//! The rules of Duologue as deterministic state machines: no socket, no clock, no thread, no randomness.
//!
//! People come online, see others who are free, ask one of them for a call of some minutes, and talk until the clock ends it. Who may
//! do what, and what follows, stands in `docs/rules.md` by numbers (`INV 4`, `CALL 7`); these numbers stand at everything here that
//! keeps them. This crate decides; it carries nothing. Two values do it:
//!
//! ```text
//!             ┌───────────┐ Output: facts, then events ┌───────────┐ Outcome::Store: rows to write, rows to load
//!   Input ──▶ │  Engine   │ ─────────────────────────▶ │  Commit   │ ─────────────────────────────────────────▶ your store
//!  (and now)  │ the rules │                            │ the order │ Outcome::Release: what may leave now
//!             └───────────┘                            └───────────┘ ─────────────────────────────────────────▶ your people
//! ```
//!
//! An [`Engine`](engine::Engine) is one realm: everybody who can meet. [`Commit`](commit::Commit) lets nothing leave before what it
//! rests on is durable. Both have `handle_…(now, …)`, `poll_output()` and `poll_timeout()`, and no callback. What drives them is a
//! loop, and this is a whole one; its store keeps rows in a vector and is never asked for any:
//!
//! ```
//! use duologue_core::commit::{Commit, Config, Outcome, Standing, StoreOp, Written};
//! use duologue_core::engine::{Engine, Start};
//! use duologue_core::input::{Address, Attach, Input, Intents, Request};
//! use duologue_core::kit::{ids::{LinkId, RequestId, TokenHash, UserId}, random::Seed, time::{Millis, Span}};
//! use duologue_core::output::{LinkEvent, Output};
//! use duologue_core::wire::{Command, Done, Event};
//! use duologue_core::{limits::Limits, row::Row, rules::Rules};
//!
//! struct Realm { now: Millis, engine: Engine, commit: Commit, rows: Vec<Row> }
//!
//! impl Realm {
//!     /// Hands the engine an input; what may be said comes back.
//!     fn offer(&mut self, input: Input) -> Vec<Output> {
//!         self.engine.handle_input(self.now, &input).expect("there is room, for it is drained after each");
//!         self.drain()
//!     }
//!
//!     /// Sleeps until the next deadline, and runs it.
//!     fn sleep(&mut self) -> Vec<Output> {
//!         self.now = self.engine.poll_timeout().expect("a call has its end").at;
//!         self.engine.handle_timeout(self.now);
//!         self.drain()
//!     }
//!
//!     fn drain(&mut self) -> Vec<Output> {
//!         let mut released = Vec::new();
//!         loop {
//!             while let Some(output) = self.engine.poll_output() {
//!                 self.commit.handle_output(self.now, output);
//!             }
//!             match self.commit.poll_output() {
//!                 Some(Outcome::Release(output)) => released.push(output),
//!                 Some(Outcome::Store(StoreOp::Write(batch))) => {
//!                     self.rows.extend(batch.rows); // In earnest one transaction, and a while.
//!                     self.commit.handle_written(self.now, Written::Done { position: batch.position });
//!                 }
//!                 Some(other) => unreachable!("not in this story: {other:?}"),
//!                 None => return released,
//!             }
//!         }
//!     }
//!
//!     /// A guest with a connection, in the lobby. Ids and tokens are random in earnest, and made by the driver.
//!     fn arrives(&mut self, number: u64, name: &str) -> (UserId, LinkId) {
//!         let (user, session, link) = (UserId(number.into()), TokenHash([number as u8; 32]), LinkId(number));
//!         let request = Request::Guest { user, session, name: name.into(), gender: None };
//!         self.offer(Input::Request { id: RequestId(number), who: None, address: Address::default(), request });
//!         let (takes, client, address, intents) = (None, None, Address::default(), Intents::default());
//!         self.offer(Input::Attached(Attach { link, takes, session, client, address, exclusive: false, intents }));
//!         self.says(link, 1, Command::Join { lobby: None });
//!         (user, link)
//!     }
//!
//!     fn says(&mut self, link: LinkId, number: u64, command: Command) -> Vec<Output> {
//!         self.offer(Input::Command { link, number, command: Ok(command) })
//!     }
//! }
//!
//! let (now, standing) = (Millis(1_764_115_200_000), Standing { epoch: 1, ..Standing::default() });
//! let start = Start { epoch: standing.epoch, rows: Vec::new() };
//! let engine = Engine::new(Limits::default(), Rules::default(), Seed([1, 2, 3, 4]), start, now);
//! let mut realm = Realm { now, engine, commit: Commit::new(Config::default(), standing), rows: Vec::new() };
//! let (_, ann) = realm.arrives(1, "Ann");
//! let (bob, bobs) = realm.arrives(2, "Bob");
//!
//! // INV 1, 5: she asks for five minutes, he has two.
//! let said = realm.says(ann, 2, Command::Invite { to: bob, seconds: 300 });
//! let invite = said.iter().find_map(|output| match output {
//!     Output::Event { event: LinkEvent::Answered { answer: Ok(Done::Invited { invite, .. }), .. }, .. } => Some(*invite),
//!     _ => None,
//! });
//! realm.says(bobs, 2, Command::Accept { invite: invite.expect("it rings"), seconds: 120 });
//!
//! // CALL 1: it ends by the clock, and the clock is ours.
//! let began = realm.now;
//! let ended = loop {
//!     let ended = realm.sleep().into_iter().find_map(|output| match output {
//!         Output::Event { event: LinkEvent::Numbered(Event::CallEnded(ended)), .. } => Some(ended),
//!         _ => None,
//!     });
//!     if let Some(ended) = ended { break ended }
//! };
//! assert_eq!((realm.now.since(began), ended.seconds), (Span::secs((300 + 120) / 2), 210));
//! assert!(realm.rows.iter().any(|row| matches!(row, Row::Cooldown { .. })), "CALL 7: they do not meet again today");
//! ```
//!
//! # In which order to read
//!
//! 1. [`input`] and [`output`]: everything that can happen, everything that is said. Both are values.
//! 2. [`engine`]: the methods, and what they promise about time and room. [`commit`]: what it does with a store that is slow, full or
//!    gone, and when it says that the process must end.
//! 3. [`wire`]: what people send and hear; [`wire::json`] and [`wire::binary`] are its two forms.
//! 4. [`row`]: everything durable. A realm that starts is made of these and of nothing else.
//! 5. [`rules`]: every number of policy, [`limits`]: every capacity. [`kit`]: ids, time, the seed.
//!
//! Who has sockets goes on with `duologue_gateway`, which turns bytes into inputs and outputs into bytes; who keeps rows, with
//! `duologue_store`. `gateway/examples/embed.rs` is all of them in one thread.
//!
//! # What it promises
//!
//! 1. **Pure.** The state depends on limits, rules, seed, rows, and the sequence of (time, input): on nothing else, on every platform.
//! 2. **Late or early does not matter.** An input first runs every deadline up to and at its instant, each at its own, in order.
//! 3. **Refused before it began.** [`Refused`](output::Refused) is for want of room, and then the input has had no effect.
//! 4. **Bounded.** Every collection has its most, in [`limits`] or in the rules; reaching it is an answer, never growth.
//! 5. **Progress.** After `handle_timeout(now)` and a full drain, `poll_timeout() > now`; while an output waits it is the present.
//! 6. **Time only goes on.** An earlier `now` is taken as the latest one, and counted ([`engine::Usage::clamped`]).
//! 7. **Idle is free.** Polls with nothing to do cost the same, however many people there are.
//! 8. **No panic from outside.** Whatever is said, in whatever order, gets an answer. A panic is a fault of ours, or a promise broken
//!    by a driver, which is named at the method.
//!
//! # What a driver owes
//!
//! One clock, read once a turn, that never goes back ([`Millis`](kit::time::Millis)). Randomness: a [`Seed`](kit::random::Seed) for a
//! realm, ids of people, tokens, of which only the SHA-256 comes in. A store that writes a batch whole or not at all, and refuses
//! one whose epoch or position is not the next. And to drain: outputs in their order, the engine whole before Commit is polled.
#![no_std]

extern crate alloc;

mod check;
pub mod commit;
mod desk;
mod due;
pub mod engine;
mod flows;
pub mod input;
pub mod kit;
pub mod limits;
pub mod output;
mod parts;
pub mod row;
pub mod rules;
pub mod wire;
