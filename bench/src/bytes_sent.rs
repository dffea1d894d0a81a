//! Bytes to clients: while people come, and in steady use. Exact, and the same in every run.

use crate::Anything;
use crate::page::{Figure, Measured, Plot};
use crate::realm::{Carriage, Realm};
use crate::steady;
use duologue_core::kit::time::Span;

/// All figures.
pub fn measure(quick: bool) -> Anything<Measured> {
    let mut figures = Vec::new();
    let mut lines = Vec::new();
    for carriage in [Carriage::Json, Carriage::Deflated, Carriage::Binary] {
        let mut line = Vec::new();
        for people in [100, 500, 1_000, 2_000] {
            eprintln!("  {people} people come, {carriage} …");
            let bytes = joining(people, carriage)?;
            line.push((f64::from(people), bytes as f64 / 1e6));
            let target = match (people, carriage) {
                (1_000, Carriage::Deflated) => "≤ 1.6 MB",
                (1_000, Carriage::Binary) => "≤ 1.2 MB, then ≤ 0.9",
                _ => "linear in N",
            };
            let what = format!("{people} come, each with a window of 20, {carriage}");
            figures.push(Figure::held(what, format!("{:.2} MB", bytes as f64 / 1e6), target));
        }
        lines.push((carriage.to_string(), line));
    }
    let sizes: &[u32] = if quick { &[100] } else { &[100, 1_000, 10_000] };
    for (carriage, target) in [(Carriage::Deflated, "≤ 8 KiB, then 5"), (Carriage::Binary, "≤ 2.5 KiB, then 1.5")] {
        for people in sizes {
            eprintln!("  {people} people in steady use, {carriage} …");
            let steady::Use { bytes, calls } = steady::measure(*people, carriage)?;
            let what = format!("steady use, {people} people, a user and minute, {carriage} ({calls:.2} calls)");
            figures.push(Figure::held(what, format!("{:.2} KiB", bytes / 1024.0), target));
        }
    }
    let title = "Bytes sent while so many people come".into();
    let plots = vec![Plot { name: "bytes".into(), title, x: "people".into(), y: "MB".into(), lines }];
    Ok(Measured { figures, plots })
}

fn joining(people: u32, carriage: Carriage) -> Anything<u64> {
    let mut realm = Realm::new(people, carriage);
    for n in 1..=people {
        realm.come(n)?;
        realm.stand(n)?;
        realm.pass(Span(10))?;
    }
    realm.pass(Span::secs(2))?;
    Ok(realm.sent_bytes())
}
