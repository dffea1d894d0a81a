//! The deterministic simulator of Duologue: the real engine, commit, gateway and codecs over made-up links, clocks, stores and
//! people. One process, one thread, no real time. A run is a function of its [`Plan`], on every platform; a plan is drawn from a
//! seed. It is a library for other people's `cargo test` as much as a command.
//!
//! ```
//! use duologue_sim::{Plan, run};
//!
//! let mut plan = Plan::drawn(7);
//! plan.size = 200; // operations
//! let report = run(&plan);
//! assert!(report.failure.is_none(), "{report}");
//! assert_eq!(run(&plan).digest, report.digest);
//! ```
//!
//! What holds is said by *laws* that need no model of the rules (in `checks`): one call a user, told is durable, nothing told
//! twice, an engine from the rows is the running one, lazy and punctual agree, bounds hold, everything is answered. Each counts
//! how often it compared something, as a *mark*. What the simulator replaces it cannot test: sockets, TLS, kernel, SQL.

mod checks;
mod choices;
mod clock;
mod failure;
mod marks;
mod net;
mod people;
mod plan;
mod report;
mod server;
mod shrink;
mod store;
mod story;
mod swarm;
mod world;

pub use choices::{Dice, Op};
pub use failure::{Failure, Kind};
pub use marks::{EXPECTED, Marks, Often};
pub use plan::{ClockPlan, Driver, GatewayPlan, Plan, Visits};
pub use report::{Report, run, run_twice, run_with, story};
pub use shrink::{Shrunk, shrink};
pub use swarm::Swarm;
