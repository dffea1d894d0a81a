//! Limits (RATE): token buckets by user and by address, in the core, on its clock.

mod common;

use common::*;
use duologue_core::input::{Address, Attach, Input, Request};
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::ids::RequestId;
use duologue_core::kit::time::Span;
use duologue_core::output::{Output, Reply};
use duologue_core::wire::{Command, Reason};

fn wait(reason: Reason) -> Span {
    match reason {
        Reason::RateLimited { retry_after } => retry_after,
        other => panic!("too often: {other:?}"),
    }
}

fn from(s: &mut World, device: &str, address: u128) {
    let hello = Attach { address: Address(address), ..s.hello(device) };
    s.says_hello(device, hello).expect("welcome");
}

fn asks_from(s: &mut World, id: u64, address: u128, request: Request) -> Reply {
    s.input(Input::Request { id: RequestId(id), who: None, address: Address(address), request });
    let reply = s.transcript.iter().rev().find_map(|output| match output {
        Output::Reply { to, reply, .. } if *to == RequestId(id) => Some(reply.clone()),
        _ => None,
    });
    reply.expect("a reply")
}

fn guest(n: u64) -> Request {
    let name = format!("g{n}");
    Request::Guest { user: user(&name), session: session(&name), name, gender: None }
}

#[test]
fn rate_six_rings_a_minute_a_user() {
    story(|s| {
        s.online(["bob"]);
        s.attach("ann");
        for _ in 0..6 {
            s.refused("ann", invite("nobody", 60), "offline");
        }
        let retry = wait(s.refused("ann", invite("bob", 60), "rate_limited"));
        assert_eq!(retry, secs(10));
        s.after(just_before(retry));
        s.refused("ann", invite("bob", 60), "rate_limited");
        s.after(millis(1));
        s.rings("ann", "bob", 60);
        // On whatever connection, and whoever else is free to ring.
        s.attach("ann/2");
        s.refused("ann/2", invite("bob", 60), "rate_limited");
        s.online(["cat"]);
        s.rings("cat", "bob", 60);
    });
}

#[test]
fn rate_thirty_rings_a_minute_an_address() {
    story(|s| {
        for n in 0..5 {
            let caller = format!("a{n}");
            s.attach(&caller);
            for _ in 0..6 {
                s.refused(&caller, invite("nobody", 60), "offline");
            }
        }
        s.attach("ann");
        s.refused("ann", invite("nobody", 60), "rate_limited");
        from(s, "bob", 0xffff_c000_0202);
        s.refused("bob", invite("nobody", 60), "offline");
    });
}

#[test]
fn rate_a_ring_that_its_address_is_refused_costs_its_user_nothing() {
    story_with(
        |rules, _| {
            rules.rate_rings = Rate::per(1, HOUR, 1);
            rules.rate_rings_address = Rate::per(1, MINUTE, 1);
        },
        |s| {
            s.attach("ann");
            s.attach("bob");
            s.refused("ann", invite("nobody", 60), "offline");
            assert_eq!(wait(s.refused("bob", invite("nobody", 60), "rate_limited")), MINUTE);
            s.after(MINUTE);
            s.refused("bob", invite("nobody", 60), "offline");
        },
    );
}

#[test]
fn rate_an_address_of_the_sixth_version_counts_by_its_64() {
    let rings = |s: &mut World, device: &str, address: u128| {
        from(s, device, address);
        s.tries(device, invite("nobody", 60)).expect_err("nobody is there").code()
    };
    story_with(
        |rules, _| rules.rate_rings_address = Rate::per(1, MINUTE, 1),
        |s| {
            let block = 0x2001_0db8_0000_0001_u128 << 64;
            assert_eq!(rings(s, "ann", block | 1), "offline");
            assert_eq!(rings(s, "bob", block | 0xffff_ffff_ffff_ffff), "rate_limited");
            assert_eq!(rings(s, "cat", (0x2001_0db8_0000_0002_u128 << 64) | 1), "offline");
            // The fourth version counts whole addresses.
            assert_eq!(rings(s, "dan", 0xffff_c000_0201), "offline");
            assert_eq!(rings(s, "eve", 0xffff_c000_0202), "offline");
        },
    );
}

