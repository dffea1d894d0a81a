//! The desk: where a flow puts what leaves the core. What one input or deadline (a turn) says is collected here and given out at
//! its end, facts before events; each event is told which fact it has to wait for. Parts hold what stays, the desk what leaves:
//! the two borrows never meet.

use crate::due::Due;
use crate::input::Level;
use crate::kit::ids::{LinkId, RequestId};
use crate::kit::random::Seed;
use crate::kit::time::{Millis, Span};
use crate::kit::timers::Timers;
use crate::limits::Limits;
use crate::output::{FactNo, LinkEvent, Output, Reply, WindowView};
use crate::parts::Slot;
use crate::parts::links::Links;
use crate::row::Row;
use crate::rules::Rules;
use crate::wire::{Answer, Closing, Event, Reason};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// When it is worth trying again while the store is down.
const STORE_RETRY: Span = Span::secs(2);

/// What leaves the core, and what every flow needs to know.
#[derive(Debug)]
pub struct Desk {
    pub now: Millis,
    pub rules: Rules,
    pub limits: Limits,
    pub seed: Seed,
    pub timers: Timers<Due>,
    pub is_store_up: bool,
    pub is_draining: bool,
    /// As it was judged last.
    pub memory: Level,
    /// MEM 3: critical even after a sweep; newcomers are refused.
    pub is_crowded: bool,
    epoch: u32,
    next_id: u64,
    facts: FactNo,
    out: VecDeque<Output>,
    turn_facts: Vec<Row>,
    turn_said: Vec<Output>,
    touched: Vec<Slot>,
    remarked: Vec<(Slot, Slot)>,
    redrawn: Vec<Slot>,
}

impl Desk {
    pub fn new(limits: Limits, rules: Rules, seed: Seed, epoch: u32, now: Millis) -> Desk {
        assert!(epoch > 0 && epoch < 1 << 21, "ids stay below 2^53");
        Desk {
            now,
            rules,
            limits,
            seed,
            timers: Timers::default(),
            is_store_up: true,
            is_draining: false,
            memory: Level::Ok,
            is_crowded: false,
            epoch,
            next_id: 0,
            facts: FactNo(0),
            out: VecDeque::new(),
            turn_facts: Vec::new(),
            turn_said: Vec::new(),
            touched: Vec::new(),
            remarked: Vec::new(),
            redrawn: Vec::new(),
        }
    }

