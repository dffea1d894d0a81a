//! The driver loop in miniature: one server with its gateway, engine and commit, exactly as they are, and an inbox instead of
//! sockets. A turn takes what has come, at one reading of the clock; drains the engine into Commit, Commit into the gateway, the
//! gateway into what leaves; and looks at the laws after each step. What leaves is given to the world.

use crate::checks::durable::Durable;
use crate::checks::shadow::Shadow;
use crate::checks::watch::Watch;
use crate::checks::{Verdict, law, rest};
use crate::clock::Clock;
use crate::failure::{Failure, Kind};
use crate::marks::Marks;
use crate::people::sha256;
use crate::plan::{Driver, Plan};
use crate::story::Story;
use duologue_core::commit::{Commit, Outcome, Standing, Stop, StoreOp};
use duologue_core::engine::{Engine, Start};
use duologue_core::input::Input;
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::{RequestId, Ticket};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::{LinkEvent, Output, Reply};
use duologue_core::row::Row;
use duologue_core::wire::{Closing, Event};
use duologue_gateway::{Config, Gateway, Outward};
use duologue_store::{Completion, Delayed, Memory};
use duologue_transport::{Down, Up};
use std::collections::{BTreeMap, VecDeque};

/// What comes to a server.
#[derive(Clone, Debug)]
pub(crate) enum Inbound {
    Drain,
    Request(Input),
    Stored(Completion),
    Up(Up),
}

/// What leaves it.
#[derive(Clone, Debug)]
pub(crate) enum Leaves {
    /// Its process ends.
    Dies(Stop),
    Down(Down),
    Reply(RequestId, Reply),
    /// An operation is on its way to the store, under this number.
    Stored {
        number: u64,
        is_load: bool,
    },
}

/// What a turn may look at and add to.
pub(crate) struct Around<'a> {
    pub plan: &'a Plan,
    pub durable: &'a Durable,
    pub marks: &'a mut Marks,
    pub digest: &'a mut Digest,
    pub leaves: &'a mut Vec<Leaves>,
    pub story: &'a mut Story,
    pub true_ms: u64,
}

/// One server process.
#[derive(Debug)]
pub(crate) struct Server {
    pub life: u32,
    pub epoch: u32,
    pub clock: Clock,
    pub gateway: Gateway,
    pub engine: Engine,
    pub commit: Commit,
    pub store: Delayed,
    pub watch: Watch,
    pub inbox: VecDeque<Inbound>,
    /// The true time of its next turn.
    pub wakes: Option<u64>,
    pub stalled_until: u64,
    pub dead: bool,
    /// It is killed when it next writes rows, and is down for so long.
    pub dies_in_a_write: Option<u64>,
    pub inputs: u64,
    pub turns: u64,
    pub refused: u64,
    shadow: Option<Shadow>,
    /// Loads that failed, and when.
    failed_loads: BTreeMap<Ticket, Millis>,
    /// When each socket was last heard.
    heard: BTreeMap<u64, Millis>,
    touched: Vec<u64>,
    looks_deep: bool,
}

/// How often one instant may ask for more of itself.
const ROUNDS: u32 = 100;

impl Server {
    /// Takes the realm and starts from its rows.
    pub(crate) fn start(plan: &Plan, memory: &Memory, life: u32, ahead_ms: u64, true_ms: u64) -> Server {
        let mut store = Delayed::new(memory.clone());
        let taken = store.take();
        let standing = taken.standing;
        let mut clock = Clock::new(plan.clock, ahead_ms);
        // Realm time never goes back, whatever this machine's clock shows.
        if let Some(behind) = standing.time.0.checked_sub(clock.read(true_ms).0) {
            clock.jump(behind);
        }
        let now = clock.read(true_ms);
        let engine = |rows: Vec<Row>| {
            Engine::new(plan.limits, plan.rules.clone(), realm_seed(plan.seed), Start { epoch: standing.epoch, rows }, now)
        };
        let gateway = || Gateway::new(gateway_config(plan), u64::from(life) << 32 | 1);
        Server {
            life,
            epoch: standing.epoch,
            clock,
            gateway: gateway(),
            watch: Watch::new(&plan.rules, plan.limits, standing.epoch, &taken.rows, now),
            shadow: plan.shadow.then(|| Shadow::new(engine(taken.rows.clone()), gateway())),
            engine: engine(taken.rows),
            commit: Commit::new(plan.commit, standing),
            store,
            inbox: VecDeque::new(),
            wakes: None,
            stalled_until: 0,
            dead: false,
            dies_in_a_write: None,
            inputs: 0,
            turns: 0,
            refused: 0,
            failed_loads: BTreeMap::new(),
            heard: BTreeMap::new(),
            touched: Vec::new(),
            looks_deep: false,
        }
    }

