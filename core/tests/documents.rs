//! `docs/protocol.md` is the contract: every example in it is a message that the code reads or writes, to the letter, and every
//! code that the code knows stands in it.

use duologue_core::wire::json::{decode_client, decode_server, encode_server};
use duologue_core::wire::{Closing, Presence, Why};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// The messages of the fenced examples behind an arrow, with their line.
fn examples(arrow: &str) -> Vec<(usize, &'static str)> {
    let lines = PROTOCOL.lines().enumerate().map(|(at, line)| (at + 1, line));
    let found: Vec<_> = lines.filter_map(|(at, line)| Some((at, line.split_once(&format!("{arrow} {{"))?.0.len(), line))).collect();
    found.into_iter().filter(|(_, before, _)| *before <= 4).map(|(at, _, line)| (at, &line[line.find('{').expect("there")..])).collect()
}

#[test]
fn every_example_of_a_client_is_understood() {
    let examples = examples("→");
    assert!(examples.len() > 50, "only {} examples", examples.len());
    for (line, text) in examples {
        assert!(decode_client(text.as_bytes()).is_ok(), "docs/protocol.md line {line}: {:?}", decode_client(text.as_bytes()));
    }
}

#[test]
fn every_example_of_the_server_is_what_it_writes() {
    let examples = examples("←");
    assert!(examples.len() > 70, "only {} examples", examples.len());
    for (line, text) in examples {
        let message = decode_server(text.as_bytes()).unwrap_or_else(|_| panic!("docs/protocol.md line {line} is not understood"));
        let written = String::from_utf8(encode_server(&message)).expect("JSON is UTF-8");
        assert_eq!(written, text, "docs/protocol.md line {line}");
    }
}

#[test]
fn every_word_on_the_wire_is_explained() {
    let words = Why::ALL.into_iter().map(Why::code).chain(Presence::ALL.into_iter().map(Presence::code));
    for word in words {
        assert!(PROTOCOL.contains(&format!("`{word}`")), "`{word}` stands nowhere");
    }
    for closing in Closing::ALL {
        let come_back = if closing.reconnect() { "yes" } else { "no" };
        let row = format!("| `{}` | {} | {come_back} |", closing.code(), closing.number());
        assert!(PROTOCOL.contains(&row), "no row {row}");
    }
}
