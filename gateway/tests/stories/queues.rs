//! CON 7: readers that do not read.

use crate::world::{World, config, line, long};
use duologue_core::input::{Input, LinkEnd};
use duologue_core::output::WindowView;
use duologue_core::wire::{Closing, ServerMessage, View};
use duologue_gateway::Config;

#[test]
fn con_7_a_reader_that_does_not_read_is_closed_at_a_bound_and_may_resume() {
    let mut w = World::new(Config { replay_bytes: 128 * 1024, ..config() });
    let ann = w.connected();
    w.stalled.insert(ann.conn);
    let mut count = 0;
    while w.closing_of(ann.conn).is_none() {
        count += 1;
        assert!(count < 200, "bounded");
        w.numbered(ann.link, long(1_000));
        assert!(w.gateway.usage().queue_bytes <= 64 * 1024);
    }
    assert_eq!(w.closing_of(ann.conn), Some(Closing::SlowConsumer));
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Lost });
    let seen = w.hears(ann.conn).len() as u64;
    assert!(count - seen <= 66);
    let (conn, attach) = w.resumes(&ann, seen);
    w.welcomed(ann.link, attach.link);
    assert!(w.welcome(conn).recovered, "as much as waited is kept for it");
    let replayed = w.hears(conn).into_iter().filter(|message| matches!(message, ServerMessage::Event { .. })).count() as u64;
    assert_eq!(replayed, count - seen);
}

#[test]
fn con_7_events_go_ahead_of_views_and_views_merge() {
    let mut w = World::new(Config { out_bytes: 4_000, ..config() });
    let ann = w.connected();
    w.view(ann.link, WindowView::Opened { size: 2, places: vec![], available: 1 });
    w.hears(ann.conn);
    w.stalled.insert(ann.conn);
    w.numbered(ann.link, long(4_000));
    w.numbered(ann.link, line(2));
    for available in 2..9 {
        w.view(ann.link, WindowView::Changes { set: vec![(1, None)], available });
    }
    w.numbered(ann.link, line(3));
    assert_eq!(w.hears(ann.conn).len(), 1);
    w.stalled.clear();
    w.drain();
    let heard = w.hears(ann.conn);
    assert!(matches!(heard[0], ServerMessage::Event { seq: 2, .. }));
    assert!(matches!(heard[1], ServerMessage::Event { seq: 3, .. }));
    let delta = View::WindowDelta { version: 2, set: vec![(1, None)], available: Some(8) };
    assert_eq!(heard[2..], [ServerMessage::View(delta)]);
}

#[test]
fn con_7_over_all_links_who_has_most_waiting_is_closed_first() {
    let mut w = World::new(Config { total_bytes: 60_000, out_bytes: 20_000, replay_bytes: 1, ..config() });
    let (ann, bob) = (w.connected(), w.connected());
    for client in [&ann, &bob] {
        w.stalled.insert(client.conn);
        w.numbered(client.link, long(20_000));
    }
    w.gateway.check();
    w.numbered(ann.link, long(15_000));
    w.numbered(bob.link, long(10_000));
    assert_eq!((w.closing_of(ann.conn), w.closing_of(bob.conn)), (None, None));
    let many: Vec<_> = (0..4).map(|_| w.connected()).collect();
    for client in &many {
        w.stalled.insert(client.conn);
        w.numbered(client.link, long(20_000));
        w.numbered(client.link, long(9_000));
    }
    assert_eq!(w.closing_of(ann.conn), Some(Closing::SlowConsumer));
    assert_eq!(w.closing_of(bob.conn), None);
}

#[test]
fn con_4_the_event_that_closes_a_slow_reader_counts_too() {
    let mut w = World::new(Config { total_bytes: 5_000, out_bytes: 2_000, ..config() });
    let (ann, bob) = (w.connected(), w.connected());
    w.cut(bob.conn);
    w.numbered(bob.link, long(2_000));
    w.stalled.insert(ann.conn);
    w.numbered(ann.link, long(2_000));
    w.numbered(ann.link, long(2_001));
    assert_eq!(w.closing_of(ann.conn), Some(Closing::SlowConsumer));
    assert!(w.gateway.usage().replay_bytes <= 5_000);
}
