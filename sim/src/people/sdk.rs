//! A device that runs the real client engine (`duologue_client`), as an SDK does: it connects, resumes, sends again and declares
//! again by itself; the person only asks. What it sends and hears goes past the same ear as everybody's.

use super::Deed;
use crate::checks::{Verdict, law};
use crate::choices::Dice;
use crate::marks::Marks;
use duologue_client::{Answered, Config, Engine, Form as ClientForm};
use duologue_core::kit::ids::{CallId, ClientId};
use duologue_core::wire::Command;
use duologue_transport::Form;
use std::collections::BTreeSet;

/// The engine, and what it was asked.
#[derive(Debug)]
pub(crate) struct Sdk {
    pub engine: Engine,
    asks: BTreeSet<u64>,
    next_ask: u64,
    /// The engine's own number of the link that it has.
    pub link: Option<u32>,
    /// The true time of its next deadline, as planned.
    pub wakes: Option<u64>,
}

impl Sdk {
    /// A process that starts; `seat` is what an earlier run of it remembers.
    pub(crate) fn new(token: &str, client: ClientId, form: Form, seat: Option<CallId>, seed: u64) -> Sdk {
        let form = if form == Form::Postcard { ClientForm::Binary } else { ClientForm::Json };
        // Descriptions and candidates are the person's: nobody here has a peer connection.
        let config = Config { form, seat, negotiate: false, ..Config::new(token, client, seed) };
        Sdk { engine: Engine::new(config), asks: BTreeSet::new(), next_ask: 0, link: None, wakes: None }
    }

    /// Which of a person's devices run it.
    pub(crate) fn is_for(seed: u64, person: u32, device: u8) -> bool {
        Dice::of(seed, "sdk", u64::from(person), u64::from(device)).percent(50)
    }

    /// The mark of a new question.
    pub(crate) fn ask(&mut self) -> u64 {
        self.next_ask += 1;
        self.asks.insert(self.next_ask);
        self.next_ask
    }

    /// CON 5, as the application sees it: exactly one outcome for each question.
    pub(crate) fn answered(&mut self, answered: &Answered, marks: &mut Marks) -> Verdict {
        law(marks, "law: one outcome a question", self.asks.remove(&answered.ask), || {
            format!("{answered:?} was not asked, or twice answered")
        })
    }

    /// Questions without an outcome.
    pub(crate) fn waiting(&self) -> usize {
        self.asks.len().max(self.engine.unanswered())
    }
}

/// A question for the engine of a device.
pub(crate) fn ask(device: u8, command: Command) -> Deed {
    Deed::Ask { device, command: Box::new(command) }
}
