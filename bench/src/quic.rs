//! What QUIC connections cost: the transport's own example measures it, with a server in a process of its own.

use crate::Anything;
use crate::page::Figure;
use std::process::Command;

/// All figures.
pub fn figures() -> Anything<Vec<Figure>> {
    let output =
        Command::new(env!("CARGO")).args(["run", "--release", "--quiet", "-p", "duologue-transport-quic", "--example", "cost"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let rows = text.lines().skip(2).filter_map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        Some(Figure::held(cells.next()?, cells.next()?, cells.next()?))
    });
    Ok(rows.collect())
}
