//! Late or early does not matter: a second engine and a second gateway are given the same inputs at the same instants and are
//! never called for a deadline. They must say the same things in the same order, and be in the same state whenever both have
//! just been given the same.

use super::{Verdict, law};
use crate::failure::Failure;
use crate::marks::Marks;
use duologue_core::engine::Engine;
use duologue_core::input::Input;
use duologue_core::kit::time::Millis;
use duologue_core::output::Output;
use duologue_core::wire::Closing;
use duologue_gateway::{Gateway, Outward};
use duologue_transport::Up;
use std::collections::VecDeque;

const LAW: &str = "law: lazy and punctual agree";

/// The lazy pair, and what the punctual one said that it has not said yet.
#[derive(Debug)]
pub(crate) struct Shadow {
    engine: Engine,
    gateway: Gateway,
    said: VecDeque<Output>,
    outward: VecDeque<Outward>,
    compared: u64,
}

impl Shadow {
    pub(crate) fn new(engine: Engine, gateway: Gateway) -> Shadow {
        Shadow { engine, gateway, said: VecDeque::new(), outward: VecDeque::new(), compared: 0 }
    }

    /// The punctual engine has said this.
    pub(crate) fn said(&mut self, output: &Output) {
        self.said.push_back(output.clone());
    }

    /// The punctual gateway has said this.
    pub(crate) fn went_out(&mut self, outward: &Outward) {
        self.outward.push_back(outward.clone());
    }

    /// The punctual engine was given this and is drained.
    pub(crate) fn input(&mut self, now: Millis, input: &Input, punctual: &Engine, marks: &mut Marks) -> Verdict {
        let mut tries = 0;
        while self.engine.handle_input(now, input).is_err() {
            self.drain_engine(now)?;
            tries += 1;
            if tries > 100_000 {
                return Err(Failure::liveness(LAW, format!("the lazy engine refuses {input:?} for ever")));
            }
        }
        self.drain_engine(now)?;
        law(marks, LAW, self.said.is_empty(), || format!("at {now:?}, given {input:?}, only the punctual engine says {:?}", self.said[0]))?;
        self.compared += 1;
        if self.compared.is_multiple_of(16) {
            law(marks, LAW, self.engine.state_digest() == punctual.state_digest(), || {
                format!("at {now:?}, after {input:?}, the two engines have said the same and differ")
            })?;
        }
        Ok(())
    }

    /// The punctual gateway was given this and is drained.
    pub(crate) fn transport(&mut self, now: Millis, up: &Up, punctual: &Gateway, marks: &mut Marks) -> Verdict {
        self.gateway.handle_transport(now, up.clone());
        self.drain_gateway(now)?;
        self.compare_gateways(now, punctual, marks)
    }

    /// The same, for what Commit released.
    pub(crate) fn released(&mut self, now: Millis, output: &Output, punctual: &Gateway, marks: &mut Marks) -> Verdict {
        self.gateway.handle_released(now, output.clone());
        self.drain_gateway(now)?;
        self.compare_gateways(now, punctual, marks)
    }

    /// The punctual gateway has closed everybody.
    pub(crate) fn close_all(&mut self, now: Millis, punctual: &Gateway, marks: &mut Marks) -> Verdict {
        self.gateway.close_all(now, Closing::GoingAway);
        self.drain_gateway(now)?;
        self.compare_gateways(now, punctual, marks)
    }

    fn compare_gateways(&mut self, now: Millis, punctual: &Gateway, marks: &mut Marks) -> Verdict {
        law(marks, LAW, self.outward.is_empty(), || format!("at {now:?} only the punctual gateway says {:?}", self.outward[0]))?;
        self.compared += 1;
        if self.compared.is_multiple_of(16) {
            law(marks, LAW, self.gateway.state_digest() == punctual.state_digest(), || format!("at {now:?} the two gateways differ"))?;
        }
        Ok(())
    }

    fn drain_engine(&mut self, now: Millis) -> Verdict {
        while let Some(output) = self.engine.poll_output() {
            let punctual = self.said.pop_front();
            if punctual.as_ref() != Some(&output) {
                return Err(Failure::safety(LAW, format!("at {now:?} the lazy engine says {output:?}, the punctual one {punctual:?}")));
            }
        }
        Ok(())
    }

    fn drain_gateway(&mut self, now: Millis) -> Verdict {
        while let Some(outward) = self.gateway.poll_output() {
            let punctual = self.outward.pop_front();
            if punctual.as_ref() != Some(&outward) {
                return Err(Failure::safety(LAW, format!("at {now:?} the lazy gateway says {outward:?}, the punctual one {punctual:?}")));
            }
        }
        Ok(())
    }
}
