//! Whatever is in a description comes back byte for byte (SIG 5), and whatever comes in is read or refused, within bounds.

use duologue_core::wire::Candidate;
use duologue_sdp_library::captures::{Capture, read};
use duologue_sdp_library::data;
use duologue_signaling::compact::{CANDIDATE_MAX, Carried, Codec, DESCRIPTION_MAX, Library, as_it_is};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

static LIBRARY: LazyLock<Arc<Library>> = LazyLock::new(|| Arc::new(Library::built_in()));
static CAPTURES: LazyLock<Vec<Capture>> = LazyLock::new(|| read(&data()).expect("the project keeps its captures"));
static TEXTS: LazyLock<Vec<&str>> = LazyLock::new(|| CAPTURES.iter().filter_map(|capture| capture.sdp.as_deref()).collect());

fn codec() -> Codec {
    Codec::new(LIBRARY.clone())
}

/// A text of a browser with lines taken out, put in, doubled, and letters changed.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..6u8, "[ -~]{0,12}");
    (any::<prop::sample::Index>(), prop::collection::vec(edit, 0..12)).prop_map(|(text, edits)| {
        let mut lines: Vec<String> = text.get(&TEXTS).split("\r\n").map(String::from).collect();
        for (place, kind, word) in edits {
            let at = place.index(lines.len());
            match kind {
                0 if lines.len() > 1 => drop(lines.remove(at)),
                1 => lines.insert(at, format!("a={word}")),
                2 => lines.insert(at, lines[at].clone()),
                3 => lines[at] = lines[at].replace(['1', 'a'], &word),
                4 => lines[at].push_str(&word),
                _ => {
                    let other = place.index(TEXTS.len());
                    lines.extend(TEXTS[other].split("\r\n").skip(at).take(20).map(String::from));
                }
            }
        }
        lines.join("\r\n")
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => mutated(),
        1 => any::<String>(),
        1 => "(~|v=0\r\n|a=|m=|candidate:|[ -~]{0,20}|\r|\n|\r\n|\u{1}|\u{2}|[0-9]{1,22}|é){0,30}",
    ]
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let real = any::<prop::sample::Index>().prop_map(|index| {
        let real: Vec<&str> = CAPTURES.iter().filter_map(|capture| capture.candidate.as_deref()).collect();
        index.get(&real).to_string()
    });
    let text = prop_oneof![
        2 => real.clone(),
        1 => (real, any::<prop::sample::Index>(), "[ -~é\n]{0,6}").prop_map(|(text, at, word)| {
            let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect::<Vec<_>>()[at.index(text.len() + 1)];
            [&text[..at], &word, &text[at..]].concat()
        }),
        1 => "(~|candidate:| |udp|[0-9]{1,11}|[a-f0-9:.]{1,40}|typ|raddr|ufrag|network-id|\u{1}|\n){0,24}",
    ];
    let mid = prop_oneof![Just(None), "[0-9]".prop_map(Some), any::<String>().prop_map(Some)];
    let line = prop_oneof![Just(None), (0..4u32).prop_map(Some), any::<u32>().prop_map(Some)];
    (text, mid, line).prop_map(|(candidate, mid, line)| Candidate { candidate, mid, line })
}

