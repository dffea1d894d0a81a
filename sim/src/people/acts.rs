//! What people do by themselves: one spontaneous act, drawn by weight, made of what the person's device knows. Some acts are
//! foolish on purpose (ringing somebody twice, leaving in a ring), none is against the protocol: that is [`super::hostile`]'s.

use super::device::DeviceState;
use super::{Deed, Gossip, Habit, Person, hostile};
use crate::choices::Dice;
use crate::marks::Marks;
use duologue_core::input::Request;
use duologue_core::kit::ids::{ClientId, UserId};
use duologue_core::wire::{Candidate, Candidates, ClientMessage, Command, Description, Filter, Patch, ProfilePatch, SdpKind};

/// Does it. `kind` is one of `swarm::ACTS`.
pub(crate) fn act(person: &mut Person, kind: &str, dice: &mut Dice, gossip: &Gossip, seconds: (u32, u32), marks: &mut Marks) -> Vec<Deed> {
    if person.is_hostile() && dice.percent(60) {
        return hostile::act(person, dice, gossip, marks);
    }
    match kind {
        "http" => return vec![Deed::Http(request(person, dice, gossip))],
        "night" => return night(person, dice),
        "second_device" => return second_device(person, dice),
        _ => {}
    }
    let at = dice.upto(person.devices.len() as u64 - 1) as usize;
    let habit = person.habit;
    let device = &mut person.devices[at];
    if device.conn.is_none() {
        device.is_on = true;
        return vec![Deed::Connect { device: device.index, after_ms: 0 }];
    }
    match kind {
        "drop" => return vec![Deed::Drop { device: device.index }],
        "close" => {
            device.is_on = false;
            return vec![Deed::Close { device: device.index, clean: true }];
        }
        "reload" => {
            let deeds = reload(device, dice, &person.token);
            // A new client may be one more than are remembered.
            person.devices.iter_mut().for_each(|device| device.ear.forget_answers());
            return deeds;
        }
        "exclusive" => {
            device.exclusive = true;
            return vec![Deed::Drop { device: device.index }];
        }
        "said_again" => return said_again(device, dice, marks),
        _ => {}
    }
    if !device.is_ready() {
        return Vec::new();
    }
    command(device, habit, kind, dice, gossip, seconds).map(|command| device.command(command)).into_iter().collect()
}

/// The command that an act of this kind is, here and now, if it is any.
fn command(device: &DeviceState, habit: Habit, kind: &str, dice: &mut Dice, gossip: &Gossip, seconds: (u32, u32)) -> Option<Command> {
    let in_lobby = device.lobby.is_some();
    let call = device.call;
    let length = dice.between(u64::from(seconds.0), u64::from(seconds.1)) as u32;
    Some(match kind {
        "join" => Command::Join { lobby: lobby(dice) },
        "leave" => Command::Leave,
        _ if !in_lobby && matches!(kind, "window" | "reel" | "pair") && dice.percent(90) => Command::Join { lobby: lobby(dice) },
        "window" => Command::Window { size: dice.pick(&[1, 3, 20, 20, 20, 50, 200]).copied()?, filter: filter(dice) },
        "window_close" => Command::WindowClose,
        "reel" => Command::Reel { limit: dice.between(1, 50) as u32, filter: filter(dice), restart: dice.percent(20) },
        "pair" => Command::Pair { filter: filter(dice), confirm: dice.percent(60) },
        "unpair" => Command::Unpair,
        "invite" => Command::Invite { to: somebody(device, habit, dice, gossip)?, seconds: length },
        "rescind" => Command::Rescind { invite: *device.rings_out.keys().next()? },
        "extend_invite" => Command::ExtendInvite { invite: *device.rings_out.keys().next()? },
        "chat" => Command::Chat { call: call?.call, text: format!("line {} \u{202e}of {}", device.next, device.index) },
        "share" => Command::Share { call: call?.call, contacts: vec![("mail".into(), format!("{}@example.org", device.index))] },
        "extend_call" => Command::ExtendCall { call: call?.call, seconds: length },
        "hang_up" => Command::HangUp { call: call.map(|call| call.call).or(device.last_call)? },
        "ice_servers" => Command::IceServers { call: call?.call },
        "renegotiate" => Command::Renegotiate { call: call?.call },
        "rejoin" => Command::Rejoin { call: call.filter(|call| !call.here || dice.percent(20))?.call },
        "signal" => return signal(device, dice),
        "report" => Command::Report { user: device.last_peer?, reason: "rude".into(), call: device.last_call.filter(|_| dice.percent(70)) },
        "block" => Command::Block { user: dice.pick(&gossip.users).copied()? },
        "unblock" => Command::Unblock { user: dice.pick(&gossip.users).copied()? },
        "explain" => Command::Explain { user: dice.pick(&gossip.users).copied()? },
        "profile" => Command::Profile(Box::new(profile(dice))),
        "others" => hostile::any_command(device, dice, gossip),
        _ => return None,
    })
}

/// Somebody to ring: whom the window shows, or a favourite, or anybody.
fn somebody(device: &DeviceState, habit: Habit, dice: &mut Dice, gossip: &Gossip) -> Option<UserId> {
    let shown: Vec<UserId> = device.ear.window.values().copied().collect();
    if habit == Habit::Faithful && dice.percent(70) {
        return device.last_peer.or(gossip.users.first().copied());
    }
    if dice.percent(10) {
        return dice.pick(&gossip.users).copied();
    }
    dice.pick(&shown).or(dice.pick(&gossip.users)).copied()
}

