//! The table of bytes, from the captures that the project keeps: with a library that was learned without them, and, for Chromium
//! 123 and 150, with one that has seen no Chromium before 156. Byte for byte the same everywhere.

use crate::captures::{Capture, calls};
use crate::measure::{Kind, Size, Sizes, measure, medians};
use duologue_signaling::compact::Library;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// A kind's medians: of browsers that the library knows, and of those that it has never seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// How many, and the medians.
    pub known: Option<(usize, Size)>,
    /// The same, of browsers never seen.
    pub unseen: Option<(usize, Size)>,
}

/// The rows of the table.
pub fn rows(captures: &[Capture], without: &Library, without_old: &Library) -> BTreeMap<Kind, Row> {
    let calls = calls(captures);
    let is_old = |maker: &str| ["chromium 123", "chromium 150"].contains(&maker);
    let known = measure(&Arc::new(without.clone()), &calls).into_iter().filter(|(maker, _, _)| !is_old(maker)).collect();
    let unseen = measure(&Arc::new(without_old.clone()), &calls).into_iter().filter(|(maker, _, _)| is_old(maker)).collect();
    let of = |sizes: &Sizes| medians(sizes);
    let (known, unseen) = (of(&known), of(&unseen));
    let key = |kind| (String::new(), kind);
    Kind::ALL.map(|kind| (kind, Row { known: known.get(&key(kind)).copied(), unseen: unseen.get(&key(kind)).copied() })).into()
}

/// The page.
pub fn page(rows: &BTreeMap<Kind, Row>) -> String {
    let mut out = String::from(
        "# Bytes of descriptions and candidates\n\n\
         Made by `cargo run -p duologue-sdp-library -- table > docs/compact-bytes.md`; a test holds this page against the code, and every \
         figure against its target. Medians of captures of real browsers (`signaling/tests/data/`), in bytes. *Known*: the library was \
         learned without these captures, from others of the same browsers (Chromium 156, Firefox 153). *Never seen*: Chromium 123 and 150, with a library that has \
         seen no Chromium before 156. In a field of a message, bytes stand in base64: a third more, and three.\n\n\
         | what | raw | deflate 6 | ours, known | target | ours, never seen | target |\n|---|---|---|---|---|---|---|\n",
    );
    for (kind, row) in rows {
        let ours = |part: Option<(usize, Size)>| part.map_or(String::from("–"), |(count, size)| format!("{} ({count})", size.ours));
        let (raw, deflated) = row.known.map_or((0, 0), |(_, size)| (size.raw, size.deflated));
        let (target, unseen) = kind.target();
        let _ = writeln!(
            out,
            "| {} | {raw} | {deflated} | **{}** | ≤ {target} | **{}** | {} |",
            kind.name(),
            ours(row.known),
            ours(row.unseen),
            unseen.map_or(String::from("–"), |unseen| format!("≤ {unseen}"))
        );
    }
    out.push_str("\nIn brackets: how many were measured.\n");
    out
}
