//! The cut of the core, read from its sources: an upper flow calls only lower ones, and no part names another.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A source file without its comments.
fn code(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn files(folder: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names = entries.map(|entry| entry.expect("readable").file_name().into_string().expect("a name"));
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).filter(|n| n != "mod").collect();
    names.sort_unstable();
    names
}

/// The order of flows, lowest first, as `flows/mod.rs` tells it.
fn order() -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/flows/mod.rs");
    let text = fs::read_to_string(path).expect("readable");
    let line = text.lines().find_map(|line| line.strip_prefix("//! Order: ")).expect("`flows/mod.rs` tells the order");
    line.trim_end_matches('.').split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

/// The modules that a file names behind one of these paths: `use super::{a, b::C}`, `super::a::f()`.
fn named(code: &str, behind: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for prefix in behind {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                let list = &list[..closing(list)];
                names.extend(split(list).into_iter().map(|item| first(&item)));
            } else {
                names.push(first(rest));
            }
        }
    }
    names
}

/// Where a list that has begun ends.
fn closing(list: &str) -> usize {
    let mut depth = 1;
    for (at, c) in list.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at;
        }
    }
    panic!("a list ends: {list}")
}

/// The items of a list, those in inner lists left whole.
fn split(list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0;
    for c in list.chars() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if c == ',' && depth == 0 {
            items.push(String::new());
        } else {
            items.last_mut().expect("one at least").push(c);
        }
    }
    items
}

/// The first word of a path.
fn first(path: &str) -> String {
    path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_order_names_every_flow_once() {
    let mut named = order();
    named.sort_unstable();
    assert_eq!(named, files("flows"));
}

#[test]
fn an_upper_flow_calls_only_lower_ones() {
    let order = order();
    let height: BTreeMap<&str, usize> = order.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let mut calls = 0;
    for flow in &order {
        for other in named(&code(&format!("flows/{flow}.rs")), &["super::", "crate::flows::"]) {
            if let Some(at) = height.get(other.as_str())
                && other != *flow
            {
                calls += 1;
                assert!(*at < height[flow.as_str()], "{flow} stands below {other} and calls it");
            }
        }
    }
    assert!(calls > 20, "flows call each other: {calls}");
}

#[test]
fn no_part_names_another_but_for_the_shared_words() {
    // A lobby and a gender by their numbers, a filter, and what a window was asked for, are words, as slots and sides are; whoever has one can ask no part with it.
    const SHARED: [&str; 4] = ["Accepts", "Asked", "GenderNo", "LobbyNo"];
    let parts = files("parts");
    for part in &parts {
        let code = code(&format!("parts/{part}.rs"));
        let others = named(&code, &["super::", "crate::parts::"]);
        for other in others.iter().filter(|name| parts.contains(name) && *name != part) {
            for (at, _) in code.match_indices(&format!("{other}::")) {
                let rest = &code[at + other.len() + 2..];
                let words = if let Some(list) = rest.strip_prefix('{') { split(&list[..closing(list)]) } else { vec![first(rest)] };
                for word in words {
                    assert!(SHARED.contains(&word.trim()), "{part} names {other}::{word}");
                }
            }
        }
        assert!(!code.contains("crate::flows") && !code.contains("crate::desk"), "{part} knows no flow and no desk");
    }
}

#[test]
fn flows_and_parts_read_no_clock_and_draw_no_chance_of_their_own() {
    for folder in ["flows", "parts", "kit"] {
        for file in files(folder) {
            let code = code(&format!("{folder}/{file}.rs"));
            for word in ["std::", "Instant", "SystemTime", "getrandom", "HashSet", "f64", "f32"] {
                assert!(!code.contains(word), "{folder}/{file}.rs names {word}");
            }
        }
    }
}
