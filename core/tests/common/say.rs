//! What people say: commands in the words of a story.

use super::user;
use duologue_core::kit::ids::{CallId, InviteId, PairId};
use duologue_core::wire::{Candidate, Candidates, Command, Description, Filter, Patch, ProfilePatch, SdpKind};

pub fn accept(invite: InviteId, seconds: u32) -> Command {
    Command::Accept { invite, seconds }
}
pub fn block(whom: &str) -> Command {
    Command::Block { user: user(whom) }
}
pub fn candidates(call: CallId) -> Command {
    let candidate = Candidate { candidate: "candidate:1 1 udp 1 192.0.2.1 9 typ host".into(), mid: Some("0".into()), line: Some(0) };
    Command::Candidates(Candidates { call, epoch: 1, from: 0, candidates: vec![candidate], done: false })
}
pub fn chat(call: CallId, text: &str) -> Command {
    Command::Chat { call, text: text.into() }
}
pub fn confirm(pair: PairId) -> Command {
    Command::Confirm { pair }
}
pub fn decline(invite: InviteId) -> Command {
    Command::Decline { invite }
}
pub fn extend_call(call: CallId, seconds: u32) -> Command {
    Command::ExtendCall { call, seconds }
}
pub fn extend_invite(invite: InviteId) -> Command {
    Command::ExtendInvite { invite }
}
pub fn hang_up(call: CallId) -> Command {
    Command::HangUp { call }
}
pub fn ice_servers(call: CallId) -> Command {
    Command::IceServers { call }
}
pub fn invite(to: &str, seconds: u32) -> Command {
    Command::Invite { to: user(to), seconds }
}
pub fn join() -> Command {
    Command::Join { lobby: None }
}
pub fn join_named(lobby: &str) -> Command {
    Command::Join { lobby: Some(lobby.into()) }
}
pub fn leave() -> Command {
    Command::Leave
}
pub fn named(name: &str) -> Command {
    profile(ProfilePatch { name: Patch::Set(name.into()), ..ProfilePatch::default() })
}
pub fn offer(call: CallId) -> Command {
    Command::Description(Description { call, epoch: 1, kind: SdpKind::Offer, sdp: "v=0".into() })
}
pub fn pair() -> Command {
    pair_with(&[], &[], false)
}
pub fn pair_asking() -> Command {
    pair_with(&[], &[], true)
}
pub fn pair_with(genders: &[&str], tags: &[&str], confirm: bool) -> Command {
    Command::Pair { filter: filter(genders, tags), confirm }
}
pub fn profile(patch: ProfilePatch) -> Command {
    Command::Profile(Box::new(patch))
}
pub fn reel(limit: u32) -> Command {
    Command::Reel { limit, filter: Filter::default(), restart: false }
}
pub fn rejoin(call: CallId) -> Command {
    Command::Rejoin { call }
}
pub fn renegotiate(call: CallId) -> Command {
    Command::Renegotiate { call }
}
pub fn report(whom: &str) -> Command {
    Command::Report { user: user(whom), reason: "rude".into(), call: None }
}
pub fn rescind(invite: InviteId) -> Command {
    Command::Rescind { invite }
}
pub fn share(call: CallId, key: &str, value: &str) -> Command {
    Command::Share { call, contacts: vec![(key.into(), value.into())] }
}
pub fn unblock(whom: &str) -> Command {
    Command::Unblock { user: user(whom) }
}
pub fn unpair() -> Command {
    Command::Unpair
}
pub fn window(size: u32) -> Command {
    window_of(size, &[], &[])
}
pub fn window_close() -> Command {
    Command::WindowClose
}
pub fn window_of(size: u32, genders: &[&str], tags: &[&str]) -> Command {
    Command::Window { size, filter: filter(genders, tags) }
}

pub fn filter(genders: &[&str], tags: &[&str]) -> Filter {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Filter { genders: owned(genders), tags: owned(tags) }
}
