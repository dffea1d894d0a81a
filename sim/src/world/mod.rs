//! The world: a queue of events by time, and what each does. It jumps from one event to the next; nothing ticks. It has no
//! thread, no clock, no hash order: a run is a function of its plan. `carriage` carries what travels on links and to the store,
//! `deeds` what people do, `troubles` what the weather does, `phases` the course of a run; this file owns the queue.

mod carriage;
mod deeds;
mod phases;
mod sdk;
mod troubles;

pub(crate) use phases::Phase;

use crate::checks::Verdict;
use crate::checks::durable::Durable;
use crate::choices::{Choices, Dice, Op, Turn};
use crate::clock::BEGIN;
use crate::failure::Failure;
use crate::marks::Marks;
use crate::net::{Device, Fall, Net, Rise};
use crate::people::answers::Manners;
use crate::people::{Deed, Gossip, Person, Thought, acts};
use crate::plan::{Driver, Plan};
use crate::server::{Around, Leaves, Server, bootstrap};
use crate::store::StoreWeather;
use crate::story::{Story, named};
use duologue_core::input::{Address, Input};
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::RequestId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::row::{PersonRow, Row};
use duologue_core::wire::Totals;
use duologue_store::{Delayed, Fate, Memory};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

/// What happens at an instant.
#[derive(Clone, Debug)]
enum What {
    /// Somebody does something by themselves.
    Act(u32),
    /// Something arrives at a server.
    Arrives(u64, Rise),
    /// A device opens a link.
    Connects(Device),
    /// Something is told to a client.
    Falls(u64, Fall),
    /// A dead server's operation reaches the database after all.
    Ghost(usize, u64),
    /// A request over HTTP reaches a server.
    Http(RequestId, u32, Box<Input>),
    /// A process is killed.
    Killed { node: usize, life: u32, again_ms: Option<u64> },
    /// The run goes on to its next phase.
    Phase(Phase),
    /// A client engine opens a socket.
    SdkOpens(Device, u32),
    /// A client engine's deadline.
    SdkWakes(Device),
    /// A server starts.
    Starts(usize),
    /// An operation is carried out at the database.
    StoreDoes { node: usize, life: u32, number: u64 },
    /// Its answer arrives.
    StoreSays { node: usize, life: u32, number: u64, fate: Fate },
    /// Somebody's thought ripens.
    Thinks(Device, Thought),
    /// A server takes a turn.
    Turn(usize),
    /// The weather changes.
    Weather,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    seq: u64,
    what: What,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (self.at, self.seq) == (other.at, other.seq)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (self.at, self.seq).cmp(&(other.at, other.seq))
    }
}

/// How a run went.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub failure: Option<Failure>,
    pub marks: Marks,
    pub digest: u128,
    pub trail: Vec<u128>,
    pub inputs: u64,
    pub operations: u64,
    pub used: Vec<Op>,
    pub story: Vec<String>,
    pub virtual_ms: u64,
}

/// Everything.
pub(crate) struct World {
    plan: Plan,
    now: u64,
    seq: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    /// Of the entry that happens just now.
    turn: u64,
    choices: Choices,
    weather_count: u32,
    net: Net,
    memory: Memory,
    durable: Durable,
    store_weather: StoreWeather,
    servers: [Option<Server>; 2],
    ghosts: Vec<Delayed>,
    lives: u32,
    ahead_ms: u64,
    /// Which server newcomers reach.
    front: usize,
    people: Vec<Person>,
    gossip: Gossip,
    requests: BTreeMap<RequestId, u32>,
    next_request: u64,
    phase: Phase,
    /// All operations are used up.
    is_spent: bool,
    /// From here on nobody begins anything, so that what still waits is a finding.
    silent_from: u64,
    /// How often the next phase may still wait for the store.
    patience: u32,
    marks: Marks,
    digest: Digest,
    trail: Vec<u128>,
    inputs: u64,
    story: Story,
    leaves: Vec<Leaves>,
}

/// How many events lie between two entries of the trail of digests.
const TRAIL_EVERY: u64 = 4_096;

