//! Everything that can be said, by somebody who has no right to it; and every deadline that there is.

mod common;

use common::*;
use duologue_core::engine::Due;
use duologue_core::input::{Attach, Input};
use duologue_core::kit::ids::{CallId, InviteId, LinkId, PairId, Ticket};
use duologue_core::kit::time::Span;
use duologue_core::wire::{Command, Event, Filter, ProfilePatch};
use std::collections::BTreeSet;

/// A command's name; no wildcard, so that a new one is thought of here.
fn command_name(command: &Command) -> &'static str {
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

const COMMANDS: usize = 30;

/// Each command with the ids of others, and what a stranger is answered.
fn of_others(call: CallId, ring: InviteId, pair_id: PairId) -> Vec<(Command, &'static str)> {
    vec![
        (accept(ring, 60), "not_yours"),
        (block("eve"), "invalid_target"),
        (candidates(call), "not_member"),
        (chat(call, "hi"), "not_member"),
        (confirm(pair_id), "not_yours"),
        (decline(ring), "not_yours"),
        (offer(call), "not_member"),
        (Command::Explain { user: user("nobody") }, "unknown_user"),
        (extend_call(call, 60), "not_member"),
        (extend_invite(ring), "not_yours"),
        (hang_up(call), "not_member"),
        (ice_servers(call), "not_member"),
        (Command::Introduce { target: user("nobody") }, "unknown_user"),
        (invite("nobody", 60), "offline"),
        (Command::Join { lobby: None }, "ok"),
        (leave(), "ok"),
        (pair(), "not_in_lobby"),
        (profile(ProfilePatch::default()), "ok"),
        (Command::Read { notification: 7 }, "ok"),
        (Command::Redeem { code: "ABCDEFGHJK".into() }, "unknown_code"),
        (Command::Reel { limit: 5, filter: Filter::default(), restart: false }, "not_in_lobby"),
        (rejoin(call), "not_member"),
        (renegotiate(call), "not_member"),
        (report("ann"), "unknown_call"),
        (rescind(ring), "not_yours"),
        (share(call, "mail", "x"), "not_member"),
        (unblock("eve"), "invalid_target"),
        (unpair(), "ok"),
        (window(5), "not_in_lobby"),
        (window_close(), "ok"),
    ]
}

/// Ann and bob talk, cat rings dan, fay and gus are asked; eve has no part in anything.
fn others(s: &mut World) -> (CallId, InviteId, PairId) {
    s.online(["ann", "bob", "cat", "dan", "fay", "gus"]);
    s.attach("eve");
    let call = s.call("ann", "bob", 600);
    let ring = s.rings("cat", "dan", 60);
    s.skips("dan");
    s.says("fay", pair_asking());
    s.says("gus", pair_asking());
    s.after(millis(250));
    let Some(Event::Paired(paired)) = s.next_event("fay") else { panic!("asked") };
    s.skips("gus");
    (call, ring, paired.pair)
}

#[test]
fn every_command_of_a_stranger_with_the_ids_of_others_gets_the_documented_code_and_moves_nobody() {
    story(|s| {
        let (call, ring, pair_id) = others(s);
        let all = of_others(call, ring, pair_id);
        let names: BTreeSet<&str> = all.iter().map(|(command, _)| command_name(command)).collect();
        assert_eq!((names.len(), all.len()), (COMMANDS, COMMANDS), "each command once");
        for (command, code) in all {
            let name = command_name(&command);
            // Eve is in no lobby for each of them.
            s.says("eve", leave());
            let answer = s.tries("eve", command);
            assert_eq!(answer.as_ref().map_or_else(|reason| reason.code(), |_| "ok"), code, "{name}: {answer:?}");
            for who in ["ann", "bob", "cat", "dan", "fay", "gus", "eve"] {
                s.hears_nothing(who);
            }
        }
        let usage = s.usage();
        assert_eq!((usage.calls, usage.invites, usage.tickets), (1, 1, 2));
        s.says("fay", confirm(pair_id));
        s.says("dan", accept(ring, 60));
        s.says("bob", chat(call, "all is well"));
    });
}

#[test]
fn every_command_with_an_id_that_was_never_given_out_is_unknown() {
    story(|s| {
        s.online(["eve"]);
        for (command, code) in of_others(CallId(77), InviteId(77), PairId(77)) {
            let unknown = match code {
                "not_member" => "unknown_call",
                "not_yours" => "unknown_invite",
                _ => continue,
            };
            s.refused("eve", command, unknown);
        }
    });
}