    /// Everything that has come, then every deadline; at one instant.
    pub(crate) fn turn(&mut self, true_ms: u64, around: &mut Around<'_>) -> Verdict {
        let now = self.clock.read(true_ms);
        self.turns += 1;
        self.looks_deep = around.plan.laws && self.turns.is_multiple_of(around.plan.deep_every);
        while let Some(inbound) = self.inbox.pop_front() {
            match inbound {
                Inbound::Drain => self.drain(now, around)?,
                Inbound::Request(input) => self.offer(now, &input, around)?,
                Inbound::Stored(completion) => self.stored(now, completion, around)?,
                Inbound::Up(up) => {
                    if around.plan.shadow {
                        self.note_life(now, &up);
                    }
                    let given = self.shadow.is_some().then(|| Given::Up(up.clone()));
                    self.gateway.handle_transport(now, up);
                    self.drain_gateway(now, around, given.as_ref())?;
                }
            }
            self.settle(now, around)?;
            if self.dead {
                return Ok(());
            }
        }
        if !matches!(around.plan.driver, Driver::Lazy(_)) || self.next_due().is_some_and(|due| due <= now) {
            self.deadlines(now, around)?;
        }
        if around.plan.shadow && self.inbox.is_empty() {
            self.only_life_counts(now, around)?;
        }
        if self.looks_deep {
            self.look_deep(now, around)?;
        }
        Ok(())
    }

