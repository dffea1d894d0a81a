//! People who do not play fair. For each field of each command somebody sends a value that is not theirs, not now, not there; and
//! what is no command at all. A planted fault, "anyone may accept", survived hundreds of seeds of polite people.

use super::device::{DeviceState, encode};
use super::{Deed, Gossip, Person};
use crate::choices::Dice;
use crate::marks::Marks;
use bytes::Bytes;
use duologue_core::kit::ids::{CallId, ClientId, InviteId, MAX_INTEGER, PairId, UserId};
use duologue_core::wire::{
    Candidate, Candidates, ClientMessage, Command, Description, Filter, Hello, Patch, ProfilePatch, Resume, SdpKind,
};
use duologue_transport::Form;

/// One hostile act.
pub(crate) fn act(person: &mut Person, dice: &mut Dice, gossip: &Gossip, marks: &mut Marks) -> Vec<Deed> {
    let token = person.token.clone();
    let device = &mut person.devices[0];
    let index = device.index;
    if device.conn.is_none() {
        device.is_on = true;
        if dice.percent(8) {
            device.form = Form::Unknown;
        } else if device.form == Form::Unknown {
            device.form = Form::Json;
        }
        return vec![Deed::Connect { device: index, after_ms: 0 }];
    }
    let send = |bytes: Bytes| vec![Deed::Send { device: index, bytes }];
    match dice.upto(19) {
        0 => {
            marks.hit("hostile: junk", 1);
            send(junk(device.form, dice))
        }
        1 => {
            marks.hit("hostile: second hello", 1);
            send(encode(device.form, &hello(&token, None, dice)))
        }
        2 => vec![Deed::WrongFrame { device: index }],
        3 => send(Bytes::from(vec![b' '; dice.between(65_530, 65_545) as usize])),
        4 => {
            let message = ClientMessage::Ack { seq: dice.word() >> dice.upto(63) };
            send(encode(device.form, &message))
        }
        5 => (0..dice.between(20, 150)).map(|_| flood(device, dice, gossip)).collect(),
        6 => vec![Deed::ReadSlowly { device: index, bytes_per_second: dice.span(1, 500) }],
        7 => vec![Deed::Drop { device: index }],
        8 => send(encode(device.form, &ClientMessage::Ping)),
        9 => {
            let id = *dice.pick(&[0, 1, device.next, MAX_INTEGER, MAX_INTEGER + 1, u64::MAX]).unwrap_or(&0);
            let command = any_command(device, dice, gossip);
            send(encode(device.form, &ClientMessage::Command { id, command }))
        }
        _ => {
            marks.hit("hostile: not theirs", 1);
            let command = any_command(device, dice, gossip);
            vec![device.command(command)]
        }
    }
}

/// The first message of a hostile link; sometimes there is none.
pub(crate) fn first_message(person: &mut Person, dice: &mut Dice, gossip: &Gossip, marks: &mut Marks) -> Option<Deed> {
    let token = person.token.clone();
    let device = &mut person.devices[0];
    let message = match dice.upto(9) {
        0 => return None,
        1 => {
            let command = any_command(device, dice, gossip);
            ClientMessage::Command { id: 1, command }
        }
        2 => hello("no such token", None, dice),
        3 | 4 => {
            marks.hit("hostile: another's token", 1);
            let token_of_another = dice.pick(&gossip.resumes).cloned();
            hello(&token, token_of_another, dice)
        }
        5 => {
            return Some(Deed::Send { device: 0, bytes: junk(device.form, dice) });
        }
        _ => return Some(device.hello(&token)),
    };
    Some(Deed::Send { device: 0, bytes: encode(device.form, &message) })
}

fn hello(token: &str, resume: Option<String>, dice: &mut Dice) -> ClientMessage {
    let resume = resume.map(|token| Resume { token, seq: dice.upto(50), window: dice.percent(50).then(|| dice.upto(20)) });
    let client = dice.percent(50).then(|| ClientId(u128::from(dice.upto(3))));
    ClientMessage::Hello(Hello { token: token.into(), client, resume, exclusive: dice.percent(10), sdp: dice.upto(9) as u32 })
}

