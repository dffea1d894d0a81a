//! `swarm`: many seeds, each a small world of its own kind, and in how many of them each mark was hit.

use super::progress::Progress;
use super::{Done, own};
use clap::Args;
use duologue_sim::{EXPECTED, Failure, Often, Plan, run_twice, run_with, shrink};
use std::collections::BTreeMap;

#[derive(Args, Debug)]
pub(crate) struct Swarm {
    /// How many seeds
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Run each twice and compare
    #[arg(long)]
    twice: bool,
    /// Go on after a failure, and print one line for each
    #[arg(long)]
    all: bool,
    /// Only failures of the law of this name count, as in "one call a user"
    #[arg(long)]
    law: Option<String>,
    /// Shrink what is found, with so many runs
    #[arg(long, default_value_t = 300)]
    tries: u64,
    /// Print in how many seeds each mark was hit
    #[arg(long)]
    marks: bool,
}

impl Swarm {
    pub(crate) fn run(&self) -> Done {
        let only = self.law.as_deref().map(law_of).transpose()?;
        let bar = Progress::new(self.seeds, "seeds");
        let mut reached: BTreeMap<&'static str, u64> = BTreeMap::new();
        let (mut inputs, mut first) = (0, None);
        for seed in self.from..self.from + self.seeds {
            let plan = Plan::drawn(seed);
            let report = if self.twice { run_twice(&plan) } else { run_with(&plan, &mut |_| {}) };
            report.marks.iter().for_each(|(name, _)| *reached.entry(name).or_default() += 1);
            inputs += report.inputs;
            bar.at(seed - self.from + 1);
            let counts = |failure: &Failure| only.is_none_or(|law| failure.law == law);
            let Some(failure) = report.failure.clone().filter(counts) else { continue };
            if !self.all {
                bar.done();
                let shrunk = shrink(&report, self.tries).map_or(report, |shrunk| shrunk.report);
                say_line!("seed {seed}");
                say!("{shrunk}");
                return Ok(Some(failure));
            }
            say_line!("{seed}: {}", failure.to_string().chars().take(400).collect::<String>());
            first = first.or(Some(failure));
        }
        bar.done();
        let found = if first.is_some() { "" } else { "nothing found in " };
        say_line!("{found}{} seeds, {inputs} inputs", self.seeds);
        if self.marks {
            for (name, count) in &reached {
                say_line!("  {count:>6}  {name}");
            }
        }
        let missing =
            |often| EXPECTED.iter().filter(move |(_, is)| *is == often).map(|(name, _)| *name).filter(|name| !reached.contains_key(name));
        let (usual, rare): (Vec<_>, Vec<_>) = (missing(Often::Usual).collect(), missing(Often::Rare).collect());
        if !rare.is_empty() {
            say_line!("rare marks not reached, which is usual below some thousand seeds: {}", rare.join(", "));
        }
        if first.is_none() && self.law.is_none() && !usual.is_empty() && self.seeds >= 100 {
            say_line!("usual marks not reached: {}", usual.join(", "));
            return Ok(Some(own(format!("{} usual marks were not reached in {} seeds", usual.len(), self.seeds))));
        }
        Ok(first)
    }
}

/// The law of this name, with or without the word before it.
fn law_of(name: &str) -> Result<&'static str, String> {
    const WITHOUT_MARK: [&str; 2] = ["no panic from outside", "the same seed, the same digest"];
    let laws = || EXPECTED.iter().map(|(name, _)| *name).filter(|name| name.starts_with("law: ")).chain(WITHOUT_MARK);
    let short = |law: &'static str| law.strip_prefix("law: ").unwrap_or(law);
    let is_it = |law: &&str| *law == name || law.strip_prefix("law: ") == Some(name);
    laws()
        .find(is_it)
        .ok_or_else(|| format!("there is no law \"{name}\"; say one of: {}", laws().map(short).collect::<Vec<_>>().join("; ")))
}
