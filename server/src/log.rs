//! The log: on stderr, structured, without names, tokens or descriptions of calls, since nothing that logs is given any. INFO is
//! what an operator wants, WARN what somebody must look at; `RUST_LOG` chooses more.

use crate::cli::Form;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;

/// Begins to log.
pub fn start(form: Option<Form>, quiet: bool) {
    let usual = if quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let colours = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(colours).with_target(false);
    match form {
        Some(Form::Json) => builder.json().flatten_event(true).init(),
        None => builder.compact().init(),
    }
}
