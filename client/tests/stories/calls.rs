//! The call that goes on, and the server's clock.

use crate::script::{AHEAD, story};
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{CallEnded, Command, Done, Event, PeerLink, Totals, Why};

pub fn ended(call: u64) -> CallEnded {
    CallEnded { call: CallId(call), why: Why::HangUp, seconds: 61, cooldown_until: Millis(AHEAD), totals: Totals::default() }
}

#[test]
fn a_call_is_followed_from_its_start_to_its_end() {
    story(|s| {
        s.in_a_call(7);
        let call = |s: &crate::script::Story| s.engine.call().expect("a call").clone();
        let (call_id, until) = (CallId(7), Millis(AHEAD + 30_000));
        s.event(2, Event::PeerLink { call: call_id, state: PeerLink::Reconnecting { until } });
        assert_eq!(call(s).peer_lost_until(), Some(until));
        s.event(3, Event::PeerLink { call: call_id, state: PeerLink::Back }).event(4, Event::Renegotiate { call: call_id, epoch: 2 });
        assert_eq!((call(s).peer_lost_until(), call(s).started().epoch), (None, 2));
        s.asks(1, Command::Renegotiate { call: call_id }).sent(1, Command::Renegotiate { call: call_id }).ok(1, Done::Epoch { epoch: 3 });
        assert_eq!(call(s).started().epoch, 3);
        let deadline = Millis(AHEAD + 400_000);
        s.event(5, Event::CallExtended { call: call_id, deadline, now: Millis(AHEAD), extensions_left: 2 });
        assert_eq!((call(s).started().deadline, call(s).extensions_left()), (deadline, Some(2)));
        s.event(6, Event::CallEnded(Box::new(ended(6))));
        assert_eq!(call(s).id(), call_id, "the end of another call");
        s.event(7, Event::CallEnded(Box::new(ended(7))));
        assert_eq!(s.engine.call(), None);
    });
}

#[test]
fn the_time_left_is_counted_on_the_servers_clock() {
    story(|s| {
        s.in_a_call(7).after(Span::secs(55));
        let server_time = s.engine.server_time(s.now).expect("measured with the welcome");
        assert_eq!(server_time, Millis(AHEAD + 60_000));
        assert_eq!(s.engine.call().map(|call| call.time_left(server_time)), Some(Span::secs(240)));
        s.sent_ping();
    });
}

#[test]
fn the_clock_is_measured_on_request() {
    story(|s| {
        s.sleeps(Span::secs(5));
        s.input(duologue_client::Input::MeasureClock);
        s.sent_ping().sleeps(Span::millis(100));
        s.says(duologue_core::wire::ServerMessage::Pong { now: Millis(AHEAD + 7_050) });
        assert_eq!(s.engine.server_time(s.now), Some(Millis(AHEAD + 7_100)));
    });
}
