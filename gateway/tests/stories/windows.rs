//! Windows over resumes.

use crate::world::{World, card, config};
use duologue_core::output::WindowView;
use duologue_core::wire::{Marks, Resume, View};

#[test]
fn lob_2_after_a_resume_the_clients_window_equals_the_servers() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.view(ann.link, WindowView::Opened { size: 3, places: vec![(0, Some((card(5), Marks::default())))], available: 1 });
    let [View::Window { version: 1, .. }] = w.hears_views(ann.conn)[..] else { panic!("no window") };
    w.cut(ann.conn);
    w.input();
    // Nothing changed: nothing comes.
    let conn = w.open();
    w.hello(conn, Some(Resume { token: ann.token.clone(), seq: 0, window: Some(1) }));
    let attach = w.attached();
    w.welcomed(ann.link, attach.link);
    let token = w.welcome(conn).resume;
    assert!(w.hears(conn).is_empty());
    // Something changed meanwhile: the places that did.
    w.cut(conn);
    w.input();
    w.view(ann.link, WindowView::Changes { set: vec![(0, None)], available: 0 });
    let conn = w.open();
    w.hello(conn, Some(Resume { token: token.clone(), seq: 0, window: Some(1) }));
    let attach = w.attached();
    w.welcomed(ann.link, attach.link);
    let token = w.welcome(conn).resume;
    assert_eq!(w.hears_views(conn), [View::WindowDelta { version: 2, set: vec![(0, None)], available: Some(0) }]);
    // It has not seen the last version: a fresh window, counted on.
    w.cut(conn);
    w.input();
    let conn = w.open();
    w.hello(conn, Some(Resume { token, seq: 0, window: Some(1) }));
    let attach = w.attached();
    w.welcomed(ann.link, attach.link);
    w.welcome(conn);
    assert_eq!(w.hears_views(conn), [View::Window { version: 3, size: 3, places: vec![], available: 0 }]);
}

#[test]
fn whoever_is_taken_over_by_its_client_gets_a_fresh_window() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.view(ann.link, WindowView::Opened { size: 3, places: vec![], available: 1 });
    w.hears(ann.conn);
    let conn = w.open();
    w.hello(conn, Some(Resume { token: "forgotten".into(), seq: 0, window: Some(1) }));
    let attach = w.attached();
    w.welcomed(ann.link, attach.link);
    w.welcome(conn);
    assert_eq!(w.hears_views(conn), [View::Window { version: 2, size: 3, places: vec![], available: 1 }]);
}

#[test]
fn a_closed_window_says_nothing_and_one_opened_after_it_goes_on_counting() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.view(ann.link, WindowView::Opened { size: 3, places: vec![], available: 1 });
    w.hears(ann.conn);
    w.view(ann.link, WindowView::Closed);
    w.view(ann.link, WindowView::Changes { set: vec![(0, None)], available: 9 });
    assert!(w.hears(ann.conn).is_empty());
    w.view(ann.link, WindowView::Opened { size: 2, places: vec![], available: 1 });
    assert_eq!(w.hears_views(ann.conn), [View::Window { version: 2, size: 2, places: vec![], available: 1 }]);
}
