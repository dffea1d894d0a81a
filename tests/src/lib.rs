//! Process-level tests: the real `duologue`, a real database, real sockets on loopback.
//!
//! This is their harness. [`Server`] runs the binary on a folder of its own and ends it by its id; [`Client`] is a raw JSON
//! client that knows the protocol's page and nothing of our code; [`http`] asks over plain HTTP. Nothing here sleeps for a time
//! where something can be awaited, and every wait ends: by what was awaited, or by a panic that says what was, and shows what
//! was heard instead.

mod client;
pub mod documents;
mod folder;
pub mod http;
pub mod quic;
mod server;

pub use client::{Carrier, Client, Door, Dropped, Guest, drawn_client};
pub use folder::Folder;
pub use server::{Ended, Server, binary, run};

use std::time::Duration;
use tokio::time::Instant;

/// How long anything may take that should come at once. The machine may be busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `wish` is fulfilled, or panics with what was wished.
pub async fn within<F: Future>(what: &str, wish: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, wish).await {
        Ok(output) => output,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// Asks again until the answer is some, for what no event tells. Panics with `what` when patience is over.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Numbers that look random, from a seed that a failure names: SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From `DUOLOGUE_SEED`, else from this process's id; said on stderr, so that a failure can be repeated.
    pub fn thrown() -> Dice {
        let seed = std::env::var("DUOLOGUE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
        eprintln!("DUOLOGUE_SEED={seed}");
        Dice(seed)
    }

    /// Evenly from 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