impl World {
    pub(crate) fn new(plan: &Plan, traced: bool, records: bool) -> World {
        let mut memory = Memory::new();
        let people = (0..plan.people).map(|index| Person::new(plan.seed, index, plan.people, plan.hostile_percent)).collect();
        let mut world = World {
            plan: plan.clone(),
            now: 0,
            seq: 0,
            queue: BinaryHeap::new(),
            turn: 0,
            choices: Choices::new(plan.seed, plan.size, plan.keep.clone(), records),
            weather_count: 0,
            net: Net::new(plan.seed, plan.latency_ms),
            memory: memory.clone(),
            durable: Durable::default(),
            store_weather: StoreWeather::new(plan.seed, plan.store_ms, plan.store_percent),
            servers: [None, None],
            ghosts: Vec::new(),
            lives: 0,
            ahead_ms: 0,
            front: 0,
            people,
            gossip: Gossip::default(),
            requests: BTreeMap::new(),
            next_request: 0,
            phase: Phase::Acting,
            is_spent: false,
            silent_from: u64::MAX,
            patience: 3,
            marks: Marks::default(),
            digest: Digest::default(),
            trail: Vec::new(),
            inputs: 0,
            story: Story::new(traced),
            leaves: Vec::new(),
        };
        let rows = world.first_rows();
        for row in &rows {
            let verdict = world.durable.apply(row, &mut world.marks);
            assert_eq!(verdict, Ok(()), "the first rows hold every law");
        }
        bootstrap(&mut memory, rows, Millis(BEGIN));
        world.begin();
        world
    }

    /// Runs to the end, or to the first failure. `progress` is told the true time now and then.
    pub(crate) fn run(&mut self, progress: &mut dyn FnMut(u64)) -> Verdict {
        let mut events = 0_u64;
        while let Some(Reverse(entry)) = self.queue.pop() {
            self.turn = entry.seq;
            debug_assert!(entry.at >= self.now, "time goes forward");
            self.now = entry.at;
            self.happens(entry.what)?;
            events += 1;
            if events.is_multiple_of(TRAIL_EVERY) {
                self.trail.push(self.digest.finish());
                progress(self.now);
            }
            if self.phase == Phase::Over {
                break;
            }
        }
        Ok(())
    }

    /// What came of it.
    pub(crate) fn outcome(mut self, failure: Option<Failure>) -> Outcome {
        let people = std::mem::take(&mut self.people);
        self.trail.push(self.digest.finish());
        Outcome {
            failure: failure.map(|failure| Failure { what: named(&failure.what, &people), ..failure }),
            digest: self.digest.finish(),
            marks: self.marks,
            trail: self.trail,
            inputs: self.inputs + self.servers.iter().flatten().map(|server| server.inputs).sum::<u64>(),
            operations: self.choices.count(),
            used: self.choices.used().to_vec(),
            story: self.story.into_lines(&people),
            virtual_ms: self.now,
        }
    }

    fn begin(&mut self) {
        self.push(0, What::Starts(0));
        self.push(1, What::Weather);
        for index in 0..self.plan.people {
            let mut dice = Dice::of(self.plan.seed, "begin", u64::from(index), 0);
            let drawn = if dice.percent(80) { dice.upto(self.plan.pause_ms.min(60_000)) } else { dice.upto(self.plan.span_ms / 2) };
            let begin = self.away_until(index).unwrap_or(drawn);
            self.push(2 + begin, What::Act(index));
        }
        self.push(self.plan.span_ms, What::Phase(Phase::Settling));
    }

    fn push(&mut self, at: u64, what: What) {
        self.seq += 1;
        self.queue.push(Reverse(Entry { at: at.max(self.now), seq: self.seq, what }));
    }

    /// What happens just now happens later instead, in its turn: before all that was sent after it.
    fn puts_off(&mut self, at: u64, what: What) {
        self.queue.push(Reverse(Entry { at, seq: self.turn, what }));
    }