#[test]
fn every_command_of_a_connection_that_is_no_more_is_not_heard() {
    // S23: one mistyped or late message ended the whole process.
    story(|s| {
        let (call, ring, pair_id) = others(s);
        let link = s.link("dan");
        s.closes("dan");
        s.skips("cat");
        let from = s.transcript.len();
        for (number, (command, _)) in of_others(call, ring, pair_id).into_iter().enumerate() {
            s.input(Input::Command { link, number: number as u64 + 50, command: Ok(command) });
        }
        assert_eq!(s.transcript.len(), from);
    });
}

#[test]
fn what_was_not_understood_is_answered_and_harms_nobody_s23() {
    // S23: one empty or mistyped message ended the whole process.
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        for _ in 0..100 {
            let number = s.next_number("ann");
            let reason = duologue_core::wire::Reason::field("t", "a known type");
            assert_eq!(s.says_numbered("ann", number, Err(reason.clone())), Some(Err(reason)));
        }
        s.hears_nothing("bob");
        s.says("ann", hang_up(call));
    });
}

#[test]
fn signals_before_the_call_is_there_are_refused_and_not_lost_in_silence_s24() {
    // S24: signals sent before the callee is ready were lost in silence.
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("ann", "bob", 60);
        s.refused("ann", offer(CallId(1)), "unknown_call");
        s.refused("ann", candidates(CallId(1)), "unknown_call");
    });
}

#[test]
fn every_deadline_there_is_fires_somewhere() {
    let wanted = [
        Due::CallEnd(CallId(0)),
        Due::Confirm(PairId(0)),
        Due::Flush,
        Due::ForgetPast,
        Due::ForgetUsers,
        Due::Grace(LinkId(0)),
        Due::Load(Ticket(0)),
        Due::LookAgain,
        Due::Ready,
        Due::Ring(InviteId(0)),
        Due::Round,
        Due::SeatGrace(CallId(0), 0),
        Due::Session(LinkId(0)),
        Due::Shutdown,
        Due::Sweep,
    ];
    let mut s = World::new(Default::default(), Default::default(), Driver::Punctual);
    // Ready, and a load that does not come.
    s.online(["ann", "bob", "cat", "dan", "eve"]);
    s.is_store_slow = true;
    let hello = s.hello("fay");
    s.offers_hello("fay", hello);
    s.after(secs(10));
    s.store_answers();
    // A window's flush, a ring's end, a pair nobody confirms, a ticket that sleeps too long.
    s.says("cat", window(5));
    s.says("dan", leave());
    s.says("dan", join());
    s.rings("ann", "bob", 60);
    s.says("cat", pair_asking());
    s.says("dan", pair_asking());
    s.after(secs(25));
    s.says("eve", pair());
    s.closes("eve");
    s.after(secs(70));
    // A call at its deadline, and one whose member does not come back.
    s.call("ann", "bob", 60);
    s.after(secs(60));
    s.call("cat", "dan", 60);
    s.loses("dan");
    s.after(secs(20));
    // A cooldown that keeps two tickets apart, the forgotten, the sweep, the end of sessions.
    s.online(["lea", "lou"]);
    let ring = s.rings("lea", "lou", 60);
    s.says("lea", rescind(ring));
    s.says("lea", pair());
    s.says("lou", pair());
    s.after(Span::hours(3));
    s.online(["gus", "hal"]);
    s.call("gus", "hal", 60);
    s.input(Input::Drain { end_calls: true });
    s.knows("ivy");
    let now = s.now;
    s.rows.sessions.insert(session("ivy"), (user("ivy"), now + MINUTE));
    let hello = Attach { takes: Some(s.link("gus")), ..s.hello("gus") };
    s.says_hello("gus", hello).expect("a resume");
    s.restart();
    s.attach("ivy");
    s.after(MINUTE);
    // The end of a seat's grace alone: nobody came back after a restart.
    s.online(["jon", "kim"]);
    s.call("jon", "kim", 600);
    s.restart();
    s.after(MINUTE);
    let missing: Vec<_> = wanted.iter().map(|due| due_name(*due)).filter(|name| !s.fired.contains(name)).collect();
    assert!(missing.is_empty(), "never fired: {missing:?} of {:?}", s.fired);
    assert!(s.fired.contains("ticket_sleep"));
}
