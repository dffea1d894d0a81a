//! How people answer: to a ring, a pair, a call that begins, a question for more time. Answers cost no operations: they come
//! only from what others did, so they end by themselves.

use super::device::DeviceState;
use super::{Deed, Person, Thought, acts};
use duologue_core::wire::{Command, Event, SdpKind};

/// What the rules say about times, as far as people care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    pub ring_ms: u64,
    pub seconds: (u32, u32),
    pub confirm_ms: u64,
    /// The run winds down: people refuse and hang up.
    pub is_over: bool,
}

/// Somebody hears an event and makes up their mind.
pub(crate) fn to_event(person: &mut Person, device: u8, event: &Event, manners: &Manners) -> Vec<Deed> {
    let after = |ms: u64, thought: Thought| Deed::After { ms, device, thought };
    let mut dice = person.answer_dice();
    match event {
        Event::Rang { invite, .. } => {
            let most = manners.ring_ms + manners.ring_ms / 4;
            if dice.percent(25) && !manners.is_over { Vec::new() } else { vec![after(dice.span(1, most.max(1)), Thought::Answer(*invite))] }
        }
        Event::Paired(pair) => vec![after(dice.span(1, manners.confirm_ms.max(1)), Thought::Confirm(pair.pair))],
        Event::CallStarted(started) if started.here => {
            let length = u64::from(started.seconds) * 1_000;
            let mut deeds = vec![after(dice.span(1, 2_000), Thought::Offer(started.call))];
            if manners.is_over || dice.percent(50) {
                deeds.push(after(if manners.is_over { 500 } else { dice.span(100, length.max(200)) }, Thought::HangUp(started.call)));
            }
            deeds
        }
        Event::Renegotiate { call, .. } => vec![after(dice.span(1, 500), Thought::Offer(*call))],
        Event::Description(description) if description.kind == SdpKind::Offer => {
            vec![after(dice.span(1, 500), Thought::Offer(description.call))]
        }
        Event::ExtendAsked { call, .. } if dice.percent(70) => vec![after(dice.span(1, 20_000), Thought::ExtendToo(*call))],
        _ => Vec::new(),
    }
}

/// A thought has ripened.
pub(crate) fn to_thought(person: &mut Person, device: u8, thought: Thought, manners: &Manners) -> Vec<Deed> {
    let mut dice = person.answer_dice();
    let Some(device) = person.devices.get_mut(usize::from(device)).filter(|device| device.is_ready()) else { return Vec::new() };
    let length = dice.between(u64::from(manners.seconds.0), u64::from(manners.seconds.1)) as u32;
    let command = match thought {
        Thought::Answer(invite) => match dice.upto(9) {
            0..7 if !manners.is_over => Command::Accept { invite, seconds: length },
            _ => Command::Decline { invite },
        },
        Thought::Confirm(pair) if dice.percent(80) && !manners.is_over => Command::Confirm { pair },
        Thought::Confirm(_) => Command::Unpair,
        Thought::ExtendToo(call) => Command::ExtendCall { call, seconds: length },
        Thought::HangUp(call) => Command::HangUp { call },
        Thought::Offer(call) => return signals(device, call, &mut dice),
    };
    vec![device.command(command)]
}

/// A description, then a few candidates.
fn signals(device: &mut DeviceState, call: duologue_core::kit::ids::CallId, dice: &mut crate::choices::Dice) -> Vec<Deed> {
    let Some(mut known) = device.call.filter(|known| known.call == call && known.here) else { return Vec::new() };
    let kind = if known.initiator { SdpKind::Offer } else { SdpKind::Answer };
    let mut deeds = vec![device.command(Command::Description(acts::describe(&known, kind, u64::from(known.epoch))))];
    for _ in 0..dice.between(1, 3) {
        let batch = acts::candidates(&known, dice);
        if let Command::Candidates(sent) = &batch {
            known.candidates += sent.candidates.len() as u32;
        }
        deeds.push(device.command(batch));
    }
    device.call = Some(known);
    deeds
}
