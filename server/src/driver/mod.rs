//! The driver: one thread that owns the realm's machines and turns the loop.
//!
//! ```text
//! wait for the inbox or the next deadline ─▶ read the clock, once ─▶ hand on what came ─▶ run deadlines ─▶ give out what is said
//! ```
//!
//! [`Driver`] is the handle of everybody else: sockets, HTTP and the store put into its inbox and never wait for it. The thread
//! itself (`realm.rs`) knows no socket and no HTTP: it hears `Up`, says `Down` and answers questions. What happens
//! when the core panics stands in `recover`.

mod inbox;
mod realm;
mod recover;
mod snapshot;

pub use realm::{Ending, Parts, PeopleWritten};
pub use snapshot::{Snapshot, Turns};

use duologue_core::input::{Address, Level, Request};
use duologue_core::kit::ids::TokenHash;
use duologue_core::output::Reply;
use duologue_transport::Up;
use inbox::{Ask, Inbound, Inbox};
use realm::Realm;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::oneshot;

/// The handle of the driver's thread.
#[derive(Clone, Debug, Default)]
pub struct Driver {
    inbox: Arc<Inbox>,
}

/// The driver has ended: there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl Driver {
    /// A handle without a thread yet: what is put in waits for it.
    pub fn new() -> Driver {
        Driver::default()
    }

    /// Starts the thread. It runs until it has drained or must end; `parts` says what it works with.
    ///
    /// # Errors
    /// What the system says where it gives no thread.
    pub fn run(&self, parts: Parts) -> std::io::Result<JoinHandle<Ending>> {
        let inbox = self.inbox.clone();
        Builder::new().name("realm".into()).spawn(move || {
            let ending = Realm::new(parts, inbox.clone()).and_then(|mut realm| realm.run());
            inbox.close();
            ending.unwrap_or_else(|ending| ending)
        })
    }

    /// A word of the transport.
    pub fn up(&self, up: Up) {
        self.inbox.put(Inbound::Up(up));
    }

    /// Asks the realm, and waits for its answer.
    ///
    /// # Errors
    /// `Ended` – there will be none.
    pub async fn ask(&self, who: Option<TokenHash>, address: Address, request: Request) -> Result<Reply, Ended> {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Inbound::Ask(Box::new(Ask { who, address, request, answer })));
        answered.await.map_err(|_| Ended)
    }

    /// How much of everything there is.
    ///
    /// # Errors
    /// `Ended` – nothing any more.
    pub async fn look(&self) -> Result<Snapshot, Ended> {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Inbound::Look(answer));
        answered.await.map_err(|_| Ended)
    }

    /// How full the budget of memory is (MEM 1, 3): to be said when it changes, and at each look while it is critical.
    pub fn memory(&self, level: Level) {
        self.inbox.put(Inbound::Memory(level));
    }

    /// Tells everybody that the server goes away, writes what is to be written, and ends the thread.
    pub fn drain(&self) {
        self.inbox.put(Inbound::Drain);
    }
}

#[cfg(test)]
mod tests;
