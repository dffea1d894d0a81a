//! SIG and CALL 3, 11: signals between seats.

use crate::world::{Client, World, config, line};
use duologue_core::input::Input;
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::Span;
use duologue_core::output::{FactNo, Output, WindowView};
use duologue_core::wire::{Candidate, Candidates, Command, Description, Done, Event, Reason, SdpKind, ServerMessage, View};

fn offer(epoch: u32, sdp: &str) -> Command {
    Command::Description(Description { call: CallId(9), epoch, kind: SdpKind::Offer, sdp: sdp.into() })
}

fn candidates(epoch: u32, from: u32, count: u32) -> Command {
    let candidate = |n: u32| Candidate { candidate: format!("candidate:{n}"), mid: Some("0".into()), line: None };
    Command::Candidates(Candidates { call: CallId(9), epoch, from, candidates: (from..from + count).map(candidate).collect(), done: false })
}

fn in_call() -> (World, Client, Client) {
    let mut w = World::new(config());
    let (ann, bob) = (w.connected(), w.connected());
    w.seats(9, 1, [ann.link, bob.link]);
    (w, ann, bob)
}

#[test]
fn call_3_a_signal_from_a_seat_is_relayed_numbered_and_never_sees_the_engine() {
    let (mut w, ann, bob) = in_call();
    w.command(ann.conn, 1, offer(1, "v=0"));
    assert_eq!(w.hears(ann.conn), [ServerMessage::Ok { re: 1, done: Done::Signal { stale: false } }]);
    let [ServerMessage::Event { seq: 1, event: Event::Description(description) }] = &w.hears(bob.conn)[..] else { panic!("not relayed") };
    assert_eq!((description.epoch, description.sdp.as_str()), (1, "v=0"));
    assert!(w.inputs.is_empty());
}

#[test]
fn sig_5_what_is_compact_passes_between_two_who_read_it_and_is_refused_for_others() {
    for (bobs, passes) in [(7, true), (0, false), (8, false)] {
        let mut w = World::new(config());
        w.sdp = 7;
        let ann = w.connected();
        w.sdp = bobs;
        let bob = w.connected();
        w.seats(9, 1, [ann.link, bob.link]);
        w.command(ann.conn, 1, offer(1, "~7.AAAA"));
        if passes {
            assert_eq!(w.hears(ann.conn), [ServerMessage::Ok { re: 1, done: Done::Signal { stale: false } }]);
        } else {
            let [ServerMessage::No { re: 1, reason: Reason::BadMessage { field, .. } }] = &w.hears(ann.conn)[..] else { panic!("taken") };
            assert_eq!(field.as_deref(), Some("sdp"));
            w.command(ann.conn, 2, offer(1, "~0.~v=0"));
        }
        let [ServerMessage::Event { event: Event::Description(description), .. }] = &w.hears(bob.conn)[..] else { panic!("not relayed") };
        assert_eq!(
            description.sdp,
            if passes {
                "~7.AAAA"
            } else if bobs == 0 {
                "~v=0"
            } else {
                "~0.~v=0"
            }
        );
    }
}

#[test]
fn call_3_signals_without_a_seat_go_to_the_engine_which_refuses() {
    let (mut w, ann, bob) = in_call();
    let eve = w.connected();
    w.command(eve.conn, 1, offer(1, "v=0"));
    let Input::Command { link, number: 1, .. } = w.input() else { panic!("not asked") };
    assert_eq!(link, eve.link);
    w.answered(eve.link, 1, Err(Reason::NotMember));
    assert_eq!(w.hears(eve.conn), [ServerMessage::No { re: 1, reason: Reason::NotMember }]);
    assert!(w.hears(ann.conn).is_empty() && w.hears(bob.conn).is_empty());
    w.release(Output::Unseat { call: CallId(9), after: FactNo(0), seats: [Some(ann.link), Some(bob.link)] });
    w.command(ann.conn, 1, offer(1, "v=0"));
    let Input::Command { .. } = w.input() else { panic!("not asked") };
    assert!(w.hears(bob.conn).is_empty());
}

#[test]
fn call_3_what_waits_when_the_call_ends_is_dropped() {
    let (mut w, ann, bob) = in_call();
    w.command(ann.conn, 1, offer(1, "v=0"));
    w.command(ann.conn, 2, candidates(1, 0, 1));
    w.command(ann.conn, 3, candidates(1, 1, 1));
    assert_eq!(w.hears(bob.conn).len(), 2);
    w.release(Output::Unseat { call: CallId(9), after: FactNo(0), seats: [Some(ann.link), Some(bob.link)] });
    w.after(Span::secs(1));
    assert!(w.hears(bob.conn).is_empty());
}

