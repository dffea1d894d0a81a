//! The relay, rule by rule (SIG 1, 2, 4, 5).

use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Answer, Candidate, Candidates, Description, Done, Event, Reason, SdpKind};
use duologue_signaling::{Relay, RelayLimits, Side};
use proptest::prelude::*;

const T: Millis = Millis(1_000_000);
const GONE: Answer = Ok(Done::Signal { stale: false });

fn relay() -> Relay {
    Relay::new(CallId(1), 1, RelayLimits::default())
}

fn offer(epoch: u32, sdp: &str) -> Description {
    Description { call: CallId(1), epoch, kind: SdpKind::Offer, sdp: sdp.into() }
}

fn candidate(n: u32) -> Candidate {
    Candidate { candidate: format!("candidate:{n} 1 udp 1 192.0.2.1 9 typ host"), mid: Some("0".into()), line: Some(0) }
}

fn candidates(from: u32, count: u32) -> Candidates {
    Candidates { call: CallId(1), epoch: 1, from, candidates: (from..from + count).map(candidate).collect(), done: false }
}

fn done(from: u32) -> Candidates {
    Candidates { done: true, ..candidates(from, 0) }
}

fn batches(relay: &mut Relay) -> Vec<(u32, usize, bool)> {
    let mut batches = Vec::new();
    while let Some(event) = relay.poll_output(Side::Second) {
        match event {
            Event::Candidates(batch) => batches.push((batch.from, batch.candidates.len(), batch.done)),
            Event::Description(_) => batches.push((u32::MAX, 0, false)),
            other => panic!("not a signal: {other:?}"),
        }
    }
    batches
}

#[test]
fn sig_1_another_epoch_is_stale_and_not_relayed() {
    let mut relay = relay();
    for epoch in [0, 2] {
        assert_eq!(relay.handle_description(T, Side::First, offer(epoch, "v=0")), Ok(Done::Signal { stale: true }));
        let late = Candidates { epoch, ..candidates(0, 1) };
        assert_eq!(relay.handle_candidates(T, Side::First, late), Ok(Done::Signal { stale: true }));
    }
    assert_eq!(relay.poll_output(Side::Second), None);
}

#[test]
fn sig_1_early_candidates_wait_for_their_description() {
    let mut relay = relay();
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 3)), GONE);
    relay.handle_timeout(T + Span::secs(1));
    assert_eq!((relay.poll_output(Side::Second), relay.poll_timeout()), (None, None));
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "v=0")), GONE);
    assert_eq!(batches(&mut relay), [(u32::MAX, 0, false), (0, 3, false)]);
}

#[test]
fn sig_1_a_description_of_the_other_side_frees_nobodys_candidates() {
    let mut relay = relay();
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 1)), GONE);
    assert_eq!(relay.handle_description(T, Side::Second, offer(1, "v=0")), GONE);
    assert!(relay.poll_output(Side::First).is_some());
    assert_eq!((relay.poll_output(Side::First), relay.poll_output(Side::Second)), (None, None));
}

#[test]
fn sig_1_the_same_description_again_is_ok_and_not_relayed() {
    let mut relay = relay();
    for _ in 0..20 {
        assert_eq!(relay.handle_description(T, Side::First, offer(1, "v=0")), GONE);
    }
    assert_eq!(batches(&mut relay).len(), 1);
    let answer = Description { kind: SdpKind::Answer, ..offer(1, "v=0") };
    assert_eq!(relay.handle_description(T, Side::First, answer), GONE);
    assert_eq!(batches(&mut relay).len(), 1);
    relay.renumber(2);
    assert_eq!(relay.handle_description(T, Side::First, offer(2, "v=0")), GONE);
    assert_eq!(batches(&mut relay).len(), 1);
}

#[test]
fn sig_1_a_new_epoch_drops_what_waited_and_counts_from_0() {
    let mut relay = relay();
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "v=0")), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 25)), GONE);
    relay.renumber(2);
    assert_eq!((relay.poll_output(Side::Second), relay.poll_timeout()), (None, None));
    assert_eq!(relay.handle_description(T, Side::First, offer(2, "v=0")), GONE);
    let first = Candidates { epoch: 2, ..candidates(0, 1) };
    assert_eq!(relay.handle_candidates(T, Side::First, first), GONE);
    assert_eq!(batches(&mut relay), [(u32::MAX, 0, false), (0, 1, false)]);
}

