//! The command line, as a CI calls it: a mistyped question must not look like a clean answer.

use std::process::{Command, Output};

fn ask(words: &[&str]) -> (Option<i32>, String) {
    let asked = Command::new(env!("CARGO_BIN_EXE_duologue-sim")).args(words).output();
    let Output { status, stdout, stderr } = asked.expect("the command was built with its tests");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[test]
fn a_law_that_there_is_not_is_no_answer() {
    let (code, said) = ask(&["swarm", "--seeds", "1", "--law", "one call a usre"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("one call a user") && said.contains("told is durable"), "{said}");
}

#[test]
fn no_seeds_are_no_answer() {
    assert_eq!(ask(&["swarm", "--seeds", "0"]).0, Some(2));
}

#[test]
fn a_clean_answer_says_so() {
    for law in ["one call a user", "law: one call a user", "no panic from outside"] {
        let (code, said) = ask(&["swarm", "--seeds", "1", "--law", law]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("nothing found in 1 seeds"), "{said}");
    }
}