    /// A number never given before, also over restarts: epoch · 2^32 + n.
    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        assert!(self.next_id < 1 << 32, "an epoch has 2^32 ids");
        u64::from(self.epoch) << 32 | self.next_id
    }

    /// Whether a fact may be recorded now.
    ///
    /// # Errors
    /// `Unavailable` – the store is down (MEM 4): nothing is changed.
    pub fn may_record(&self) -> Result<(), Reason> {
        if self.is_store_up { Ok(()) } else { Err(Reason::Unavailable { retry_after: STORE_RETRY }) }
    }

    /// A row that must be durable before anything said in this turn leaves.
    pub fn record(&mut self, row: Row) {
        self.turn_facts.push(row);
    }

    /// The facts that this turn has recorded.
    pub fn turn_facts(&self) -> impl Iterator<Item = &Row> {
        self.turn_facts.iter()
    }

    /// The number of the last of them.
    pub fn last_fact(&self) -> Option<FactNo> {
        let count = self.turn_facts.len() as u64;
        (count > 0).then_some(FactNo(self.facts.0 + count))
    }

    /// How many facts this turn has recorded.
    pub fn recorded(&self) -> usize {
        self.turn_facts.len()
    }

    fn say(&mut self, to: LinkId, event: LinkEvent) {
        self.turn_said.push(Output::Event { to, after: FactNo(0), event });
    }

    /// Tells one connection.
    pub fn tell_link(&mut self, to: LinkId, event: Event) {
        self.say(to, LinkEvent::Numbered(event));
    }

    /// Tells every connection that the user has at this instant, lost ones too.
    pub fn tell(&mut self, links: &Links, user: Slot, event: &Event) {
        self.tell_others(links, user, None, event);
    }

    /// Tells every connection of the user but one.
    pub fn tell_others(&mut self, links: &Links, user: Slot, but: Option<LinkId>, event: &Event) {
        for link in links.of(user) {
            if Some(*link) != but {
                self.say(*link, LinkEvent::Numbered(event.clone()));
            }
        }
    }

    pub fn close(&mut self, to: LinkId, closing: Closing, retry_after: Option<Span>) {
        self.say(to, LinkEvent::Closing { closing, retry_after });
    }

    pub fn forget(&mut self, link: LinkId) {
        self.turn_said.push(Output::Forget { link });
    }

    /// Answers a request, when a fact that it rests on is durable.
    pub fn reply(&mut self, to: RequestId, after: FactNo, reply: Reply) {
        self.turn_said.push(Output::Reply { to, after, reply });
    }

    pub fn view(&mut self, to: LinkId, view: WindowView) {
        self.turn_said.push(Output::View { to, view });
    }

    /// Anything else, in order.
    pub fn put(&mut self, output: Output) {
        self.turn_said.push(output);
    }

    /// Where the next thing said will stand: the place of an answer that must precede what its flow tells.
    pub fn mark(&self) -> usize {
        self.turn_said.len()
    }

    /// Puts something at a place kept by `mark`.
    pub fn insert_at(&mut self, mark: usize, output: Output) {
        self.turn_said.insert(mark, output);
    }

    /// The answer to a command, at its place.
    pub fn answer_at(&mut self, mark: usize, to: LinkId, number: u64, answer: Answer) {
        self.insert_at(mark, Output::Event { to, after: FactNo(0), event: LinkEvent::Answered { number, answer } });
    }

    /// An answer given before: its facts may still be on their way.
    pub fn answer_again(&mut self, to: LinkId, number: u64, answer: Answer) {
        let after = FactNo(self.facts.0 + self.turn_facts.len() as u64);
        self.turn_said.push(Output::Event { to, after, event: LinkEvent::Answered { number, answer } });
    }

    /// `user` may have become available or not: `flows::visible::settle` looks once, at the end.
    pub fn touch(&mut self, user: Slot) {
        if !self.touched.contains(&user) {
            self.touched.push(user);
        }
    }

    /// What the two mean to each other may have changed (a cooldown, a block).
    pub fn remark(&mut self, a: Slot, b: Slot) {
        self.remarked.push((a, b));
    }

    /// The user's card changed.
    pub fn redraw(&mut self, user: Slot) {
        self.redrawn.push(user);
    }

    /// Of whom something changed in this turn, and of what they mean to each other.
    pub fn changed(&self) -> impl Iterator<Item = Slot> {
        self.touched.iter().chain(&self.redrawn).copied().chain(self.remarked.iter().flat_map(|(a, b)| [*a, *b]))
    }

    pub fn take_touched(&mut self) -> Vec<Slot> {
        core::mem::take(&mut self.touched)
    }

    pub fn take_remarked(&mut self) -> Vec<(Slot, Slot)> {
        core::mem::take(&mut self.remarked)
    }

    pub fn take_redrawn(&mut self) -> Vec<Slot> {
        core::mem::take(&mut self.redrawn)
    }

    /// Gives out what this turn said: facts first, then the rest in order, each with the fact that it waits for.
    pub fn end_turn(&mut self) {
        assert!(self.touched.is_empty() && self.remarked.is_empty() && self.redrawn.is_empty(), "settled before the end of a turn");
        let own = self.last_fact().unwrap_or_default();
        self.facts.0 += self.turn_facts.len() as u64;
        let newest = self.facts;
        self.out.extend(self.turn_facts.drain(..).map(Output::Fact));
        for mut output in self.turn_said.drain(..) {
            match &mut output {
                Output::Load { after, .. } => *after = newest,
                Output::Event { after, .. } | Output::Reply { after, .. } | Output::Seats { after, .. } | Output::Unseat { after, .. } => {
                    *after = own.max(*after);
                }
                Output::Fact(_) | Output::Forget { .. } | Output::View { .. } => {}
            }
            self.out.push_back(output);
        }
    }

    /// Whether one more turn finds room for all that it may say.
    pub fn has_room(&self) -> bool {
        self.out.len() + self.turn_room() <= self.limits.outbox as usize
    }

    /// The most that one turn says: every ring of both members of a new call, in and out, told to all connections of its two
    /// sides, and as much again for everything else.
    fn turn_room(&self) -> usize {
        let rings = (self.rules.invites_in + self.rules.invites_out) as usize;
        32 + 8 * self.rules.per_user as usize * (rings + 4)
    }

    pub fn next_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    pub fn is_drained(&self) -> bool {
        self.out.is_empty()
    }

    pub fn counters(&self) -> (u32, u64, u64) {
        (self.epoch, self.next_id, self.facts.0)
    }
}