    fn happens(&mut self, what: What) -> Verdict {
        match what {
            What::Act(person) => self.acts(person),
            What::Arrives(conn, rise) => self.arrives(conn, rise),
            What::Connects(device) => self.connects(device),
            What::Falls(conn, fall) => self.falls(conn, fall),
            What::Ghost(ghost, number) => self.ghost(ghost, number),
            What::Http(id, person, input) => self.http(id, person, *input),
            What::Killed { node, life, again_ms } => self.killed(node, life, again_ms),
            What::Phase(phase) => self.enters(phase),
            What::SdkOpens(device, link) => self.sdk_opens(device, link),
            What::SdkWakes(device) => self.sdk_wakes(device),
            What::Starts(node) => self.starts(node),
            What::StoreDoes { node, life, number } => self.store_does(node, life, number),
            What::StoreSays { node, life, number, fate } => self.store_says(node, life, number, fate),
            What::Thinks(device, thought) => self.thinks(device, thought),
            What::Turn(node) => self.turn(node),
            What::Weather => self.weather(),
        }
    }

    /// One spontaneous act, and when the next one will be.
    fn acts(&mut self, index: u32) -> Verdict {
        if self.phase != Phase::Acting {
            return Ok(());
        }
        if let Some(back) = self.away_until(index) {
            return self.goes_away(index, back);
        }
        let person = &mut self.people[index as usize];
        let mut pause = Dice::of(self.plan.seed, "pause", u64::from(index), u64::from(person.counter));
        let mut next = self.now + pause.between(1, self.plan.pause_ms * 2);
        match self.choices.operation(index, &mut person.counter) {
            Turn::Over => {
                self.runs_out();
                return Ok(());
            }
            Turn::Skip => {}
            Turn::Do(op, mut dice) => {
                let kind = self.plan.swarm.act(&mut dice);
                self.story.note(self.now, || format!("[{op}] p{index}: {kind}"));
                let deeds = if self.people[index as usize].user.is_none() {
                    self.signs_up(index)
                } else {
                    let seconds = (self.plan.rules.seconds_min, self.plan.rules.seconds_max);
                    acts::act(&mut self.people[index as usize], kind, &mut dice, &self.gossip, seconds, &mut self.marks)
                };
                if let Some(ms) = self.carry_out(index, deeds)? {
                    next = self.now + ms;
                }
            }
        }
        self.push(next, What::Act(index));
        Ok(())
    }

    /// Until when somebody who comes in visits is away, if they are.
    fn away_until(&self, index: u32) -> Option<u64> {
        self.plan.visits?.away_until(self.plan.seed, index, self.plan.span_ms, self.now)
    }

    /// A visit is over; the next one begins with an act.
    fn goes_away(&mut self, index: u32, back: u64) -> Verdict {
        let mut deeds = Vec::new();
        for device in &mut self.people[index as usize].devices {
            device.is_on = false;
            deeds.push(Deed::Close { device: device.index, clean: true });
        }
        if back < self.plan.span_ms {
            self.push(back, What::Act(index));
        }
        self.carry_out(index, deeds).map(drop)
    }

    /// All operations are used up: what has begun goes on for a while, then everything comes to rest.
    fn runs_out(&mut self) {
        if !self.is_spent {
            self.is_spent = true;
            let at = self.now + Span::secs(30).0;
            self.push(at, What::Phase(Phase::Settling));
        }
    }

    fn thinks(&mut self, device: Device, thought: Thought) -> Verdict {
        if self.now >= self.silent_from {
            return Ok(());
        }
        let manners = self.manners();
        let person = &mut self.people[device.person as usize];
        let deeds = crate::people::answers::to_thought(person, device.index, thought, &manners);
        self.carry_out(device.person, deeds).map(drop)
    }

    fn manners(&self) -> Manners {
        let rules = &self.plan.rules;
        Manners {
            ring_ms: rules.ring.0,
            seconds: (rules.seconds_min, rules.seconds_max),
            confirm_ms: rules.pair_confirm.0,
            is_over: self.phase != Phase::Acting,
        }
    }