#[test]
fn sig_2_the_first_at_once_then_20_or_50_ms() {
    let mut relay = relay();
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "v=0")), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 1)), GONE);
    assert_eq!(batches(&mut relay), [(u32::MAX, 0, false), (0, 1, false)]);
    assert_eq!(relay.handle_candidates(T + Span(10), Side::First, candidates(1, 2)), GONE);
    assert_eq!(relay.handle_candidates(T + Span(20), Side::First, candidates(3, 2)), GONE);
    assert_eq!((relay.poll_output(Side::Second), relay.poll_timeout()), (None, Some(T + Span(60))));
    relay.handle_timeout(T + Span(60));
    assert_eq!(batches(&mut relay), [(1, 4, false)]);
    assert_eq!(relay.poll_timeout(), None);
    assert_eq!(relay.handle_candidates(T + Span(70), Side::First, candidates(5, 45)), GONE);
    assert_eq!(batches(&mut relay), [(5, 20, false), (25, 20, false)]);
    relay.handle_timeout(T + Span(120));
    assert_eq!(batches(&mut relay), [(45, 5, false)]);
}

#[test]
fn sig_2_the_end_of_candidates_is_carried_once_and_waits_for_nothing() {
    let mut relay = relay();
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "v=0")), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 1)), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(1, 1)), GONE);
    batches(&mut relay);
    assert_eq!(relay.handle_candidates(T, Side::First, done(2)), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, done(2)), GONE);
    assert_eq!(batches(&mut relay), [(1, 1, true)]);
    // A restart within the epoch gathers again.
    assert_eq!(relay.handle_candidates(T, Side::First, Candidates { done: true, ..candidates(2, 2) }), GONE);
    assert_eq!(batches(&mut relay), [(2, 2, true)]);
}

#[test]
fn sig_2_what_was_sent_before_is_dropped_and_a_gap_is_a_bad_message() {
    let mut relay = relay();
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "v=0")), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 3)), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(1, 4)), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 5)), GONE);
    let gap = relay.handle_candidates(T, Side::First, candidates(6, 1));
    let Err(Reason::BadMessage { field: Some(field), .. }) = gap else { panic!("{gap:?}") };
    assert_eq!(field, "from");
    relay.handle_timeout(T + Span(50));
    assert_eq!(batches(&mut relay), [(u32::MAX, 0, false), (0, 3, false), (3, 2, false)]);
}

#[test]
fn sig_2_candidates_of_an_older_description_stay_in_front_of_a_newer_one() {
    let mut relay = relay();
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "one")), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 1)), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(1, 1)), GONE);
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "two")), GONE);
    assert_eq!(batches(&mut relay), [(u32::MAX, 0, false), (0, 1, false), (1, 1, false), (u32::MAX, 0, false)]);
}

#[test]
fn sig_4_sizes_and_numbers_have_bounds_and_nothing_of_what_is_refused_is_taken() {
    let mut relay = relay();
    let large = "é".repeat(16 * 1024);
    assert_eq!(relay.handle_description(T, Side::First, offer(1, &format!("{large}x"))), Err(Reason::TooLarge));
    assert_eq!(relay.handle_description(T, Side::First, offer(1, &large)), GONE);
    let mut batch = candidates(0, 2);
    batch.candidates[1].candidate = "x".repeat(1025);
    assert_eq!(relay.handle_candidates(T, Side::First, batch.clone()), Err(Reason::TooLarge));
    batch.candidates[1].candidate = "\u{1}".repeat(200);
    assert_eq!(relay.handle_candidates(T, Side::First, batch.clone()), Err(Reason::TooLarge), "1,200 bytes in JSON");
    batch.candidates[1].candidate = "x".repeat(1024);
    assert_eq!(relay.handle_candidates(T, Side::First, batch), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(2, 63)), Err(Reason::TooLarge));
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(2, 62)), GONE);
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(64, 1)), Err(Reason::TooLarge));
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(60, 4)), GONE, "all known");
}

