//! A run from plan to report. A run that fails is run again to tell its story: one page with what broke, a line to paste that
//! repeats it, the plan, and the last that happened.

use crate::choices::Op;
use crate::failure::{Failure, Kind};
use crate::marks::Marks;
use crate::plan::Plan;
use crate::world::{Outcome, World};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a run went.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub plan: Plan,
    /// What was found, if anything.
    pub failure: Option<Failure>,
    /// Of all that was sent, in order.
    pub digest: u128,
    /// Digests on the way, to find where two runs part.
    pub trail: Vec<u128>,
    /// What was reached.
    pub marks: Marks,
    /// Inputs that engines were given.
    pub inputs: u64,
    /// Operations that were used.
    pub operations: u64,
    /// Which, in order.
    pub used: Vec<Op>,
    /// How long it took in the simulated world, in milliseconds.
    pub virtual_ms: u64,
    /// What happened, where it failed.
    pub story: Vec<String>,
}

/// Lines of a story that are printed.
const STORY_LINES: usize = 60;

/// Runs a plan; if it fails, once more to tell the story.
pub fn run(plan: &Plan) -> Report {
    run_with(plan, &mut |_| {})
}

/// The same; `progress` is told the simulated time in milliseconds now and then.
pub fn run_with(plan: &Plan, progress: &mut dyn FnMut(u64)) -> Report {
    let mut report = once(plan, false, progress);
    if report.failure.is_some() {
        report.story = once(plan, true, &mut |_| {}).story;
    }
    report
}

/// The story of a plan, whether it fails or not.
pub fn story(plan: &Plan) -> Vec<String> {
    once(plan, true, &mut |_| {}).story
}

/// Runs a plan twice, which must be the same.
pub fn run_twice(plan: &Plan) -> Report {
    let mut first = run(plan);
    let second = once(plan, false, &mut |_| {});
    if first.failure.is_none() && (first.digest != second.digest || first.marks != second.marks) {
        let parts = first.trail.iter().zip(&second.trail).position(|(a, b)| a != b).unwrap_or(first.trail.len());
        let what = format!("the two runs part before event {}", (parts + 1) * 4_096);
        first.failure = Some(Failure { kind: Kind::NotRepeatable, law: "the same seed, the same digest", what });
    }
    first
}

/// One run, without a second one for its story.
pub(crate) fn once(plan: &Plan, traced: bool, progress: &mut dyn FnMut(u64)) -> Report {
    let mut world = World::new(plan, traced, true);
    let failure = match catch_unwind(AssertUnwindSafe(|| world.run(progress))) {
        Ok(verdict) => verdict.err(),
        Err(panic) => Some(Failure { kind: Kind::Panic, law: "no panic from outside", what: words(&*panic) }),
    };
    let Outcome { failure, marks, digest, trail, inputs, operations, used, story, virtual_ms } = world.outcome(failure);
    Report { plan: plan.clone(), failure, digest, trail, marks, inputs, operations, used, virtual_ms, story }
}

fn words(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).into(),
        (_, Some(text)) => text.clone(),
        (None, None) => "a panic without words".into(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => writeln!(f, "nothing found: {} operations, {} inputs, {} s", self.operations, self.inputs, self.virtual_ms / 1_000)?,
            Some(failure) => {
                writeln!(f, "{failure}")?;
                writeln!(f)?;
                writeln!(f, "  {}", self.plan.again())?;
                writeln!(f)?;
                writeln!(f, "after {} operations, {} inputs, {} s of the plan", self.operations, self.inputs, self.virtual_ms / 1_000)?;
                writeln!(f, "{}", self.plan)?;
                let skipped = self.story.len().saturating_sub(STORY_LINES);
                if skipped > 0 {
                    writeln!(f, "  … {skipped} lines before")?;
                }
                for line in &self.story[skipped..] {
                    writeln!(f, "{line}")?;
                }
            }
        }
        Ok(())
    }
}
