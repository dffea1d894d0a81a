//! What the command understands, and what each part of it does.

/// Says something on stdout. Who reads may stop before the end, as `head` does: nobody hears the rest, and nothing is wrong.
macro_rules! say {
    ($($text:tt)*) => {
        drop(std::io::Write::write_fmt(&mut std::io::stdout(), format_args!($($text)*)))
    };
}

/// The same, with the end of the line.
macro_rules! say_line {
    ($($text:tt)*) => {
        say!("{}\n", format_args!($($text)*))
    };
}

mod mutants;
mod progress;
mod swarm;

use clap::{Args, Parser, Subcommand};
use duologue_sim::{Failure, Kind, Often, Op, Plan, Report, Visits, run_twice, run_with, shrink};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs made-up worlds around the real engine, and looks whether what must hold holds.
///
/// A run is a function of its seed: everybody who runs it gets the same digest. A run that fails prints one page: what broke,
/// a line that repeats it, and the last that happened.
#[derive(Debug, Parser)]
#[command(version, after_long_help = HELP)]
struct Command {
    #[command(subcommand)]
    what: What,
}

const HELP: &str = "\
First steps:
  duologue-sim run --users 5000 --minutes 60 --seed 7     many people in steady use: digest, speed, marks
  duologue-sim swarm --seeds 500                          500 small worlds with everything in them that can go wrong
  duologue-sim shrink 1234                                the smallest story of what seed 1234 finds
  duologue-sim again 1234 --size 80 --off clog            one of them again, with fewer operations and a kind switched off

Exit codes:
  0 nothing found   2 usage   64 a law does not hold   65 a panic   66 something waits for ever
  67 the same run twice was not the same   68 a limit was passed   69 the simulator's own fault";

#[derive(Debug, Subcommand)]
enum What {
    /// Runs one seed again, twice, and tells its story if it fails
    Again(Again),
    /// Builds the system with each planted fault, and prints which seed finds it and how long its story is
    Mutants(mutants::Mutants),
    /// Many people in steady use: a digest, the speed, what was reached
    Run(Run),
    /// Finds the smallest story of a seed that fails
    Shrink(Shrink),
    /// Many seeds, each a small world of its own kind; stops at the first that fails
    Swarm(swarm::Swarm),
}

#[derive(Args, Debug)]
struct Run {
    /// How many people
    #[arg(long, default_value_t = 1_000)]
    users: u32,
    /// How long, in minutes of the simulated world
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Where all draws come from
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Everybody is there only now and then, in so many visits spread over the whole time
    #[arg(long, requires = "online")]
    visits: Option<u64>,
    /// How long all visits of a person last, in minutes
    #[arg(long)]
    online: Option<u64>,
    /// Look at no law: how fast is the system itself?
    #[arg(long)]
    no_laws: bool,
}

#[derive(Args, Debug)]
struct Again {
    /// Which seed
    seed: u64,
    #[command(flatten)]
    smaller: Smaller,
    /// Tell the story in any case, with so many lines
    #[arg(long)]
    story: Option<usize>,
}

#[derive(Args, Debug)]
struct Shrink {
    /// Which seed
    seed: u64,
    #[command(flatten)]
    smaller: Smaller,
    /// How many runs it may take
    #[arg(long, default_value_t = 400)]
    tries: u64,
}

/// What may be taken away from what a seed draws.
#[derive(Args, Debug)]
struct Smaller {
    /// Operations at most
    #[arg(long)]
    size: Option<u64>,
    /// How many people
    #[arg(long)]
    people: Option<u32>,
    /// Kinds of acts and weather switched off, with commas between
    #[arg(long, value_delimiter = ',')]
    off: Vec<String>,
    /// Only these operations, with commas between; "none" for none
    #[arg(long, value_delimiter = ',')]
    keep: Vec<String>,
}