#[test]
fn sig_4_twelve_descriptions_and_one_more_each_minute_over_all_epochs() {
    let mut relay = relay();
    for n in 0..12 {
        assert_eq!(relay.handle_description(T, Side::First, offer(1, &n.to_string())), GONE);
    }
    relay.renumber(2);
    assert_eq!(relay.handle_description(T, Side::First, offer(2, "more")), Err(Reason::TooLarge));
    assert_eq!(relay.handle_description(T, Side::Second, offer(2, "mine")), GONE);
    assert_eq!(relay.handle_description(T + Span::mins(1), Side::First, offer(2, "more")), GONE);
    assert_eq!(relay.handle_description(T + Span::mins(1), Side::First, offer(2, "again")), Err(Reason::TooLarge));
}

#[test]
fn sig_4_a_side_has_256_kib_in_all() {
    let mut relay = relay();
    let sdp = "x".repeat(32 * 1024 - 1);
    for n in 0..8 {
        assert_eq!(relay.handle_description(T, Side::First, offer(1, &format!("{sdp}{n}"))), GONE);
    }
    assert_eq!(relay.handle_description(T, Side::First, offer(1, "x")), Err(Reason::TooLarge));
    assert_eq!(relay.handle_candidates(T, Side::First, candidates(0, 1)), Err(Reason::TooLarge));
}

#[test]
fn sig_4_what_fits_into_no_message_as_json_is_refused_and_a_batch_is_cut_before_it_is_too_large() {
    let limits = RelayLimits { candidate_max_bytes: 16 * 1024, description_max_bytes: 56 * 1024, ..RelayLimits::default() };
    let mut relay = Relay::new(CallId(1), 1, limits);
    assert_eq!(relay.handle_description(T, Side::First, offer(1, &"\"".repeat(32 * 1024))), Err(Reason::TooLarge));
    assert_eq!(relay.handle_description(T, Side::First, offer(1, &"\"".repeat(32 * 1024 - 256))), GONE);
    let mut large = candidates(0, 7);
    for candidate in &mut large.candidates {
        candidate.candidate = "\"".repeat(4 * 1024);
    }
    assert_eq!(relay.handle_candidates(T, Side::First, large), GONE);
    assert_eq!(relay.waiting_bytes(Side::Second), 32 * 1024 - 256 + 2 * 2 * (4 * 1024 * 2 + 1) / 2);
    relay.handle_timeout(T + Span(50));
    assert_eq!(batches(&mut relay), [(u32::MAX, 0, false), (0, 2, false), (2, 2, false), (4, 2, false), (6, 1, false)]);
    assert_eq!(relay.waiting_bytes(Side::Second), 0);
}

#[test]
fn sig_5_a_description_arrives_as_it_was_sent() {
    let sdp = "v=0\r\n\u{0}\u{202e}a=x\n\r<b>é\u{10ffff}";
    let mut relay = relay();
    assert_eq!(relay.handle_description(T, Side::First, offer(1, sdp)), GONE);
    let Some(Event::Description(relayed)) = relay.poll_output(Side::Second) else { panic!("not relayed") };
    assert_eq!(*relayed, offer(1, sdp));
}

fn relayed(reads: [u32; 2], sdp: &str) -> Result<String, Reason> {
    let mut relay = relay();
    relay.set_reads(reads);
    let weighed = relay.handle_candidates(T, Side::First, Candidates { candidates: vec![text(sdp)], ..candidates(0, 0) });
    assert_eq!(weighed.is_ok(), relay.handle_description(T, Side::First, offer(1, sdp)).is_ok());
    if let Err(reason) = weighed {
        assert_eq!(relay.poll_output(Side::Second), None);
        return Err(reason);
    }
    let Some(Event::Description(description)) = relay.poll_output(Side::Second) else { panic!("no description") };
    let Some(Event::Candidates(batch)) = relay.poll_output(Side::Second) else { panic!("no candidates") };
    assert_eq!(batch.candidates, [text(&description.sdp)]);
    Ok(description.sdp)
}

fn text(candidate: &str) -> Candidate {
    Candidate { candidate: candidate.into(), mid: None, line: None }
}