fn flood(device: &mut DeviceState, dice: &mut Dice, gossip: &Gossip) -> Deed {
    let command = if dice.percent(50) { Command::Leave } else { any_command(device, dice, gossip) };
    device.command(command)
}

/// Bytes that are no message, or nearly one.
fn junk(form: Form, dice: &mut Dice) -> Bytes {
    let texts = [
        "",
        "{",
        "[]",
        "null",
        "{\"t\":\"hello\"}",
        "{\"t\":\"hello\",\"token\":7}",
        "{\"t\":\"join\"}",
        "{\"t\":\"join\",\"id\":1.5}",
        "{\"t\":\"join\",\"id\":\"1\"}",
        "{\"t\":\"invite\",\"id\":9007199254740991,\"to\":\"x\",\"seconds\":-1}",
        "{\"t\":\"chat\",\"id\":2,\"call\":1e3,\"text\":\"\"}",
        "{\"t\":\"window\",\"id\":3,\"size\":4294967296}",
        "{\"t\":\"dance\",\"id\":4}",
        "{\"t\":\"accept\",\"id\":5,\"invite\":{},\"seconds\":60}",
        "\u{feff}{\"t\":\"ping\"}",
        "{\"t\":\"ping\",\"t\":\"hello\"}",
    ];
    match dice.upto(3) {
        0 if form == Form::Json => Bytes::from_static(dice.pick(&texts).unwrap_or(&"").as_bytes()),
        1 => {
            let whole =
                encode(form, &ClientMessage::Command { id: 1 + dice.upto(9), command: Command::Join { lobby: Some("main".into()) } });
            whole.slice(..dice.upto(whole.len() as u64 - 1) as usize)
        }
        2 => Bytes::from("[".repeat(dice.between(10, 4_000) as usize)),
        _ => (0..dice.upto(40)).map(|_| dice.word() as u8).collect(),
    }
}

/// Any command, each field from anywhere.
pub(crate) fn any_command(device: &DeviceState, dice: &mut Dice, gossip: &Gossip) -> Command {
    let user = user(dice, gossip);
    let (invite, call, pair) = (invite(device, dice, gossip), call(device, dice, gossip), pair(device, dice, gossip));
    let seconds = *dice.pick(&[0, 1, 59, 60, 61, 120, 1_800, 1_801, u32::MAX]).unwrap_or(&60);
    // What is going on is worth more than what is over: a third is about a ring, a fifth about a call.
    let which = match dice.upto(8) {
        0..3 => *dice.pick(&[0, 5, 9, 24]).unwrap_or(&0),
        3 | 4 => *dice.pick(&[3, 8, 10, 21, 22, 25]).unwrap_or(&3),
        _ => dice.upto(27),
    };
    match which {
        0 => Command::Accept { invite, seconds },
        1 => Command::Block { user },
        2 => Command::Candidates(Candidates {
            call,
            epoch: dice.upto(3) as u32,
            from: number(dice),
            candidates: batch(dice),
            done: dice.percent(50),
        }),
        3 => Command::Chat { call, text: text(dice, 600) },
        4 => Command::Confirm { pair },
        5 => Command::Decline { invite },
        6 => {
            let kind = if dice.percent(50) { SdpKind::Offer } else { SdpKind::Answer };
            Command::Description(Description { call, epoch: dice.upto(3) as u32, kind, sdp: text(dice, 40_000) })
        }
        7 => Command::Explain { user },
        8 => Command::ExtendCall { call, seconds },
        9 => Command::ExtendInvite { invite },
        10 => Command::HangUp { call },
        11 => Command::IceServers { call },
        12 => Command::Introduce { target: user },
        13 => Command::Invite { to: user, seconds },
        14 => Command::Join { lobby: Some(text(dice, 40)) },
        15 => Command::Leave,
        16 => Command::Pair { filter: filter(dice), confirm: dice.percent(50) },
        17 => Command::Profile(Box::new(ProfilePatch {
            name: Patch::Set(text(dice, 60)),
            tags: Patch::Set(vec![text(dice, 40)]),
            ..ProfilePatch::default()
        })),
        18 => Command::Read { notification: dice.upto(9) },
        19 => Command::Redeem { code: text(dice, 12) },
        20 => Command::Reel { limit: number(dice), filter: filter(dice), restart: dice.percent(50) },
        21 => Command::Rejoin { call },
        22 => Command::Renegotiate { call },
        23 => Command::Report { user, reason: text(dice, 300), call: dice.percent(50).then_some(call) },
        24 => Command::Rescind { invite },
        25 => Command::Share { call, contacts: (0..dice.upto(12)).map(|at| (format!("k{at}"), text(dice, 300))).collect() },
        26 => Command::Unblock { user },
        _ => Command::Window { size: number(dice), filter: filter(dice) },
    }
}