/// What one of two says.
#[derive(Clone, Debug)]
enum Step {
    Describe(usize, String),
    Trickle(usize, Candidate),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..2usize, any_text()).prop_map(|(side, text)| Step::Describe(side, text)),
        (0..2usize, any_candidate()).prop_map(|(side, candidate)| Step::Trickle(side, candidate)),
    ];
    prop::collection::vec(step, 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sig_5_whatever_two_say_to_each_other_comes_back_as_it_was(steps in steps()) {
        let mut ends = [codec(), codec()];
        for step in steps {
            match step {
                Step::Describe(side, text) => {
                    let carried = ends[side].carry_description(&text);
                    prop_assert!(carried.len() <= text.len() + 3, "{} bytes for {}", carried.len(), text.len());
                    prop_assert_eq!(ends[1 - side].open_description(&carried), Ok(text));
                }
                Step::Trickle(side, candidate) => {
                    let carried = ends[side].carry_candidate(&candidate);
                    prop_assert_eq!(ends[1 - side].open_candidate(carried), Ok(candidate));
                }
            }
        }
    }

    /// What crosses on its way is not known to the other: nobody may rest on it.
    #[test]
    fn sig_5_descriptions_that_cross_are_read(texts in prop::collection::vec((0..2usize, mutated(), any::<bool>()), 1..8)) {
        let mut ends = [codec(), codec()];
        let mut ways: [Vec<(String, String)>; 2] = Default::default();
        for (side, text, delivers) in texts {
            let carried = ends[side].carry_description(&text);
            ways[side].push((text, carried));
            if delivers {
                for (text, carried) in std::mem::take(&mut ways[side]) {
                    prop_assert_eq!(ends[1 - side].open_description(&carried), Ok(text));
                }
            }
        }
        for (side, way) in ways.into_iter().enumerate() {
            for (text, carried) in way {
                prop_assert_eq!(ends[1 - side].open_description(&carried), Ok(text));
            }
        }
    }

    #[test]
    fn sig_5_what_is_cut_or_changed_is_read_or_refused_within_bounds(
        first in mutated(), text in mutated(), at in any::<prop::sample::Index>(), bit in 0..8u8, later in any::<bool>(),
    ) {
        let (mut one, mut other) = (codec(), codec());
        if later {
            let bytes = one.write_description(&first).expect("short");
            other.read_description(&bytes).expect("as written");
        }
        let bytes = one.write_description(&text).expect("short");
        let mut flipped = bytes.clone();
        let at = at.index(bytes.len());
        flipped[at] ^= 1 << bit;
        for bad in [&bytes[..at], &flipped[..]] {
            if let Ok(text) = other.clone().read_description(bad) {
                prop_assert!(text.len() <= DESCRIPTION_MAX);
            }
        }
        prop_assert_eq!(other.read_description(&bytes), Ok(text));
    }

    #[test]
    fn sig_5_random_bytes_are_read_or_refused_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..400), count in 1..4usize) {
        let mut codec = codec();
        for _ in 0..count {
            if let Ok(text) = codec.read_description(&bytes) {
                prop_assert!(text.len() <= DESCRIPTION_MAX);
            }
            if let Ok(candidate) = codec.read_candidate(&bytes) {
                prop_assert!(candidate.candidate.len() <= CANDIDATE_MAX && candidate.mid.is_none_or(|mid| mid.len() <= CANDIDATE_MAX));
            }
        }
    }

    #[test]
    fn sig_5_a_field_is_a_text_something_compact_or_refused(field in "(~|[0-9]{1,11}|[.]|[A-Za-z0-9_-]{0,9}|é){0,6}") {
        let _ = codec().open_description(&field);
        let _ = codec().open_candidate(Candidate { candidate: field.clone(), mid: None, line: None });
        let escaped = as_it_is(&field);
        prop_assert_eq!(Carried::of(&escaped), Ok(Carried::Text(&field)));
    }
}

/// Every place of every kind of message, once.
#[test]
fn sig_5_every_cut_and_every_flipped_bit_of_a_call_is_read_or_refused() {
    let mut ends = [codec(), codec()];
    for (number, text) in TEXTS.iter().take(4).enumerate() {
        let side = number % 2;
        let bytes = ends[side].write_description(text).expect("short");
        for at in 0..bytes.len() {
            let _ = ends[1 - side].clone().read_description(&bytes[..at]);
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(other) = ends[1 - side].clone().read_description(&flipped) {
                    assert!(other.len() <= DESCRIPTION_MAX);
                }
            }
        }
        assert_eq!(ends[1 - side].read_description(&bytes).as_deref(), Ok(*text));
    }
}

/// A text that no skeleton fits, with as many lines and values as it can have, is not looked at line by line for long.
#[test]
fn sig_5_the_worst_of_texts_are_carried() {
    let letters = |at: usize| format!("a=ssrc:{} cname:{:016x}\r\n", at * 7919, at * 104_729);
    let texts = [
        "\r\n".repeat(DESCRIPTION_MAX / 2),
        (0..).map(letters).take(DESCRIPTION_MAX / 42).collect(),
        (0..DESCRIPTION_MAX / 3).map(|at| if at % 7 == 3 { "m\r\n" } else { "a\r\n" }).collect(),
        TEXTS[0].lines().map(|line| format!("{line}\r\n")).collect::<String>().repeat(4),
        "é".repeat(DESCRIPTION_MAX / 2),
    ];
    let mut ends = [codec(), codec()];
    for text in texts {
        assert!(text.len() <= DESCRIPTION_MAX);
        let bytes = ends[0].write_description(&text).expect("not too long");
        assert_eq!(ends[1].read_description(&bytes), Ok(text));
    }
    assert_eq!(ends[0].write_description(&"x".repeat(DESCRIPTION_MAX + 1)), None);
}

/// A deflated bomb is not built.
#[test]
fn sig_5_nothing_expands_beyond_the_bound() {
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b'a'; 64 * DESCRIPTION_MAX], 6);
    assert!(codec().read_description(&[&[0xff], &bomb[..]].concat()).is_err());
}

/// Two who do not have the same library refuse each other's words, and understand plain texts.
#[test]
fn sig_5_another_version_is_refused() {
    let carried = codec().carry_description(TEXTS[0]);
    let other = carried.replacen("~1.", "~2.", 1);
    assert_ne!(carried, other);
    assert!(codec().open_description(&other).is_err());
    assert_eq!(codec().open_description(TEXTS[0]).as_deref(), Ok(TEXTS[0]));
}