    fn weather(&mut self) -> Verdict {
        let (Phase::Acting, Some(mean)) = (self.phase, self.plan.swarm.weather_pause_ms) else { return Ok(()) };
        let mut pause = Dice::of(self.plan.seed, "weather pause", u64::from(self.weather_count), 0);
        match self.choices.operation(Op::WEATHER, &mut self.weather_count) {
            Turn::Over => {
                self.runs_out();
                return Ok(());
            }
            Turn::Skip => {}
            Turn::Do(op, mut dice) => {
                let kind = self.plan.swarm.trouble(&mut dice);
                let trouble = crate::net::weather::draw(kind, &mut dice, &self.net, self.now);
                self.story.note(self.now, || format!("[{op}] weather: {trouble:?}"));
                self.begins(trouble)?;
            }
        }
        let next = self.now + pause.between(1, mean * 2);
        self.push(next, What::Weather);
        Ok(())
    }

    /// One turn of a server, and all that leaves it.
    fn turn(&mut self, node: usize) -> Verdict {
        let Some(server) = self.servers[node].as_mut() else { return Ok(()) };
        if server.wakes != Some(self.now) {
            return Ok(());
        }
        if server.stalled_until > self.now {
            let until = server.stalled_until;
            server.wakes = Some(until);
            self.push(until, What::Turn(node));
            return Ok(());
        }
        server.wakes = None;
        self.at_server(node, |server, around| server.turn(around.true_ms, around))?;
        self.digest.number(self.now);
        self.carries_away(node)?;
        self.wakes_again(node);
        Ok(())
    }

    /// Something with a server, if it is there, and all that it may look at.
    fn at_server(&mut self, node: usize, look: impl FnOnce(&mut Server, &mut Around<'_>) -> Verdict) -> Verdict {
        let Some(server) = self.servers[node].as_mut() else { return Ok(()) };
        let mut around = Around {
            plan: &self.plan,
            durable: &self.durable,
            marks: &mut self.marks,
            digest: &mut self.digest,
            leaves: &mut self.leaves,
            story: &mut self.story,
            true_ms: self.now,
        };
        look(server, &mut around)
    }

    /// Plans the next turn: for what has come, else for the next deadline, as this plan's driver does it.
    fn wakes_again(&mut self, node: usize) {
        let (driver, now) = (self.plan.driver, self.now);
        let Some(server) = self.servers[node].as_mut() else { return };
        let due = server.next_due().map(|due| server.clock.when(due, now));
        let wanted = match (driver, server.inbox.is_empty()) {
            (Driver::Punctual | Driver::Lazy(_), false) => Some(now),
            (Driver::Punctual, true) => due,
            (Driver::Lazy(late), true) => due.map(|due| due + late),
            (Driver::Batching(every), false) => Some((now + 1).div_ceil(every) * every),
            (Driver::Batching(every), true) => due.map(|due| due.max(now).div_ceil(every) * every),
        };
        let Some(wanted) = wanted.map(|at| at.max(now).max(server.stalled_until)) else { return };
        if server.wakes.is_none_or(|at| wanted < at) {
            server.wakes = Some(wanted);
            self.push(wanted, What::Turn(node));
        }
    }

    /// The people whom the rows know before anything happens.
    fn first_rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for person in &mut self.people {
            let mut dice = Dice::of(self.plan.seed, "known", u64::from(person.index), 0);
            if !dice.percent(u64::from(self.plan.known_percent)) {
                continue;
            }
            let id = person.id();
            person.user = Some(id);
            Gossip::hear(&mut self.gossip.users, id);
            let gender = (*dice.pick(&["female", "male", "other", ""]).unwrap_or(&"")).into();
            rows.push(Row::Person(Box::new(PersonRow {
                user: id,
                name: person.name(),
                gender,
                selfie: String::new(),
                video: String::new(),
                tags: if dice.percent(30) { vec!["lang:en".into()] } else { Vec::new() },
                created: Millis(BEGIN),
                totals: Totals::default(),
            })));
            let lasts = if dice.percent(3) { dice.span(10_000, 3_600_000) } else { Span::days(30).0 };
            rows.push(Row::Session { hash: person.session(), user: id, expires: Millis(BEGIN + lasts) });
        }
        rows
    }

    /// A new request's number.
    fn request_id(&mut self, person: u32) -> RequestId {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        self.requests.insert(id, person);
        id
    }

    fn address(&self, person: u32) -> Address {
        Address(self.people[person as usize].address)
    }
}