#[test]
fn sig_2_the_rest_of_the_candidates_goes_after_50_ms() {
    let (mut w, ann, bob) = in_call();
    w.command(ann.conn, 1, offer(1, "v=0"));
    w.command(ann.conn, 2, candidates(1, 0, 1));
    w.hears(bob.conn);
    w.command(ann.conn, 3, candidates(1, 1, 2));
    w.after(Span::millis(49));
    assert!(w.hears(bob.conn).is_empty());
    w.after(Span::millis(1));
    let [ServerMessage::Event { event: Event::Candidates(batch), .. }] = &w.hears(bob.conn)[..] else { panic!("no batch") };
    assert_eq!((batch.from, batch.candidates.len()), (1, 2));
}

#[test]
fn sig_1_signals_to_a_peer_in_its_grace_wait_in_its_replay_buffer() {
    let (mut w, ann, bob) = in_call();
    w.cut(bob.conn);
    w.command(ann.conn, 1, offer(1, "v=0"));
    w.inputs.clear();
    let (conn, attach) = w.resumes(&bob, 0);
    w.welcomed(bob.link, attach.link);
    assert!(w.welcome(conn).recovered);
    assert!(matches!(w.hears(conn)[..], [ServerMessage::Event { seq: 1, event: Event::Description(_) }]));
}

#[test]
fn sig_1_call_11_a_moved_seat_speaks_under_the_new_epoch_only() {
    let (mut w, ann, bob) = in_call();
    let tablet = w.connected();
    w.seats(9, 2, [tablet.link, bob.link]);
    w.command(ann.conn, 1, offer(2, "v=0"));
    let Input::Command { .. } = w.input() else { panic!("the old seat is refused by the engine") };
    w.command(bob.conn, 1, offer(1, "old"));
    assert_eq!(w.hears(bob.conn), [ServerMessage::Ok { re: 1, done: Done::Signal { stale: true } }]);
    w.command(bob.conn, 2, offer(2, "new"));
    assert!(matches!(w.hears(tablet.conn)[..], [ServerMessage::Event { seq: 1, event: Event::Description(_) }]));
}

#[test]
fn sig_4_con_7_no_reading_peer_is_closed_by_what_the_other_one_may_send_at_once() {
    let (mut w, ann, bob) = in_call();
    w.stalled.insert(bob.conn);
    let sdp = |n: u32| format!("{n}{}", "\"".repeat(30_000));
    for n in 0..6 {
        w.command(ann.conn, 1, offer(1, &sdp(n)));
    }
    w.command(ann.conn, 2, candidates(1, 0, 64));
    w.numbered(bob.link, line(1));
    w.view(bob.link, WindowView::Opened { size: 1, places: vec![], available: 0 });
    assert!(w.gateway.usage().queue_bytes > 64 * 1024, "what waits in the relay is counted");
    w.stalled.clear();
    w.drain();
    assert_eq!(w.closing_of(bob.conn), None);
    let (mut said, mut from, mut seqs) = (0, 0, Vec::new());
    let heard = w.hears(bob.conn);
    let Some((ServerMessage::View(View::Window { .. }), events)) = heard.split_last() else { panic!("the view waits for the signals") };
    for message in events {
        let ServerMessage::Event { seq, event } = message else { panic!("{message:?}") };
        seqs.push(*seq);
        match event {
            Event::Description(description) => {
                assert_eq!(description.sdp, sdp(said));
                said += 1;
            }
            Event::Candidates(batch) => {
                assert_eq!((said, batch.from), (6, from));
                from += batch.candidates.len() as u32;
            }
            Event::Chat { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((said, from), (6, 60), "the last four wait for their batch");
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(w.gateway.usage().queue_bytes, 0);
}

#[test]
fn sig_1_what_a_slow_peer_had_not_read_when_its_socket_went_is_kept_for_its_resume() {
    let (mut w, ann, bob) = in_call();
    w.stalled.insert(bob.conn);
    for n in 0..4 {
        w.command(ann.conn, 1, offer(1, &format!("{n}{}", "x".repeat(20_000))));
    }
    w.command(ann.conn, 1, offer(1, "last"));
    let seen = w.hears(bob.conn).len() as u64;
    w.cut(bob.conn);
    assert_eq!(w.gateway.usage().queue_bytes, 0);
    w.inputs.clear();
    let (conn, attach) = w.resumes(&bob, seen);
    w.welcomed(bob.link, attach.link);
    assert!(w.welcome(conn).recovered);
    let last = w.hears(conn).pop();
    assert!(matches!(&last, Some(ServerMessage::Event { seq: 5, event: Event::Description(last) }) if last.sdp == "last"), "{last:?}");
}

#[test]
fn call_3_what_waits_for_a_slow_peer_ends_with_the_call() {
    let (mut w, ann, bob) = in_call();
    w.stalled.insert(bob.conn);
    for n in 0..6 {
        w.command(ann.conn, 1, offer(1, &format!("{n}{}", "x".repeat(30_000))));
    }
    let before = w.hears(bob.conn).len();
    w.release(Output::Unseat { call: CallId(9), after: FactNo(0), seats: [Some(ann.link), Some(bob.link)] });
    assert_eq!(w.gateway.usage().queue_bytes, 0);
    w.stalled.clear();
    w.drain();
    assert!(before < 6 && w.hears(bob.conn).is_empty());
}
