//! The committed pages, vectors and library are what the code makes, and every figure reaches its target (SIG 5).

use duologue_sdp_library::{data, page, typescript, vectors};
use duologue_signaling::compact::{Library, VERSION};
use std::fs;
use std::path::Path;

fn committed(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).expect(path)
}

#[test]
fn sig_5_every_figure_reaches_its_target_and_the_page_says_so() {
    let (page, rows) = page().expect("the project keeps its captures");
    assert!(committed("docs/compact-bytes.md") == page, "cargo run -p duologue-sdp-library -- table > docs/compact-bytes.md");
    for (kind, row) in rows {
        let (known, unseen) = kind.target();
        let (count, size) = row.known.expect("every kind is among the captures");
        assert!(count > 0 && size.ours <= known, "{}: {size:?}, at most {known}", kind.name());
        if let (Some(unseen), Some((_, size))) = (unseen, row.unseen) {
            assert!(size.ours <= unseen, "{}, of a browser never seen: {size:?}, at most {unseen}", kind.name());
        }
    }
}

#[test]
fn sig_5_the_golden_vectors_are_what_is_written() {
    let made = vectors::as_text(&vectors::make(&data()).expect("the project keeps its captures"));
    assert!(committed("tests/vectors/compact.jsonl") == made, "cargo run -p duologue-sdp-library -- vectors > tests/vectors/compact.jsonl");
}

#[test]
fn the_library_is_written_as_it_is_read() {
    let text = committed("signaling/src/compact/library.txt");
    let library = Library::read(&text).expect("well formed");
    assert_eq!((library.version(), Library::built_in().version()), (VERSION, VERSION));
    assert!(library.write() == text);
    for cut in [0, 1, 30, text.len() / 2] {
        assert!(Library::read(&text[..cut]).is_none());
    }
}

#[test]
fn the_sdk_has_the_same_library() {
    let made = typescript(&Library::built_in());
    assert!(
        committed("web/sdk/src/compact/library-text.ts") == made,
        "cargo run -p duologue-sdp-library -- typescript > web/sdk/src/compact/library-text.ts"
    );
}
