//! The command: `duologue-sim run`, `again`, `swarm`, `shrink`, `mutants`. What it prints on stdout is the same for the same run;
//! speed and progress, which are not, go to stderr.

mod command;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    command::main()
}
