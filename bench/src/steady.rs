//! Steady use: everybody is a minute in the lobby with a window of 20, a minute out of it, and has a call every three minutes.

use crate::Anything;
use crate::realm::{Carriage, Realm, SEED, START, user};
use duologue_bench::signals::{self, Signals};
use duologue_core::kit::random::Purpose;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Event, Reason, SdpKind, ServerMessage};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// In the lobby, and out of it.
const STAY: Span = Span::secs(60);
/// From a person's call to the next, on average.
const BETWEEN_CALLS: Span = Span::secs(180);
/// How long two talk.
const TALK: Span = Span::secs(30);
/// Until all are in their rhythm.
const WARM: Span = Span::secs(180);
/// Two rounds of everything.
const MEASURED: Span = Span::secs(360);

/// What steady use came to, of a user in a minute.
pub struct Use {
    /// Bytes to the client.
    pub bytes: f64,
    /// Calls begun.
    pub calls: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Toggle(u32),
    Ring(u64),
    HangUp(u32),
}

#[derive(Clone, Copy, Default)]
struct Person {
    /// In the lobby.
    there: bool,
    /// Rings, or is in a call.
    busy: bool,
    with: u32,
    call: u64,
}

struct Street {
    realm: Realm,
    signals: Signals,
    people: Vec<Person>,
    plan: BinaryHeap<Reverse<(Millis, Act)>>,
    now: Millis,
    calls: u64,
}

/// Measures so many people.
pub fn measure(people: u32, carriage: Carriage) -> Anything<Use> {
    let mut realm = Realm::new(people, carriage);
    realm.listen();
    let signals = if carriage == Carriage::Binary { signals::compact()? } else { signals::plain()? };
    let mut street =
        Street { realm, signals, people: vec![Person::default(); people as usize + 1], plan: BinaryHeap::new(), now: START, calls: 0 };
    for n in 1..=people {
        street.realm.come(n)?;
        street.plan.push(Reverse((START + Span(STAY.0 * 2 * u64::from(n) / u64::from(people)), Act::Toggle(n))));
    }
    street.plan.push(Reverse((START, Act::Ring(0))));
    street.until(START + WARM)?;
    let (bytes, calls) = (street.realm.sent_bytes(), street.calls);
    street.until(START + WARM + MEASURED)?;
    let of = |count: u64| count as f64 / f64::from(people) / (MEASURED.0 as f64 / 60_000.0);
    // Each call is one of two people.
    Ok(Use { bytes: of(street.realm.sent_bytes() - bytes), calls: of((street.calls - calls) * 2) })
}

impl Street {
    fn until(&mut self, end: Millis) -> Anything<()> {
        while let Some(Reverse((at, act))) = self.plan.pop_if_before(end) {
            self.pass(at)?;
            match act {
                Act::Toggle(n) => self.toggle(n)?,
                Act::Ring(draw) => self.ring(draw)?,
                Act::HangUp(n) => self.realm.say(n, &json!({ "t": "hang_up", "call": self.people[n as usize].call }))?,
            }
            self.react()?;
        }
        self.pass(end)
    }

    fn pass(&mut self, at: Millis) -> Anything<()> {
        self.realm.pass(Span(at.0 - self.now.0))?;
        self.now = at;
        self.react()
    }

    fn toggle(&mut self, n: u32) -> Anything<()> {
        let person = &mut self.people[n as usize];
        person.there = !person.there;
        self.plan.push(Reverse((self.now + STAY, Act::Toggle(n))));
        if self.people[n as usize].there { self.realm.stand(n) } else { self.realm.say(n, &json!({ "t": "leave" })) }
    }

    /// Somebody free rings somebody free; then the next ring is planned.
    fn ring(&mut self, draw: u64) -> Anything<()> {
        let count = self.people.len() as u64 - 1;
        self.plan.push(Reverse((self.now + Span(BETWEEN_CALLS.0 * 2 / count), Act::Ring(draw + 1))));
        let mut free = (0..40).filter_map(|more| {
            let n = (SEED.pick(Purpose::Expose, draw, more) % count) as u32 + 1;
            let person = self.people[n as usize];
            (person.there && !person.busy).then_some(n)
        });
        let Some(ann) = free.next() else { return Ok(()) };
        let Some(bob) = free.find(|bob| *bob != ann) else { return Ok(()) };
        for (one, other) in [(ann, bob), (bob, ann)] {
            self.people[one as usize] = Person { busy: true, with: other, ..self.people[one as usize] };
        }
        self.realm.say(ann, &json!({ "t": "invite", "to": user(bob).to_string(), "seconds": 60 }))
    }

    /// What people do about what they hear.
    fn react(&mut self) -> Anything<()> {
        while let Some((n, heard)) = self.realm.heard() {
            match heard {
                // The two had a call before: they are under its cooldown.
                ServerMessage::No { reason: Reason::Cooldown { .. }, .. } => {
                    let with = self.people[n as usize].with;
                    self.people[n as usize].busy = false;
                    self.people[with as usize].busy = false;
                }
                ServerMessage::No { reason, .. } => return Err(format!("person {n}: {reason:?}").into()),
                ServerMessage::Event { event, .. } => self.hear(n, event)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn hear(&mut self, n: u32, event: Event) -> Anything<()> {
        match event {
            Event::Rang { invite, .. } => self.realm.say(n, &json!({ "t": "accept", "invite": invite.0, "seconds": 60 })),
            Event::CallStarted(started) => {
                self.people[n as usize].call = started.call.0;
                if started.initiator {
                    self.calls += 1;
                    self.plan.push(Reverse((self.now + TALK, Act::HangUp(n))));
                    self.signal(n, "offer")?;
                }
                self.realm.say(n, &json!({ "t": "chat", "call": started.call.0, "text": "Where are you talking from?" }))
            }
            Event::Description(description) if description.kind == SdpKind::Offer => self.signal(n, "answer"),
            Event::CallEnded(_) => {
                self.people[n as usize].busy = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A description and ten candidates.
    fn signal(&mut self, n: u32, kind: &str) -> Anything<()> {
        let call = self.people[n as usize].call;
        let sdp = if kind == "offer" { &self.signals.offer } else { &self.signals.answer };
        self.realm.say(n, &json!({ "t": "description", "call": call, "epoch": 1, "kind": kind, "sdp": sdp }))?;
        let candidates: Vec<_> =
            self.signals.candidates.iter().map(|one| json!({ "candidate": one.candidate, "mid": one.mid, "line": one.line })).collect();
        self.realm.say(n, &json!({ "t": "candidates", "call": call, "epoch": 1, "from": 0, "candidates": candidates }))
    }
}

/// The next that is due before the end.
trait PopBefore {
    fn pop_if_before(&mut self, end: Millis) -> Option<Reverse<(Millis, Act)>>;
}

impl PopBefore for BinaryHeap<Reverse<(Millis, Act)>> {
    fn pop_if_before(&mut self, end: Millis) -> Option<Reverse<(Millis, Act)>> {
        self.peek().is_some_and(|Reverse((at, _))| *at < end).then(|| self.pop()).flatten()
    }
}
