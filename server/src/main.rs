//! The binary. Exit codes: 0 it was told to stop, 1 it could not go on, 2 the command line or configuration makes no sense, 3 the
//! data folder is in use.

use clap::Parser;
use duologue_server::certificates::Certificates;
use duologue_server::cli::{Cli, Command};
use duologue_server::{check_turn, clock, config, log, serve};
use std::io::stdout;
use std::path::Path;
use std::process::ExitCode;

// Measured: after a spike of connections it gives memory back within a second, where others keep it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let Cli { command, options } = Cli::parse();
    let settings = match options.settings() {
        Ok(settings) => settings,
        Err(line) => return failed(2, &line),
    };
    match command.unwrap_or(Command::Serve) {
        Command::CheckConfig => {
            if let Some(Err(error)) = settings.certificate().map(Certificates::new) {
                return failed(2, &error.to_string());
            }
            println!("The configuration makes sense.");
        }
        Command::CheckTurn { trust } => return check_turn(&settings, trust.as_deref()),
        Command::PrintConfig => print!("{}", config::print(&settings)),
        Command::Serve => {
            // People are told by the banner; the log then speaks of what happens.
            log::start(options.log, options.ready.is_none() && options.log.is_none());
            if let Err(failure) = serve::serve(&settings, &options) {
                return failed(failure.exit, &failure.line);
            }
        }
    }
    ExitCode::SUCCESS
}

fn check_turn(settings: &config::Settings, trust: Option<&Path>) -> ExitCode {
    let servers = settings.ice_servers();
    if servers.turn.is_empty() && servers.stun.is_empty() {
        return failed(2, "there is nothing to check: turn.urls and turn.secret, stun.urls say where servers are (docs/operating.md)");
    }
    let roots = match check_turn::roots(trust) {
        Ok(roots) => roots,
        Err(line) => return failed(2, &line),
    };
    match check_turn::check(&servers, &roots, clock::wall(), &mut stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(1, &format!("stdout: {error}")),
    }
}

fn failed(code: u8, line: &str) -> ExitCode {
    eprintln!("duologue: {line}");
    ExitCode::from(code)
}
