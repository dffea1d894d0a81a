//! `mutants`: planted faults measure the simulator. Each is a small patch in `sim/mutants`, which says first which law it breaks;
//! it is applied to a copy of the sources, built in a target directory of its own, and must be found by a swarm of seeds. The table
//! says by which one, and how many operations its shrunk story has. Where another law or an assertion found it, the law that it
//! breaks is looked for too.

use super::{Done, own, workspace};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Args, Debug)]
pub(crate) struct Mutants {
    /// Seeds that each may take
    #[arg(long, default_value_t = 400)]
    seeds: u64,
    /// Only those whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// The workspace, if it is not the current directory
    #[arg(long)]
    workspace: Option<PathBuf>,
    /// Where the copy of the sources and its target directory go
    #[arg(long, default_value = "target/mutants")]
    scratch: PathBuf,
}

/// What a patch names that breaks no law, because an assertion of the system itself comes before.
const ASSERTION: &str = "an assertion of the system";

/// What became of one of them.
struct Found {
    name: String,
    seed: Option<String>,
    operations: Option<String>,
    law: String,
    /// The law that it breaks, and the first seed in which that one found it.
    breaks: (String, Option<String>),
}

impl Mutants {
    pub(crate) fn run(&self) -> Done {
        let from = workspace(self.workspace.as_ref())?;
        let scratch = from.join(&self.scratch);
        let copy = scratch.join("sources");
        let mut patches: Vec<PathBuf> =
            list(&from.join("sim/mutants"))?.into_iter().filter(|path| path.extension().is_some_and(|is| is == "patch")).collect();
        patches.sort();
        patches.retain(|path| self.only.as_ref().is_none_or(|only| path.display().to_string().contains(only)));
        let mut survivors = 0;
        say_line!("| planted fault | found by seed | operations | how | its law | found by seed |");
        say_line!("|---|---|---|---|---|---|");
        for patch in &patches {
            synchronise(&from, &copy)?;
            let found = self.one(patch, &copy, &scratch.join("target"))?;
            survivors += usize::from(found.seed.is_none() || found.breaks.1.is_none());
            let (its_law, by) = found.breaks;
            let [seed, operations, by] = [found.seed, found.operations, by].map(|text| text.unwrap_or_else(|| "–".into()));
            say_line!("| {} | {seed} | {operations} | {} | {its_law} | {by} |", found.name, found.law);
        }
        if survivors == 0 { Ok(None) } else { Ok(Some(own(format!("{survivors} of {} planted faults survive", patches.len())))) }
    }

    fn one(&self, patch: &Path, copy: &Path, target: &Path) -> Result<Found, String> {
        let name = patch.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = fs::read_to_string(patch).map_err(|why| format!("{}: {why}", patch.display()))?;
        let its_law = text.lines().next().and_then(|line| line.strip_prefix("Breaks: ")).unwrap_or("none is named").to_owned();
        let lost = |law: &str| Found { name: name.clone(), seed: None, operations: None, law: law.into(), breaks: (its_law.clone(), None) };
        let file = fs::File::open(patch).map_err(|why| format!("{}: {why}", patch.display()))?;
        let applied =
            Command::new("patch").args(["-p1", "--quiet", "--force", "--no-backup-if-mismatch"]).current_dir(copy).stdin(file).output();
        if !applied.map_err(|why| format!("patch: {why}"))?.status.success() {
            return Ok(lost("the patch does not apply any more"));
        }
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "-p", "duologue-sim", "--target-dir"]).arg(target).current_dir(copy);
        // Built three dozen times: quickly, and with every assertion.
        cargo.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        let built = cargo.stdout(Stdio::null()).output().map_err(|why| format!("cargo: {why}"))?;
        if !built.status.success() {
            return Ok(lost("does not build"));
        }
        let program = target.join("debug/duologue-sim");
        let Some(any) = self.swarm(&program, None)? else { return Ok(lost("survives")) };
        let is_it = if its_law == ASSERTION { any.law.starts_with("panic: ") } else { any.law.ends_with(&its_law) };
        let by = if is_it { Some(any.seed.clone()) } else { self.swarm(&program, Some(&its_law))?.map(|own| own.seed) };
        Ok(Found { name, seed: Some(any.seed), operations: any.operations, law: any.law, breaks: (its_law, by) })
    }

    /// What a swarm finds first: anything, or this law broken.
    fn swarm(&self, program: &Path, law: Option<&str>) -> Result<Option<First>, String> {
        let mut swarm = Command::new(program);
        swarm.args(["swarm", "--seeds", &self.seeds.to_string()]);
        if let Some(law) = law {
            swarm.args(["--tries", "0", "--law", law]);
        }
        let output = swarm.output().map_err(|why| why.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = text.lines();
        let Some(seed) = lines.next().and_then(|line| line.strip_prefix("seed ")).map(String::from) else { return Ok(None) };
        let law = lines.next().map(|line| line.split(':').take(3).collect::<Vec<_>>().join(":")).unwrap_or_default();
        let operations =
            text.lines().find_map(|line| line.strip_prefix("after ")).and_then(|line| line.split(' ').next()).map(String::from);
        Ok(Some(First { seed, operations, law: law.chars().take(80).collect() }))
    }
}

/// What a swarm found first.
struct First {
    seed: String,
    operations: Option<String>,
    law: String,
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|why| why.to_string())).collect()
}

/// Makes the copy like the sources. Files that did not change are left alone, so that only what is patched is built again.
fn synchronise(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|why| format!("{}: {why}", to.display()))?;
    for path in list(from)? {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        let is_left_out = name.starts_with('.') || matches!(name.as_str(), "target" | "node_modules" | "web");
        let copied = to.join(&name);
        if path.is_dir() && !is_left_out {
            synchronise(&path, &copied)?;
        } else if path.is_file() && !is_left_out {
            let wanted = fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            if fs::read(&copied).ok().as_ref() != Some(&wanted) {
                fs::write(&copied, wanted).map_err(|why| format!("{}: {why}", copied.display()))?;
            }
        }
    }
    for path in list(to)? {
        let is_here = path.file_name().is_some_and(|name| from.join(name).exists());
        if !is_here && path.is_file() {
            fs::remove_file(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        }
    }
    Ok(())
}
