//! Writing what clients say: the mirror of the reading side, for the Rust client and for tests. What equals its default is left out.

use super::write::{Json, Writer};
use crate::wire::{Candidate, Candidates, ClientMessage, Command, Description, Filter, Hello, Patch, ProfilePatch, Resume, SdpKind};
use alloc::vec::Vec;

/// Writes a message of a client.
pub fn encode_client(message: &ClientMessage) -> Vec<u8> {
    let mut w = Writer::new();
    w.object(|w| match message {
        ClientMessage::Ack { seq } => {
            w.field("t", "ack");
            w.field("seq", seq);
        }
        ClientMessage::Command { id, command } => {
            w.field("t", name(command));
            w.field("id", id);
            fields(w, command);
        }
        ClientMessage::Hello(hello) => {
            w.field("t", "hello");
            hello_fields(w, hello);
        }
        ClientMessage::Ping => w.field("t", "ping"),
    });
    w.finish()
}

fn hello_fields(w: &mut Writer, hello: &Hello) {
    w.field("token", &hello.token);
    w.optional("client", &hello.client);
    w.optional("resume", &hello.resume);
    w.if_true("exclusive", hello.exclusive);
    if hello.sdp > 0 {
        w.field("sdp", &hello.sdp);
    }
}

impl Json for Resume {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("token", &self.token);
            w.field("seq", &self.seq);
            w.optional("window", &self.window);
        });
    }
}

/// The name of a command on the wire.
fn name(command: &Command) -> &'static str {
    match command {
        Command::Accept { .. } => "accept",
        Command::Block { .. } => "block",
        Command::Candidates(_) => "candidates",
        Command::Chat { .. } => "chat",
        Command::Confirm { .. } => "confirm",
        Command::Decline { .. } => "decline",
        Command::Description(_) => "description",
        Command::Explain { .. } => "explain",
        Command::ExtendCall { .. } => "extend_call",
        Command::ExtendInvite { .. } => "extend_invite",
        Command::HangUp { .. } => "hang_up",
        Command::IceServers { .. } => "ice_servers",
        Command::Introduce { .. } => "introduce",
        Command::Invite { .. } => "invite",
        Command::Join { .. } => "join",
        Command::Leave => "leave",
        Command::Pair { .. } => "pair",
        Command::Profile(_) => "profile",
        Command::Read { .. } => "read",
        Command::Redeem { .. } => "redeem",
        Command::Reel { .. } => "reel",
        Command::Rejoin { .. } => "rejoin",
        Command::Renegotiate { .. } => "renegotiate",
        Command::Report { .. } => "report",
        Command::Rescind { .. } => "rescind",
        Command::Share { .. } => "share",
        Command::Unblock { .. } => "unblock",
        Command::Unpair => "unpair",
        Command::Window { .. } => "window",
        Command::WindowClose => "window_close",
    }
}

fn fields(w: &mut Writer, command: &Command) {
    match command {
        Command::Leave | Command::Unpair | Command::WindowClose => {}
        Command::Accept { invite, seconds } => {
            w.field("invite", invite);
            w.field("seconds", seconds);
        }
        Command::Block { user } | Command::Explain { user } | Command::Unblock { user } => w.field("user", user),
        Command::Candidates(candidates) => candidates_fields(w, candidates),
        Command::Chat { call, text } => {
            w.field("call", call);
            w.field("text", text);
        }
        Command::Confirm { pair } => w.field("pair", pair),
        Command::Decline { invite } | Command::ExtendInvite { invite } | Command::Rescind { invite } => w.field("invite", invite),
        Command::Description(description) => description_fields(w, description),
        Command::ExtendCall { call, seconds } => {
            w.field("call", call);
            w.field("seconds", seconds);
        }
        Command::HangUp { call } | Command::IceServers { call } | Command::Rejoin { call } | Command::Renegotiate { call } => {
            w.field("call", call)
        }
        Command::Introduce { target } => w.field("target", target),
        Command::Invite { to, seconds } => {
            w.field("to", to);
            w.field("seconds", seconds);
        }
        Command::Join { lobby } => w.optional("lobby", lobby),
        Command::Pair { filter, confirm } => {
            filter_unless_empty(w, filter);
            w.if_true("confirm", *confirm);
        }
        Command::Profile(patch) => profile_fields(w, patch),
        Command::Read { notification } => w.field("notification", notification),
        Command::Redeem { code } => w.field("code", code),
        Command::Reel { limit, filter, restart } => {
            w.field("limit", limit);
            filter_unless_empty(w, filter);
            w.if_true("restart", *restart);
        }
        Command::Report { user, reason, call } => {
            w.field("user", user);
            w.field("reason", reason);
            w.optional("call", call);
        }
        Command::Share { call, contacts } => {
            w.field("call", call);
            w.entries("contacts", contacts);
        }
        Command::Window { size, filter } => {
            if *size > 0 {
                w.field("size", size);
            }
            filter_unless_empty(w, filter);
        }
    }
}

/// The fields of a description, in either direction.
pub(super) fn description_fields(w: &mut Writer, description: &Description) {
    w.field("call", &description.call);
    w.field("epoch", &description.epoch);
    w.field(
        "kind",
        match description.kind {
            SdpKind::Answer => "answer",
            SdpKind::Offer => "offer",
        },
    );
    w.field("sdp", &description.sdp);
}

/// The fields of a batch, in either direction.
pub(super) fn candidates_fields(w: &mut Writer, candidates: &Candidates) {
    w.field("call", &candidates.call);
    w.field("epoch", &candidates.epoch);
    w.field("from", &candidates.from);
    w.field("candidates", &candidates.candidates);
    w.if_true("done", candidates.done);
}

impl Json for Candidate {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("candidate", &self.candidate);
            w.optional("mid", &self.mid);
            w.optional("line", &self.line);
        });
    }
}

impl Json for Filter {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.unless_none("genders", &self.genders);
            w.unless_none("tags", &self.tags);
        });
    }
}

fn filter_unless_empty(w: &mut Writer, filter: &Filter) {
    if *filter != Filter::default() {
        w.field("filter", filter);
    }
}

fn profile_fields(w: &mut Writer, patch: &ProfilePatch) {
    patch_field(w, "name", &patch.name);
    patch_field(w, "gender", &patch.gender);
    patch_field(w, "selfie", &patch.selfie);
    patch_field(w, "video", &patch.video);
    patch_field(w, "tags", &patch.tags);
}

fn patch_field<T: Json>(w: &mut Writer, name: &str, patch: &Patch<T>) {
    match patch {
        Patch::Clear => {
            w.name(name);
            w.null();
        }
        Patch::Keep => {}
        Patch::Set(value) => w.field(name, value),
    }
}
