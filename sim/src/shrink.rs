//! The smallest story of a failure: fewer operations (a search for the smallest size that still fails in the same way), then
//! fewer people, then kinds switched off, then single operations left out, as long as anything helps.

use crate::choices::Op;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::report::{Report, once, run};
use crate::swarm::Swarm;

/// What is left of a failure.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest run that still fails in the same way.
    pub report: Report,
    /// Runs that it took.
    pub tries: u64,
}

struct Search {
    failure: Failure,
    best: Plan,
    operations: Vec<Op>,
    tries: u64,
    most: u64,
}

/// Shrinks a run that failed, with at most so many runs.
pub fn shrink(report: &Report, most_tries: u64) -> Option<Shrunk> {
    let failure = report.failure.clone()?;
    let mut search = Search { failure, best: report.plan.clone(), operations: report.used.clone(), tries: 0, most: most_tries };
    search.fewer_operations();
    search.fewer_people();
    search.fewer_kinds();
    search.single_operations();
    Some(Shrunk { report: run(&search.best), tries: search.tries })
}

impl Search {
    /// Whether a smaller plan still fails in the same way; then it is the best one.
    fn holds(&mut self, plan: Plan) -> bool {
        if self.tries >= self.most {
            return false;
        }
        self.tries += 1;
        let report = once(&plan, false, &mut |_| {});
        let is_same = report.failure.as_ref().is_some_and(|failure| failure.is_like(&self.failure));
        if is_same {
            self.best = plan;
            self.operations = report.used;
        }
        is_same
    }

    fn fewer_operations(&mut self) {
        let (mut fails, mut passes) = (self.operations.len() as u64, 0);
        while passes + 1 < fails {
            let size = passes + (fails - passes) / 2;
            if self.holds(Plan { size, ..self.best.clone() }) {
                fails = (self.operations.len() as u64).min(size);
            } else {
                passes = size;
            }
        }
        let size = self.operations.len() as u64;
        self.best.size = self.best.size.min(size.max(1));
    }

    fn fewer_people(&mut self) {
        let mut people = self.best.people;
        while people > 2 {
            let fewer = (people / 2).max(2);
            people = if self.holds(Plan { people: fewer, ..self.best.clone() }) { fewer } else { people - 1 };
            if people == self.best.people {
                continue;
            }
            if !self.holds(Plan { people, ..self.best.clone() }) {
                break;
            }
        }
    }

    fn fewer_kinds(&mut self) {
        for kind in Swarm::kinds() {
            let mut plan = self.best.clone();
            if plan.swarm.weight_of(kind) > 0 && plan.swarm.switch_off(kind).is_ok() {
                self.holds(plan);
            }
        }
    }

    /// Leaves out runs of operations, ever shorter ones, down to single ones.
    fn single_operations(&mut self) {
        let mut length = self.operations.len().div_ceil(2);
        while length >= 1 {
            let mut at = 0;
            while at < self.operations.len() {
                let end = (at + length).min(self.operations.len());
                let keep = self.operations.iter().take(at).chain(&self.operations[end..]).copied().collect();
                let size = self.best.size;
                if !self.holds(Plan { keep: Some(keep), size, ..self.best.clone() }) {
                    at = end;
                }
            }
            if length == 1 || self.tries >= self.most {
                break;
            }
            length /= 2;
        }
    }
}
