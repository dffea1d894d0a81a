//! The simulator itself, through its public surface: a run is a function of its plan, trouble comes in clumps, a failure is one
//! page. What its laws find is tested beside them, and measured by the planted faults in `sim/mutants`.

use duologue_sim::{EXPECTED, Failure, Kind, Marks, Plan, run, run_twice};

fn small(seed: u64) -> Plan {
    Plan { size: 120, ..Plan::drawn(seed) }
}

#[test]
fn the_same_seed_gives_the_same_digest_and_another_one_another() {
    let digests: Vec<u128> =
        (1..=8).map(|seed| run_twice(&small(seed))).map(|report| (report.failure, report.digest)).map(passed).collect();
    for (at, digest) in digests.iter().enumerate() {
        assert!(!digests[..at].contains(digest), "seed {} repeats another", at + 1);
    }
}

fn passed((failure, digest): (Option<Failure>, u128)) -> u128 {
    assert_eq!(failure, None);
    digest
}

#[test]
fn trouble_comes_in_clumps() {
    let mut reached = Marks::default();
    for seed in 1..=150 {
        let report = run(&small(seed));
        assert!(report.failure.is_none(), "{report}");
        report.marks.iter().for_each(|(name, count)| reached.hit(name, count));
    }
    for name in
        ["weather: partition", "weather: mass reconnect", "weather: clog", "weather: crash", "weather: two owners", "store: failing"]
    {
        assert!(reached.count(name) > 0, "{name} did not occur");
    }
}

#[test]
fn operations_that_are_left_out_leave_a_smaller_run() {
    let whole = run(&small(3));
    let half = whole.used.iter().copied().take(30).collect();
    let part = run(&Plan { keep: Some(half), ..small(3) });
    assert_eq!(part.failure, None);
    assert_eq!(part.operations, 30);
}

#[test]
fn a_failure_is_a_page_with_a_line_to_paste() {
    let mut report = run(&small(5));
    let what = "p1 is in two calls".into();
    report.failure = Some(Failure { kind: Kind::Safety, law: "law: one call a user", what });
    let page = report.to_string();
    assert!(page.starts_with("safety: law: one call a user: p1 is in two calls\n"), "{page}");
    assert!(page.contains("duologue-sim again 5 --size 120\n"), "{page}");
    assert!(page.contains("Rules {"), "{page}");
}

#[test]
fn steady_use_reaches_what_people_do() {
    let report = run(&Plan::steady(7, 60, 20));
    assert!(report.failure.is_none(), "{report}");
    for name in ["call completed", "event chat", "view window_delta", "resume: recovered", "law: windows forget"] {
        assert!(report.marks.count(name) > 0, "{name} was not reached");
    }
}

/// A law that nothing breaks might compare nothing.
#[test]
fn every_law_has_a_planted_fault_that_is_to_break_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mutants");
    let planted: Vec<String> = std::fs::read_dir(folder)
        .expect("the planted faults")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a patch"))
        .map(|patch| patch.lines().next().expect("a first line").replacen("Breaks: ", "", 1))
        .collect();
    let laws: Vec<&str> = EXPECTED.iter().map(|(name, _)| *name).filter(|name| name.starts_with("law: ")).collect();
    assert!(laws.len() > 20);
    for law in &laws {
        assert!(planted.iter().any(|planted| planted == law), "no planted fault is to break {law:?}");
    }
    for planted in planted.iter().filter(|planted| *planted != "an assertion of the system") {
        assert!(laws.contains(&planted.as_str()), "{planted:?} is no law");
    }
}