fn user(dice: &mut Dice, gossip: &Gossip) -> UserId {
    let known = dice.pick(&gossip.users).copied();
    known.filter(|_| dice.percent(85)).unwrap_or(UserId(dice.wide()))
}

/// Mostly one of the newest, which may still be open.
fn recent<T: Copy>(dice: &mut Dice, list: &[T]) -> Option<T> {
    let newest = if dice.percent(70) { &list[list.len().saturating_sub(3)..] } else { list };
    dice.pick(newest).copied()
}

fn invite(device: &DeviceState, dice: &mut Dice, gossip: &Gossip) -> InviteId {
    let own = device.rings_in.keys().chain(device.rings_out.keys()).next().copied();
    let known = if dice.percent(30) { own } else { recent(dice, &gossip.invites) };
    known.filter(|_| dice.percent(90)).unwrap_or(InviteId(dice.upto(MAX_INTEGER)))
}

fn call(device: &DeviceState, dice: &mut Dice, gossip: &Gossip) -> CallId {
    let own = device.call.map(|call| call.call).or(device.last_call);
    let known = if dice.percent(30) { own } else { recent(dice, &gossip.calls) };
    known.filter(|_| dice.percent(90)).unwrap_or(CallId(dice.upto(MAX_INTEGER)))
}

fn pair(device: &DeviceState, dice: &mut Dice, gossip: &Gossip) -> PairId {
    let known = if dice.percent(30) { device.pair } else { recent(dice, &gossip.pairs) };
    known.filter(|_| dice.percent(90)).unwrap_or(PairId(dice.upto(MAX_INTEGER)))
}

fn number(dice: &mut Dice) -> u32 {
    (dice.word() >> 32) as u32 >> dice.upto(31)
}

fn text(dice: &mut Dice, most: u64) -> String {
    let length = if dice.percent(50) { dice.upto(most.min(20)) } else { dice.upto(most) };
    let letters = ['a', 'z', '7', '-', '<', '\n', '\u{0}', '\u{202e}', 'é', '😀', '"', '\\'];
    (0..length).map(|_| *dice.pick(&letters).unwrap_or(&'a')).collect()
}

fn filter(dice: &mut Dice) -> Filter {
    let genders = (0..dice.upto(10)).map(|_| text(dice, 12)).collect();
    let tags = if dice.percent(50) { Vec::new() } else { (0..dice.upto(70)).map(|at| format!("tag{at}")).collect() };
    Filter { genders, tags }
}

fn batch(dice: &mut Dice) -> Vec<Candidate> {
    let count = if dice.percent(80) { dice.upto(5) } else { dice.upto(80) };
    (0..count).map(|_| Candidate { candidate: text(dice, 1_200), mid: None, line: Some(number(dice)) }).collect()
}
