//! How much of everything there is, as one value: for health and metrics.

use duologue_core::engine;
use duologue_core::kit::time::Span;

/// The realm at an instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    /// Of the engine.
    pub engine: engine::Usage,
    /// Of the gateway.
    pub gateway: duologue_gateway::Usage,
    /// Rows that are not known to be durable.
    pub backlog: usize,
    /// Whether the store takes facts.
    pub store_up: bool,
    /// Since the driver began.
    pub uptime: Span,
    /// Of the driver.
    pub turns: Turns,
}

/// What the driver did so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    /// Times round the loop.
    pub turns: u64,
    /// Times woken without anything to do: a deadline that does not advance shows here.
    pub idle: u64,
    /// Inputs that the engine took.
    pub inputs: u64,
    /// Inputs offered again, since there was no room.
    pub refused: u64,
    /// Outputs released.
    pub released: u64,
    /// Engines that panicked.
    pub panics: u64,
    /// The longest turn, in milliseconds.
    pub longest_ms: u64,
}
