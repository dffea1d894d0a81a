//! At the end everything heals, people only answer, and the system comes to rest: nothing may wait, be parked or half-open. What
//! does is named in a sentence.

use crate::failure::Failure;
use crate::marks::Marks;
use duologue_core::engine::Usage;

const LAW: &str = "law: quiet at the end";

/// Everybody has left long ago.
pub(crate) fn empty(engine: &Usage, gateway: &duologue_gateway::Usage, backlog: usize, marks: &mut Marks) -> Result<(), Failure> {
    marks.hit(LAW, 1);
    let left = [
        ("connections in the engine", u64::from(engine.links_live + engine.links_graced)),
        ("calls", u64::from(engine.calls)),
        ("invites", u64::from(engine.invites)),
        ("tickets", u64::from(engine.tickets)),
        ("people who are available", u64::from(engine.available)),
        ("parked inputs", u64::from(engine.parked)),
        ("connections in the gateway", u64::from(gateway.links)),
        ("sockets", u64::from(gateway.connections)),
        ("relays", u64::from(gateway.relays)),
        ("rows not written", backlog as u64),
    ];
    match left.iter().find(|(_, count)| *count > 0) {
        None => Ok(()),
        Some((what, count)) => Err(Failure::liveness(LAW, format!("everybody has left, and there are still {count} {what}"))),
    }
}

/// Everything has healed and everybody is back: nothing may wait, but the hellos that are asked at this moment. In a realm that is
/// full there are always such: who was refused comes again. One that is never answered is found by [`empty`].
pub(crate) fn nothing_waits(waits: &[String], backlog: usize, parked: u32, attaching: u32, marks: &mut Marks) -> Result<(), Failure> {
    marks.hit(LAW, 1);
    if let Some(first) = waits.first() {
        return Err(Failure::liveness(LAW, format!("{} wait, first {first}", waits.len())));
    }
    if backlog > 0 || parked > attaching {
        return Err(Failure::liveness(LAW, format!("{backlog} rows are not written and {parked} inputs are parked, and nothing is wrong")));
    }
    Ok(())
}