    /// When it wants its next turn, by its own clock.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        let engine = self.engine.poll_timeout().map(|due| due.at);
        [engine, self.gateway.poll_timeout(), self.commit.poll_timeout()].into_iter().flatten().min()
    }

    /// Links whose socket has room for more than it was given: said once a turn.
    pub(crate) fn take_touched(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.touched)
    }

    fn deadlines(&mut self, now: Millis, around: &mut Around<'_>) -> Verdict {
        // What is released may be news to the gateway, which tells the engine, which wants something at once.
        for _ in 0..ROUNDS {
            self.gateway.handle_timeout(now);
            self.drain_gateway(now, around, None)?;
            self.watch.timeout(now);
            self.engine.handle_timeout(now);
            self.drain_engine(now, around)?;
            self.commit.handle_timeout(now);
            self.settle(now, around)?;
            if self.dead || self.next_due().is_none_or(|due| due > now) {
                break;
            }
        }
        if around.plan.laws && !self.dead {
            self.watch.after(around.marks)?;
            self.watch.progress(&self.engine, around.marks)?;
            self.failed_loads_are_asked_again(now, around)?;
            let due = self.gateway.poll_timeout().into_iter().chain(self.commit.poll_timeout()).min();
            if due.is_some_and(|due| due <= now) {
                return Err(Failure::liveness(
                    "law: progress",
                    format!("drained at {now:?}, and gateway or commit are still due at {due:?}"),
                ));
            }
        }
        Ok(())
    }

    /// Commit asks again for what the store did not give, whatever the engine thinks of it meanwhile.
    fn failed_loads_are_asked_again(&self, now: Millis, around: &mut Around<'_>) -> Verdict {
        let within = Span(around.plan.commit.retry_most.0 * 2);
        let late = self.failed_loads.iter().find(|(_, failed)| now.since(**failed) > within);
        around.marks.hit("law: failed loads are asked again", self.failed_loads.len() as u64);
        late.map_or(Ok(()), |(ticket, failed)| {
            let what = format!("the load {ticket:?} failed at {failed:?}, it is {now:?}, and it was not asked again");
            Err(Failure::liveness("law: failed loads are asked again", what))
        })
    }

    fn stored(&mut self, now: Millis, completion: Completion, around: &mut Around<'_>) -> Verdict {
        match completion {
            Completion::LoadFailed { ticket, key, .. } => {
                self.failed_loads.entry(ticket).or_insert(now);
                self.commit.handle_load_failed(now, ticket, key);
            }
            Completion::Loaded { ticket, rows } => self.offer(now, &Input::Loaded { ticket, rows }, around)?,
            Completion::Pruned(_) | Completion::Taken(_) => {
                return Err(Failure { kind: Kind::Own, law: "the simulator", what: "a start takes at once, and nothing is pruned".into() });
            }
            Completion::Standing(standing) => self.commit.handle_standing(now, standing),
            Completion::Written(written) => self.commit.handle_written(now, written),
        }
        Ok(())
    }

    /// Gives the engine an input; refused, it drains and offers it again.
    fn offer(&mut self, now: Millis, input: &Input, around: &mut Around<'_>) -> Verdict {
        self.inputs += 1;
        if !matches!(input, Input::Command { .. } | Input::Request { .. } | Input::Loaded { .. }) {
            around.story.note(around.true_ms, || format!("engine is given {input:?}"));
        }
        if around.plan.laws {
            self.watch.input(now, input);
        }
        let mut tries = 0;
        while self.engine.handle_input(now, input).is_err() {
            self.refused += 1;
            let mut drained = 0;
            while let Some(output) = self.engine.poll_output() {
                drained += 1;
                self.said(now, output, around)?;
            }
            tries += 1;
            if tries > 1_000 || drained == 0 {
                return Err(Failure::liveness("law: progress", format!("{input:?} is refused by a drained engine")));
            }
        }
        self.drain_engine(now, around)?;
        if let Some(shadow) = &mut self.shadow {
            shadow.input(now, input, &self.engine, around.marks)?;
        }
        if around.plan.laws {
            self.watch.after(around.marks)?;
        }
        Ok(())
    }

    fn drain_engine(&mut self, now: Millis, around: &mut Around<'_>) -> Verdict {
        while let Some(output) = self.engine.poll_output() {
            self.said(now, output, around)?;
        }
        Ok(())
    }

    fn said(&mut self, now: Millis, output: Output, around: &mut Around<'_>) -> Verdict {
        if let Some(shadow) = &mut self.shadow {
            shadow.said(&output);
        }
        if matches!(output, Output::Forget { .. } | Output::Event { event: LinkEvent::Welcomed { .. } | LinkEvent::Closing { .. }, .. }) {
            around.story.note(around.true_ms, || format!("engine says {}", crate::story::of_a_link(&output)));
        }
        if around.plan.laws {
            self.watch.output(&output, around.durable, around.marks)?;
        }
        self.commit.handle_output(now, output);
        Ok(())
    }

    /// Until nothing moves any more.
    fn settle(&mut self, now: Millis, around: &mut Around<'_>) -> Verdict {
        while let Some(outcome) = self.commit.poll_output() {
            match outcome {
                Outcome::Engine(input) => self.offer(now, &input, around)?,
                Outcome::Release(output) => self.released(now, output, around)?,
                Outcome::Stop(stop) => {
                    self.dead = true;
                    around.leaves.push(Leaves::Dies(stop));
                    return Ok(());
                }
                Outcome::Store(op) => {
                    let is_load = matches!(op, StoreOp::Load { .. });
                    if let StoreOp::Load { ticket, .. } = &op {
                        self.failed_loads.remove(ticket);
                    }
                    let number = self.store.submit(op);
                    around.leaves.push(Leaves::Stored { number, is_load });
                }
            }
        }
        Ok(())
    }

    fn released(&mut self, now: Millis, output: Output, around: &mut Around<'_>) -> Verdict {
        if around.plan.laws {
            self.is_durable(&output, around)?;
        }
        if let Output::Reply { to, reply, .. } = output {
            around.leaves.push(Leaves::Reply(to, reply));
            return Ok(());
        }
        let given = self.shadow.is_some().then(|| Given::Released(output.clone()));
        self.gateway.handle_released(now, output);
        self.drain_gateway(now, around, given.as_ref())
    }

    /// Told is durable: what is released rests on rows that are written.
    fn is_durable(&mut self, output: &Output, around: &mut Around<'_>) -> Verdict {
        let (durable, keeps, marks) = (around.durable, around.plan.rules.chat_keep, &mut *around.marks);
        match output {
            Output::Reply { reply, .. } => durable.reply(reply, marks),
            Output::Event { to, event, .. } => {
                let Some(seen) = self.watch.link(*to) else { return Ok(()) };
                match event {
                    LinkEvent::Numbered(event) => {
                        if let Event::InviteEnded { invite, cooldown_until: Some(until), .. } = event
                            && let Some(pair) = self.watch.pair_of(*invite)
                        {
                            durable.cooled(pair, *until, marks)?;
                        }
                        durable.event(seen.user, event, keeps, marks)
                    }
                    LinkEvent::Answered { number, answer: Ok(done) } => {
                        let client = self.watch.released_ok(*to, *number);
                        durable.done(seen.user, client, *number, done, keeps, marks)
                    }
                    LinkEvent::Answered { .. } | LinkEvent::Closing { .. } | LinkEvent::Welcomed { .. } => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn drain_gateway(&mut self, now: Millis, around: &mut Around<'_>, given: Option<&Given>) -> Verdict {
        let mut inputs = Vec::new();
        while let Some(outward) = self.gateway.poll_output() {
            if let Some(shadow) = &mut self.shadow {
                shadow.went_out(&outward);
            }
            match outward {
                Outward::Down(down) => self.down(down, around),
                Outward::Engine(input) => inputs.push(input),
            }
        }
        if let Some(shadow) = &mut self.shadow {
            match given {
                None => {}
                Some(Given::Up(up)) => shadow.transport(now, up, &self.gateway, around.marks)?,
                Some(Given::Released(output)) => shadow.released(now, output, &self.gateway, around.marks)?,
                Some(Given::CloseAll) => shadow.close_all(now, &self.gateway, around.marks)?,
            }
        }
        for input in inputs {
            self.offer(now, &input, around)?;
        }
        Ok(())
    }

    fn down(&mut self, down: Down, around: &mut Around<'_>) {
        match &down {
            Down::Send { conn, bytes } => {
                around.digest.number(conn.0).bytes(bytes);
                if self.touched.last() != Some(&conn.0) {
                    self.touched.push(conn.0);
                }
            }
            Down::Close { conn, code, .. } => {
                self.heard.remove(&conn.0);
                around.digest.number(conn.0).number((*code).into());
            }
            Down::Ping { conn } => drop(around.digest.number(conn.0)),
        }
        around.leaves.push(Leaves::Down(down));
    }

    /// CON 6: only what comes from the client counts as life.
    fn note_life(&mut self, now: Millis, up: &Up) {
        match up {
            Up::Heard { conn } | Up::Message { conn, .. } => drop(self.heard.entry(conn.0).and_modify(|at| *at = now)),
            Up::Opened { conn, .. } => drop(self.heard.insert(conn.0, now)),
            Up::Closed { conn, .. } => drop(self.heard.remove(&conn.0)),
            Up::Writable { .. } | Up::WrongFrame { .. } => {}
        }
    }

    fn only_life_counts(&self, now: Millis, around: &mut Around<'_>) -> Verdict {
        let most = around.plan.gateway.dead.max(around.plan.gateway.hello);
        for (conn, heard) in &self.heard {
            law(around.marks, "law: only life keeps a link", now.since(*heard) <= most, || {
                format!("link {conn} was last heard at {heard:?}, it is {now:?}, and it is still open")
            })?;
        }
        Ok(())
    }

    /// SIGTERM: everybody is told, nothing new is let in.
    fn drain(&mut self, now: Millis, around: &mut Around<'_>) -> Verdict {
        self.offer(now, &Input::Drain { end_calls: false }, around)?;
        self.gateway.close_all(now, Closing::GoingAway);
        self.drain_gateway(now, around, Some(&Given::CloseAll))
    }

    /// Laws that cost a walk through everything.
    pub(crate) fn look_deep(&mut self, now: Millis, around: &mut Around<'_>) -> Verdict {
        self.gateway.check();
        self.engine.check();
        self.watch.bounds(&self.engine.usage(), around.marks)?;
        self.watch.windows.settled(now, around.durable, around.marks)?;
        around.durable.totals(&around.plan.rules, around.marks)?;
        if self.commit.backlog() == 0 {
            self.durable_digest(now, around)?;
        }
        Ok(())
    }

    /// The rows are the state: an engine loaded from them has the durable digest of the running one.
    fn durable_digest(&mut self, now: Millis, around: &mut Around<'_>) -> Verdict {
        let mut copy = Memory::fork(self.store.memory());
        let standing = duologue_store::Store::standing(&mut copy).unwrap_or_default();
        if standing.epoch != self.epoch {
            return Ok(());
        }
        let rows = duologue_store::Store::take(&mut copy).map(|taken| taken.rows).unwrap_or_default();
        let start = Start { epoch: self.epoch, rows };
        let loaded = Engine::new(around.plan.limits, around.plan.rules.clone(), realm_seed(around.plan.seed), start, now);
        law(around.marks, "law: durable digest", loaded.durable_digest() == self.engine.durable_digest(), || {
            "an engine loaded from the rows is another than the running one".into()
        })
    }

    /// In the quiet at the end: nothing may wait.
    pub(crate) fn is_quiet(&self, marks: &mut Marks) -> Verdict {
        let (engine, gateway) = (self.engine.usage(), self.gateway.usage());
        rest::nothing_waits(&self.watch.waits(), self.commit.backlog(), engine.parked, gateway.attaching, marks)
    }

    /// When everybody has left.
    pub(crate) fn is_empty(&self, marks: &mut Marks) -> Verdict {
        rest::empty(&self.engine.usage(), &self.gateway.usage(), self.commit.backlog(), marks)
    }
}

/// What the gateway was given, to give it to its shadow too.
enum Given {
    CloseAll,
    Released(Output),
    Up(Up),
}

fn realm_seed(seed: u64) -> Seed {
    let mut dice = crate::choices::Dice::of(seed, "realm", 0, 0);
    Seed([dice.word(), dice.word(), dice.word(), dice.word()])
}

fn gateway_config(plan: &Plan) -> Config {
    let drawn = &plan.gateway;
    Config {
        hello: drawn.hello,
        ping: drawn.ping,
        dead: drawn.dead,
        grace: plan.rules.grace,
        replay_messages: drawn.replay_messages,
        replay_bytes: drawn.replay_bytes,
        out_bytes: drawn.out_bytes,
        total_bytes: drawn.total_bytes,
        waiting_max: drawn.waiting_max,
        commands: drawn.commands,
        relay: drawn.relay,
        ..Config::new(sha256)
    }
}

/// Where the rows of a realm stand before the first server: the people who were known before.
pub(crate) fn bootstrap(memory: &mut Memory, rows: Vec<Row>, time: Millis) -> Standing {
    let taken = duologue_store::Store::take(memory).unwrap_or_else(|_| unreachable!("memory is never down"));
    let batch = duologue_core::commit::Batch { epoch: taken.standing.epoch, position: taken.standing.position + 1, time, rows };
    let written = duologue_store::Store::write(memory, &batch);
    assert!(matches!(written, duologue_core::commit::Written::Done { .. }), "the first rows are written: {written:?}");
    Standing { time, ..taken.standing }
}

/// The longest that anything may last after everybody has left, or until everybody is back.
pub(crate) fn settling_ms(plan: &Plan) -> u64 {
    let rules = &plan.rules;
    let spans =
        [rules.grace, rules.recovery, rules.ring_max, rules.ticket_sleep, rules.pair_confirm, plan.gateway.dead, plan.gateway.hello];
    spans.iter().map(|span| span.0).max().unwrap_or(0) * 2 + Span::mins(2).0
}
