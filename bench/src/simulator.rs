//! The simulator: real engine, gateway, commit, codec and half of the clients real too, in one thread.

use crate::cpu;
use crate::page::{Figure, thousands};
use duologue_sim::{Plan, Visits, run_with};

/// All figures.
pub fn figures(quick: bool) -> Vec<Figure> {
    let (people, minutes) = if quick { (200, 10) } else { (1_000, 60) };
    let mut runs = vec![
        (format!("{people} people in steady use for {minutes} minutes, laws on"), Plan::steady(7, people, minutes), "≤ 6 s"),
        (
            format!("{people} people in steady use for {minutes} minutes, laws off"),
            Plan { laws: false, ..Plan::steady(7, people, minutes) },
            "≤ 2 s",
        ),
    ];
    if !quick {
        let day = Plan::steady(7, 10_000, 24 * 60).in_visits(Visits { count: 2, minutes: 30 });
        runs.push(("10,000 people over a day, each there for half an hour in two visits, laws on".into(), day, "≤ 60 s"));
    }
    let mut rows: Vec<Figure> = runs.into_iter().map(|(what, plan, target)| simulated(what, &[plan], target)).collect();
    let worlds: Vec<Plan> = (1..=if quick { 10 } else { 100 }).map(Plan::drawn).collect();
    rows.push(simulated(format!("{} small worlds with all laws", worlds.len()), &worlds, ""));
    rows
}

fn simulated(what: String, plans: &[Plan], target: &'static str) -> Figure {
    eprintln!("  {what} …");
    let start = cpu::thread_time();
    let inputs: u64 = plans
        .iter()
        .map(|plan| {
            let report = run_with(plan, &mut |_| {});
            assert!(report.failure.is_none(), "{report}");
            report.inputs
        })
        .sum();
    let spent = cpu::thread_time() - start;
    let rate = inputs as f64 / spent.as_secs_f64();
    Figure::held(what, format!("{:.1} s CPU, {} inputs a CPU-second", spent.as_secs_f64(), thousands(rate as u64)), target)
}
