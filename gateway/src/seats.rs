//! Who sits where in which call, as the engine has released it, and the signals between seats (SIG, CALL 3, 11). A signal from
//! a seat never sees the engine; any other goes there, and is refused with the right code.

use crate::gateway::{Due, Gateway};
use crate::link::Link;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::{CallId, LinkId};
use duologue_core::wire::Command;
use duologue_signaling::{Relay, Side};

/// A live call's relay, and the connections on its sides.
#[derive(Debug)]
pub(crate) struct Seated {
    pub relay: Relay,
    pub seats: [Option<LinkId>; 2],
}

impl Seated {
    fn side(&self, link: LinkId) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.seats[side.index()] == Some(link))
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        for seat in self.seats {
            digest.maybe(seat.map(|link| link.0));
        }
        self.relay.digest(digest);
    }
}

impl Gateway {
    /// Opens the relay of a call, or moves its seats; under a new epoch nothing of the old one is relayed.
    pub(crate) fn seats(&mut self, call: CallId, epoch: u32, seats: [Option<LinkId>; 2]) {
        let limits = self.config.relay;
        let seated = self.relays.entry(call).or_insert_with(|| Seated { relay: Relay::new(call, epoch, limits), seats: [None; 2] });
        let before = core::mem::replace(&mut seated.seats, seats);
        if seated.relay.epoch() != epoch {
            seated.relay.renumber(epoch);
        }
        self.want_seats(call, before, seats);
        self.relay_on(call);
    }

    /// The call is over, and so is whatever was on its way (CALL 3).
    pub(crate) fn unseat(&mut self, call: CallId) {
        let Some(seated) = self.relays.remove(&call) else { return };
        self.timers.cancel(Due::Relay(call));
        self.want_seats(call, seated.seats, [None; 2]);
    }

    /// A description or candidates.
    pub(crate) fn signal(&mut self, id: LinkId, number: u64, command: Command) {
        let now = self.now;
        let call = command.signal().expect("only signals come here");
        let links = &self.links;
        let seat = self.relays.get_mut(&call).and_then(|seated| {
            let side = seated.side(id)?;
            seated.relay.set_reads(reads(links, seated.seats, id));
            Some((side, &mut seated.relay))
        });
        let answer = match (seat, command) {
            (Some((side, relay)), Command::Description(description)) => relay.handle_description(now, side, description),
            (Some((side, relay)), Command::Candidates(candidates)) => relay.handle_candidates(now, side, candidates),
            (_, command) => return self.order(id, number, Ok(command)),
        };
        self.answer(id, number, answer);
        self.relay_on(call);
    }

    pub(crate) fn relay_due(&mut self, call: CallId) {
        let now = self.now;
        if let Some(seated) = self.relays.get_mut(&call) {
            seated.relay.handle_timeout(now);
            self.relay_on(call);
        }
    }

    /// Passes on what a relay has for its seats, to a socket only while it reads (CON 7): what one peer may say at once is more
    /// than may wait for the other. Without a socket it goes into what is kept for the resume (SIG 1).
    pub(crate) fn relay_on(&mut self, call: CallId) {
        for side in Side::BOTH {
            while let Some(seated) = self.relays.get_mut(&call) {
                let seat = seated.seats[side.index()];
                if seat.is_some_and(|id| self.is_held_up(id)) {
                    break;
                }
                let seated = self.relays.get_mut(&call).expect("just found");
                let Some(event) = seated.relay.poll_output(side) else { break };
                let left = seated.relay.waiting_bytes(side);
                if let Some(link) = seat.and_then(|id| self.links.get_mut(&id)) {
                    link.signal_bytes = left;
                }
                if let Some(id) = seat {
                    self.number(id, event);
                }
            }
        }
        let Some(seated) = self.relays.get(&call) else { return };
        match seated.relay.poll_timeout() {
            Some(at) => self.timers.set(Due::Relay(call), at),
            None => drop(self.timers.cancel(Due::Relay(call))),
        }
        let waiting = Side::BOTH.map(|side| (seated.seats[side.index()], seated.relay.waiting_bytes(side)));
        for (seat, bytes) in waiting {
            if let Some(id) = seat {
                self.note_signals(id, bytes);
            }
        }
    }

    /// A socket reads on, or is gone: what waited in a relay may go.
    pub(crate) fn signals_on(&mut self, id: LinkId) {
        if let Some(call) = self.links.get(&id).filter(|link| link.signal_bytes > 0).and_then(|link| link.intents.seat) {
            self.relay_on(call);
        }
    }

    fn is_held_up(&self, id: LinkId) -> bool {
        let limit = self.config.out_bytes as usize;
        self.links.get(&id).is_some_and(|link| link.conn.is_some() && !link.queue.goes_at_once(limit))
    }

    fn note_signals(&mut self, id: LinkId, bytes: u32) {
        if let Some(link) = self.links.get_mut(&id).filter(|link| link.signal_bytes != bytes) {
            link.signal_bytes = bytes;
            self.flush(id);
        }
    }

    /// Who sits in a call wants its seat from a new engine; who was moved out of it does not.
    fn want_seats(&mut self, call: CallId, before: [Option<LinkId>; 2], now: [Option<LinkId>; 2]) {
        for id in before.into_iter().flatten() {
            let Some(link) = self.links.get_mut(&id) else { continue };
            link.signal_bytes = 0;
            self.budget.note(id, link.bytes());
            if link.intents.seat == Some(call) {
                link.intents.seat = None;
            }
        }
        for link in now.into_iter().flatten() {
            if let Some(link) = self.links.get_mut(&link) {
                link.intents.seat = Some(call);
            }
        }
    }
}

/// Which version of compact descriptions each seat reads. An empty one reads whatever `speaker` writes: nothing is heard there, and
/// whoever takes it begins a new epoch.
fn reads(links: &BTreeMap<LinkId, Box<Link>>, seats: [Option<LinkId>; 2], speaker: LinkId) -> [u32; 2] {
    let of = |link: LinkId| links.get(&link).map(|link| link.sdp);
    seats.map(|seat| seat.and_then(of).or_else(|| of(speaker)).unwrap_or_default())
}