#[test]
fn rate_exempt_networks_are_not_counted_by_address() {
    story_with(
        |rules, _| {
            rules.rate_rings_address = Rate::per(1, HOUR, 1);
            rules.rate_guests = Rate::per(1, HOUR, 1);
            rules.exempt = vec![(0xffff_0a00_0000, 0xffff_0aff_ffff)];
        },
        |s| {
            for (n, device) in ["ann", "bob", "cat"].into_iter().enumerate() {
                from(s, device, 0xffff_0a00_0001);
                s.refused(device, invite("nobody", 60), "offline");
                assert!(matches!(asks_from(s, n as u64 + 1, 0xffff_0a00_0001, guest(n as u64)), Reply::Guest { .. }));
            }
            from(s, "dan", 0xffff_0b00_0001);
            s.refused("dan", invite("nobody", 60), "offline");
            s.refused("dan", invite("nobody", 60), "rate_limited");
        },
    );
}

#[test]
fn rate_five_lines_of_chat_a_second_ten_at_once() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        for _ in 0..10 {
            s.says("ann", chat(call, "hi"));
        }
        assert_eq!(wait(s.refused("ann", chat(call, "hi"), "rate_limited")), millis(200));
        s.says("bob", chat(call, "hi"));
        s.after(millis(200));
        s.says("ann", chat(call, "hi"));
        s.refused("ann", chat(call, "hi"), "rate_limited");
        assert_eq!(s.rows.chat.len(), 12);
    });
}

#[test]
fn rate_twenty_guests_an_hour_an_address_s16() {
    // S16: making guests was not limited.
    story(|s| {
        for n in 1..=20 {
            assert!(matches!(asks_from(s, n, 0xffff_c000_0201, guest(n)), Reply::Guest { .. }));
        }
        assert!(matches!(asks_from(s, 21, 0xffff_c000_0201, guest(21)), Reply::No(Reason::RateLimited { .. })));
        assert!(matches!(asks_from(s, 22, 0xffff_c000_0202, guest(22)), Reply::Guest { .. }));
        s.after(Span::mins(3));
        assert!(matches!(asks_from(s, 23, 0xffff_c000_0201, guest(23)), Reply::Guest { .. }));
    });
}

#[test]
fn rate_five_hundred_requests_a_minute() {
    story(|s| {
        s.attach("ann");
        for _ in 0..500 {
            assert!(matches!(s.asks("ann", Request::Me), Reply::Me { .. }));
        }
        assert!(matches!(s.asks("ann", Request::Me), Reply::No(Reason::RateLimited { .. })));
        s.after(millis(120));
        assert!(matches!(s.asks("ann", Request::Me), Reply::Me { .. }));
    });
}

#[test]
fn rate_fifty_reports_an_hour() {
    story_with(
        |rules, _| rules.report_needs_call = false,
        |s| {
            s.attach("ann");
            for n in 0..50 {
                s.says("ann", report(&format!("p{n}")));
            }
            s.refused("ann", report("q"), "rate_limited");
            s.after(secs(72));
            s.says("ann", report("q"));
        },
    );
}

#[test]
fn rate_a_rate_of_zero_is_off() {
    story_with(
        |rules, _| {
            rules.rate_rings = Rate::OFF;
            rules.rate_rings_address = Rate::OFF;
        },
        |s| {
            s.attach("ann");
            for _ in 0..200 {
                s.refused("ann", invite("nobody", 60), "offline");
            }
        },
    );
}

#[test]
fn rate_what_the_gateway_found_too_fast_costs_no_number_and_nothing_else() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("bob", "ann", 60);
        let number = s.next_number("ann");
        let too_fast: Result<Command, Reason> = Err(Reason::RateLimited { retry_after: millis(33) });
        for _ in 0..100 {
            assert!(matches!(s.says_numbered("ann", number, too_fast.clone()), Some(Err(Reason::RateLimited { .. }))));
        }
        assert!(matches!(s.says_numbered("ann", number, Ok(leave())), Some(Ok(_))));
    });
}

#[test]
fn rate_the_limiter_s_own_memory_is_bounded() {
    story_with(
        |_, limits| limits.buckets_max = 8,
        |s| {
            for n in 0..100_u64 {
                let reply = asks_from(s, n + 1, 0xffff_0000_0000 + u128::from(n), guest(n));
                let is_limited = matches!(reply, Reply::No(Reason::RateLimited { .. }));
                assert_eq!(is_limited, n >= 8, "{n}: {reply:?}");
            }
            // Buckets that are full again make room.
            s.after(HOUR);
            assert!(matches!(asks_from(s, 200, 0xffff_0000_0200, guest(200)), Reply::Guest { .. }));
        },
    );
}
