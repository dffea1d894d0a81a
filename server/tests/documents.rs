//! `docs/operating.md` has every key of the configuration, with its default, and every line of the log; and no others.

use duologue_server::config::KEYS;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const OPERATING: &str = include_str!("../../docs/operating.md");
const HEAD: &str = "| key | takes | default | what for |";

#[test]
fn every_key_stands_in_the_table_with_its_default() {
    for key in KEYS {
        let row = OPERATING.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not in docs/operating.md", key.name));
        let default = if key.default.is_empty() { "–".into() } else { format!("`{}`", key.default) };
        let columns: Vec<&str> = row.split(" | ").collect();
        assert_eq!(columns[2], default, "the default of {}", key.name);
    }
    let rows = OPERATING.lines().skip_while(|line| *line != HEAD).skip(2);
    assert_eq!(rows.take_while(|line| line.starts_with('|')).count(), KEYS.len(), "no key but these");
}

/// A line of the log: level, event, names of its fields.
type Line = (String, String, Vec<String>);

/// The rows of a table of the page, cell by cell.
fn rows(head: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let rows = OPERATING.lines().skip_while(move |line| !line.starts_with(head)).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

fn documented() -> BTreeSet<Line> {
    let line = |cells: Vec<&str>| {
        let fields = cells[2].split(", ").map(|field| field.trim_matches('`').to_string()).filter(|field| !field.is_empty());
        (cells[0].into(), cells[1].into(), fields.collect())
    };
    rows("| level | event |").map(line).collect()
}

/// Every source of a folder, without its comments.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).expect("text");
            found.push(text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The arguments of a macro whose bracket is open, up to its close.
fn arguments(code: &str) -> Vec<String> {
    let (mut all, mut one) = (Vec::new(), String::new());
    let (mut depth, mut in_text, mut escaped) = (0, false, false);
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '(' | '[' | '{' if !in_text => depth += 1,
            ')' | ']' | '}' if !in_text && depth > 0 => depth -= 1,
            ')' if !in_text => break,
            ',' if !in_text && depth == 0 => {
                all.push(std::mem::take(&mut one));
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    all.push(one);
    all.iter().map(|argument| argument.trim().to_string()).filter(|argument| !argument.is_empty()).collect()
}

fn written() -> BTreeSet<Line> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["src", "../store/src", "../transport/src", "../transport-quic/src", "../transport-ws/src"] {
        sources(&here.join(folder), &mut texts);
    }
    let mut found = BTreeSet::new();
    for (level, text) in
        ["error", "warn", "info", "debug", "trace"].into_iter().flat_map(|level| texts.iter().map(move |text| (level, text)))
    {
        let call = format!("{level}!(");
        for (at, _) in text.match_indices(&call) {
            // Not the end of another name.
            if text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
                continue;
            }
            let mut fields = arguments(&text[at + call.len()..]);
            let event = fields.pop().expect("an event").trim_matches('"').to_string();
            let name = |field: String| field.split('=').next().unwrap_or_default().trim().trim_start_matches(['%', '?']).to_string();
            found.insert((level.to_ascii_uppercase(), event, fields.into_iter().map(name).collect()));
        }
    }
    found
}

#[test]
fn every_line_of_the_log_stands_in_the_table_and_no_other() {
    let (documented, written) = (documented(), written());
    assert!(written.len() > 30, "the sources are read: {written:?}");
    let missing: Vec<&Line> = written.difference(&documented).collect();
    let gone: Vec<&Line> = documented.difference(&written).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in docs/operating.md: {missing:#?}\nin it and not in the code: {gone:#?}");
    for cells in rows("| level | event |").filter(|cells| matches!(cells[0], "ERROR" | "WARN")) {
        assert!(!cells[3].is_empty() && !cells[4].is_empty(), "what {} means and what is to be done", cells[1]);
    }
}