fn lobby(dice: &mut Dice) -> Option<String> {
    match dice.upto(19) {
        0 => Some("side".into()),
        1 => Some(format!("room{}", dice.upto(5))),
        2..6 => Some("main".into()),
        _ => None,
    }
}

fn filter(dice: &mut Dice) -> Filter {
    let mut filter = Filter::default();
    if dice.percent(15) {
        filter.genders = vec![dice.pick(&["female", "male", "other"]).unwrap_or(&"other").to_string()];
    }
    if dice.percent(10) {
        filter.tags = vec![dice.pick(&["lang:en", "lang:pl", "music"]).unwrap_or(&"music").to_string()];
    }
    filter
}

fn profile(dice: &mut Dice) -> ProfilePatch {
    let mut patch = ProfilePatch::default();
    match dice.upto(3) {
        0 => patch.name = Patch::Set(format!(" name\u{7} {} ", dice.upto(99))),
        1 => patch.gender = if dice.percent(30) { Patch::Clear } else { Patch::Set("female".into()) },
        2 => patch.selfie = Patch::Set(format!("s/{}.jpg", dice.upto(99))),
        _ => patch.tags = Patch::Set(vec!["lang:en".into(), "music".into()]),
    }
    patch
}

/// A description or a batch of candidates, from where this side stands.
fn signal(device: &DeviceState, dice: &mut Dice) -> Option<Command> {
    let call = device.call.filter(|call| call.here)?;
    Some(match dice.upto(2) {
        0 => {
            let kind = if call.initiator { SdpKind::Offer } else { SdpKind::Answer };
            Command::Description(describe(&call, kind, dice.upto(9)))
        }
        _ => candidates(&call, dice),
    })
}

pub(crate) fn describe(call: &super::device::InCall, kind: SdpKind, tag: u64) -> Description {
    let sdp = format!("v=0\r\no=- {} {tag} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", call.call.0);
    Description { call: call.call, epoch: call.epoch, kind, sdp }
}

pub(crate) fn candidates(call: &super::device::InCall, dice: &mut Dice) -> Command {
    let count = dice.between(1, 4) as u32;
    let one = |index: u32| Candidate {
        candidate: format!("candidate:{index} 1 udp 2122260223 192.0.2.{} 40000 typ host", index % 250),
        mid: Some("0".into()),
        line: Some(0),
    };
    let from = call.candidates;
    let candidates = (from..from + count).map(one).collect();
    Command::Candidates(Candidates { call: call.call, epoch: call.epoch, from, candidates, done: dice.percent(30) })
}

/// The same number again: the same answer, without effect.
fn said_again(device: &mut DeviceState, dice: &mut Dice, marks: &mut Marks) -> Vec<Deed> {
    if !device.is_ready() || device.sdk.is_some() {
        return Vec::new();
    }
    // What sets a cooldown or makes a call has most to lose from being done twice.
    let is_grave = |command: &Command| matches!(command, Command::Accept { .. } | Command::Decline { .. } | Command::Rescind { .. });
    let grave: Vec<_> = device.said.iter().filter(|(_, command)| is_grave(command)).cloned().collect();
    let said = if dice.percent(70) && !grave.is_empty() { &grave } else { &device.said };
    let Some((id, command)) = dice.pick(said).cloned() else { return Vec::new() };
    marks.hit("command said again", 1);
    let deed = device.say(&ClientMessage::Command { id, command });
    vec![deed]
}

/// The page is loaded anew: a new client, or the same one without its resume token.
fn reload(device: &mut DeviceState, dice: &mut Dice, token: &str) -> Vec<Deed> {
    let client = if dice.percent(60) { device.client } else { Some(ClientId(dice.wide())) };
    let deed = Deed::Close { device: device.index, clean: false };
    device.reload(client, token);
    device.is_on = true;
    vec![deed, Deed::Connect { device: device.index, after_ms: dice.span(20, 3_000) }]
}

fn second_device(person: &mut Person, dice: &mut Dice) -> Vec<Deed> {
    if person.devices.len() < 3 {
        let index = person.devices.len() as u8;
        let mut device = DeviceState::new(person.seed, person.index, index);
        if !person.is_hostile() {
            device.may_run_sdk(&person.token, person.seed, person.index);
        }
        person.devices.push(device);
    }
    let device = person.devices.last_mut().expect("there is at least one");
    device.is_on = true;
    if device.conn.is_some() { Vec::new() } else { vec![Deed::Connect { device: device.index, after_ms: dice.span(1, 1_000) }] }
}

/// Goes away for long, sometimes without a word.
fn night(person: &mut Person, dice: &mut Dice) -> Vec<Deed> {
    let clean = dice.percent(70);
    let ms = if person.habit == Habit::Night { dice.span(600_000, 8 * 3_600_000) } else { dice.span(10_000, 3_600_000) };
    let mut deeds = vec![Deed::Sleep { ms }];
    for device in &mut person.devices {
        device.is_on = false;
        deeds.push(Deed::Close { device: device.index, clean });
    }
    deeds
}

fn request(person: &Person, dice: &mut Dice, gossip: &Gossip) -> Request {
    let user = dice.pick(&gossip.users).copied().unwrap_or(person.id());
    match dice.upto(9) {
        0 => Request::Block(user),
        1 => Request::Unblock(user),
        2 => Request::Report { user, reason: "over http".into(), call: dice.pick(&gossip.calls).copied() },
        3 => Request::Profile(Box::new(profile(dice))),
        4..7 => {
            Request::History { before: dice.pick(&gossip.calls).copied().filter(|_| dice.percent(50)), limit: dice.between(1, 100) as u32 }
        }
        7 if dice.percent(10) => Request::SignOut,
        _ => Request::Me,
    }
}