impl Smaller {
    fn plan(&self, seed: u64) -> Result<Plan, String> {
        let mut plan = Plan::drawn(seed);
        plan.size = self.size.unwrap_or(plan.size);
        plan.people = self.people.unwrap_or(plan.people);
        for kind in &self.off {
            plan.swarm.switch_off(kind)?;
        }
        if !self.keep.is_empty() {
            let ops = self.keep.iter().filter(|text| *text != "none").map(|text| text.parse());
            plan.keep = Some(ops.collect::<Result<BTreeSet<Op>, String>>()?);
        }
        Ok(plan)
    }
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    // A panic is a finding and stands in the report; its usual message would be printed hundreds of times while shrinking.
    std::panic::set_hook(Box::new(|_| {}));
    let done = match Command::parse().what {
        What::Again(again) => again.run(),
        What::Mutants(mutants) => mutants.run(),
        What::Run(run) => run.run(),
        What::Shrink(shrink) => shrink.run(),
        What::Swarm(swarm) => swarm.run(),
    };
    match done {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failure)) => ExitCode::from(failure.kind.exit_code()),
        Err(why) => {
            eprintln!("duologue-sim: {why}");
            ExitCode::from(2)
        }
    }
}

type Done = Result<Option<Failure>, String>;

impl Run {
    fn run(&self) -> Done {
        let mut plan = Plan::steady(self.seed, self.users.max(1), self.minutes.max(1));
        if let (Some(count @ 1..), Some(minutes)) = (self.visits, self.online) {
            plan = plan.in_visits(Visits { count, minutes });
        }
        plan.laws = !self.no_laws;
        let bar = progress::Progress::new(plan.span_ms, "simulated");
        let started = progress::cpu_ms();
        let report = run_with(&plan, &mut |at| bar.at(at));
        let spent = progress::cpu_ms().saturating_sub(started).max(1);
        bar.done();
        if report.failure.is_some() {
            say!("{report}");
            return Ok(report.failure);
        }
        say_line!("nothing found: {} people, {} min, seed {}", self.users, self.minutes, self.seed);
        say_line!("digest  {:032x}", report.digest);
        say_line!("inputs  {}", report.inputs);
        say_line!("marks");
        print_marks(&report);
        eprintln!("speed   {} inputs a CPU-second ({}.{:03} s)", report.inputs * 1_000 / spent, spent / 1_000, spent % 1_000);
        Ok(None)
    }
}

impl Again {
    fn run(&self) -> Done {
        let plan = self.smaller.plan(self.seed)?;
        let mut report = run_twice(&plan);
        if let Some(lines) = self.story {
            report.story = duologue_sim::story(&plan);
            let skipped = report.story.len().saturating_sub(lines);
            report.story[skipped..].iter().for_each(|line| say_line!("{line}"));
        }
        say!("{report}");
        say_line!("digest  {:032x}", report.digest);
        Ok(report.failure)
    }
}

impl Shrink {
    fn run(&self) -> Done {
        let plan = self.smaller.plan(self.seed)?;
        let report = run_with(&plan, &mut |_| {});
        let Some(shrunk) = shrink(&report, self.tries) else {
            say!("{report}");
            return Ok(None);
        };
        say!("{}", shrunk.report);
        eprintln!("({} runs)", shrunk.tries);
        Ok(shrunk.report.failure)
    }
}

fn print_marks(report: &Report) {
    for (name, count) in report.marks.iter() {
        say_line!("  {count:>10}  {name}");
    }
    let missing = report.marks.missing(Often::Usual);
    if !missing.is_empty() {
        say_line!("  not reached, as a swarm does: {}", missing.join(", "));
    }
}

/// A failure of the command's own expectations.
fn own(what: String) -> Failure {
    Failure { kind: Kind::Own, law: "the simulator", what }
}

/// The workspace that this command was built from, or another one.
fn workspace(given: Option<&PathBuf>) -> Result<PathBuf, String> {
    let here = given.cloned().map_or_else(std::env::current_dir, Ok).map_err(|why| why.to_string())?;
    let is_one = here.join("sim/mutants").is_dir() && here.join("core/src").is_dir();
    if is_one { Ok(here) } else { Err(format!("{} is not the workspace; say where it is with --workspace", here.display())) }
}
