//! What must hold across parts. Recomputed whole, the slow plain way; the simulator calls it.

use crate::desk::Desk;
use crate::due::Due;
use crate::parts::Parts;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

pub fn check(parts: &Parts, desk: &Desk) {
    parts.links.check(parts.people.all());
    parts.lobbies.check();
    parts.invites.check(parts.people.all());
    parts.calls.check();
    parts.tickets.check();
    parts.draws.check();
    parts.reels.check(|link| parts.links.get(link).is_some());
    parts.windows.check(parts.people.all());
    for user in parts.people.all() {
        let drawn = parts.lobbies.of(user);
        assert_eq!(drawn.is_some(), parts.is_available(user), "PRE 4, LOB 1: drawn is in the lobby, connected and free");
        assert!(drawn.is_none() || drawn == parts.people.lobby(user), "drawn where joined");
        assert!(parts.invites.count_out(user) <= desk.rules.invites_out as usize, "INV 2");
        assert!(parts.invites.count_in(user) <= desk.rules.invites_in as usize, "INV 2");
        assert!(parts.links.of(user).len() <= desk.rules.per_user as usize, "CON 2");
        let clients: Vec<_> = parts.links.of(user).iter().filter_map(|link| parts.links.get(*link)?.client).collect();
        assert_eq!(clients.iter().collect::<BTreeSet<_>>().len(), clients.len(), "CON 5: a client has one connection");
        for invite in parts.invites.of(user) {
            assert!(parts.calls.of(user).is_none(), "INV 6: whoever is in a call rings nobody");
            assert!(parts.links.is_present(user), "INV: rings end with the last connection");
            assert_eq!(desk.timers.at(Due::Ring(invite.id)), Some(invite.expires), "INV 3: each ring has its end");
        }
    }
    for call in parts.calls.all() {
        for user in call.users {
            assert_eq!(parts.calls.of(user), Some(call.id), "CALL 10, PRE 1: in_call to its partner as long as there is a call");
        }
        assert_eq!(desk.timers.at(Due::CallEnd(call.id)), Some(call.deadline), "CALL 1: each call has its end");
        for (side, member) in call.members.iter().enumerate() {
            let lost = desk.timers.at(Due::SeatGrace(call.id, side as u8));
            assert_eq!(lost, member.lost_until, "CALL 6: a lost seat has its end");
            let is_there = member.seat.is_some_and(|seat| parts.links.is_there(seat));
            assert_eq!(is_there, member.lost_until.is_none(), "CALL 11: a seat is there or lost");
        }
    }
    for (no, window) in parts.windows.all() {
        let may: BTreeSet<_> = parts
            .lobbies
            .all(window.lobby)
            .iter()
            .copied()
            .filter(|user| {
                let gender = parts.lobbies.gender(*user).expect("drawn");
                window.is_awake()
                    && parts.may_see(window.viewer, *user)
                    && window.accepts.accepts(|| Some(gender), || parts.people.card(*user))
            })
            .collect();
        let shown: BTreeSet<_> = window.shown().map(|(_, user, _)| user).collect();
        assert!(shown.is_subset(&may), "LOB 2, 3: a window shows only whom it may, {no:?}");
    }
}