#[test]
fn sig_5_what_is_compact_goes_to_those_who_read_its_version() {
    assert_eq!(relayed([1, 1], "~1.AAAA").as_deref(), Ok("~1.AAAA"));
    assert_eq!(relayed([7, 7], "~7.AAAA").as_deref(), Ok("~7.AAAA"));
    for reads in [[1, 0], [1, 2], [2, 2]] {
        let Err(Reason::BadMessage { field, .. }) = relayed(reads, "~1.AAAA") else { panic!("relayed to {reads:?}") };
        assert_eq!(field.as_deref(), Some("candidates"));
    }
    for neither in ["~", "~x.AAAA", "~01.AAAA", "~1", "~4294967296.AAAA"] {
        assert!(relayed([1, 1], neither).is_err(), "{neither}");
    }
}

#[test]
fn sig_5_a_text_is_the_same_text_for_whoever_reads_it() {
    for plain in ["v=0\r\n", "", "x~1.AAAA", "grüße"] {
        for reads in [[0, 0], [0, 1], [1, 0], [1, 1], [1, 2]] {
            assert_eq!(relayed(reads, plain).as_deref(), Ok(plain));
        }
    }
    // Who does not speak compactly may begin with the mark; who does says so.
    for marked in ["~", "~1.AAAA", "~0.x"] {
        let escaped = format!("~0.{marked}");
        assert_eq!(relayed([0, 0], marked).as_deref(), Ok(marked));
        assert_eq!(relayed([0, 1], marked).as_deref(), Ok(&*escaped));
        assert_eq!(relayed([1, 0], &escaped).as_deref(), Ok(marked));
        assert_eq!(relayed([1, 2], &escaped).as_deref(), Ok(&*escaped));
    }
    let largest = format!("~{}", "x".repeat(1023));
    assert_eq!(relayed([0, 1], &largest).map(|sdp| sdp.len()), Ok(1024 + 3));
    assert_eq!(relayed([1, 0], &format!("~0.{largest}")).as_deref(), Ok(&*largest));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Batches of random length, some repeated in part, at random times, polled late: joined in order, what arrives is what was
    /// sent, each batch is at most 20, and none waited longer than 50 ms.
    #[test]
    fn sig_2_what_arrives_joined_in_order_is_what_was_sent(
        cuts in proptest::collection::vec((0..30u32, 0..5u32, 0..70u64, any::<bool>()), 0..12),
        described in 0..12usize,
    ) {
        let mut relay = relay();
        let (mut now, mut sent, mut joined, mut ends, mut arrived_ends) = (T, 0, Vec::new(), Vec::new(), Vec::new());
        let mut take = |relay: &mut Relay, joined: &mut Vec<Candidate>| {
            while let Some(event) = relay.poll_output(Side::Second) {
                if let Event::Candidates(batch) = event {
                    assert_eq!(batch.from as usize, joined.len());
                    assert!(batch.candidates.len() <= 20);
                    assert!(batch.done || !batch.candidates.is_empty());
                    joined.extend(batch.candidates);
                    if batch.done {
                        arrived_ends.push(joined.len() as u32);
                    }
                }
            }
        };
        for (n, (count, again, later, end)) in cuts.iter().enumerate() {
            if n == described {
                prop_assert_eq!(relay.handle_description(now, Side::First, offer(1, "v=0")), GONE);
            }
            let count = (*count).min(64 - sent);
            let from = sent - (*again).min(sent);
            let batch = Candidates { done: *end, ..candidates(from, sent - from + count) };
            prop_assert_eq!(relay.handle_candidates(now, Side::First, batch), GONE);
            sent += count;
            if *end && ends.last() != Some(&sent) {
                ends.push(sent);
            }
            let until = now + Span(*later);
            while let Some(at) = relay.poll_timeout().filter(|at| *at <= until) {
                prop_assert!(at <= now + Span(50));
                relay.handle_timeout(at);
            }
            now = until;
            take(&mut relay, &mut joined);
        }
        prop_assert_eq!(relay.handle_description(now, Side::First, offer(1, "v=0")), GONE);
        while let Some(at) = relay.poll_timeout() {
            relay.handle_timeout(at);
        }
        take(&mut relay, &mut joined);
        prop_assert_eq!(joined, candidates(0, sent).candidates);
        prop_assert_eq!(arrived_ends, ends);
    }
}
