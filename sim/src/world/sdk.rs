//! The driver of a client engine in miniature: sockets are links of the net, deadlines are events of the world.

use super::{What, World};
use crate::checks::Verdict;
use crate::net::{Device, Rise};
use crate::people::device::DeviceState;
use bytes::Bytes;
use duologue_client::{Event, Input, Output};
use duologue_core::kit::time::Millis;
use duologue_core::wire::{ClientMessage, Command};

impl World {
    fn device(&mut self, device: Device) -> Option<&mut DeviceState> {
        self.people[device.person as usize].devices.get_mut(usize::from(device.index))
    }

    /// Gives a client engine an input, and does what it wants. Its clock is the true time.
    pub(super) fn sdk(&mut self, device: Device, input: Input<'_>) -> Verdict {
        let now = Millis(self.now);
        let Some(sdk) = self.device(device).and_then(|state| state.sdk.as_mut()) else { return Ok(()) };
        sdk.engine.handle_input(now, input);
        self.sdk_outputs(device)
    }

    /// Somebody asks something of a device.
    pub(super) fn sdk_asks(&mut self, device: Device, command: Command) -> Verdict {
        let Some(sdk) = self.device(device).and_then(|state| state.sdk.as_mut()) else { return Ok(()) };
        let ask = sdk.ask();
        self.sdk(device, Input::Command { ask, command })
    }

    /// A deadline of a client engine.
    pub(super) fn sdk_wakes(&mut self, device: Device) -> Verdict {
        let now = self.now;
        let Some(sdk) = self.device(device).and_then(|state| state.sdk.as_mut()) else { return Ok(()) };
        if sdk.wakes != Some(now) {
            return Ok(());
        }
        sdk.wakes = None;
        sdk.engine.handle_timeout(Millis(now));
        self.sdk_outputs(device)
    }

    fn sdk_outputs(&mut self, device: Device) -> Verdict {
        loop {
            let Some(sdk) = self.device(device).and_then(|state| state.sdk.as_mut()) else { return Ok(()) };
            let Some(output) = sdk.engine.poll_output() else { break };
            match output {
                Output::Close { link, clean } => self.sdk_closes(device, link, clean),
                Output::Connect { link } => self.push(self.now + 1, What::SdkOpens(device, link)),
                Output::Event(Event::Answered(answered)) => {
                    let marks = &mut self.marks;
                    let state = &mut self.people[device.person as usize].devices[usize::from(device.index)];
                    if let Some(sdk) = state.sdk.as_mut() {
                        sdk.answered(&answered, marks)?;
                    }
                }
                Output::Event(Event::Ended(_)) => {
                    if let Some(state) = self.device(device) {
                        state.is_on = false;
                        state.pending.clear();
                        state.ear.forget_connection();
                    }
                }
                Output::Event(_) => {}
                Output::Send { link, bytes } => self.sdk_sends(device, link, bytes.into()),
            }
        }
        self.sdk_plans(device);
        Ok(())
    }

    /// Plans its next deadline.
    fn sdk_plans(&mut self, device: Device) {
        let now = self.now;
        let Some(sdk) = self.device(device).and_then(|state| state.sdk.as_mut()) else { return };
        let Some(at) = sdk.engine.poll_timeout().map(|at| at.0.max(now)) else { return };
        if sdk.wakes.is_none_or(|planned| at < planned || planned < now) {
            sdk.wakes = Some(at);
            self.push(at, What::SdkWakes(device));
        }
    }

    /// Opens a socket, if there is anybody to open it to.
    pub(super) fn sdk_opens(&mut self, device: Device, link: u32) -> Verdict {
        if self.device(device).and_then(|state| state.conn).is_some() {
            return Ok(());
        }
        let Some(conn) = self.opens(device) else {
            return self.sdk(device, Input::Closed { link, code: None });
        };
        if let Some(state) = self.device(device) {
            state.conn = Some(conn);
            if let Some(sdk) = state.sdk.as_mut() {
                sdk.link = Some(link);
            }
        }
        self.rises(conn, Rise::Opened);
        self.sdk(device, Input::Connected { link })
    }

    fn sdk_closes(&mut self, device: Device, link: u32, clean: bool) {
        let Some(state) = self.device(device) else { return };
        if state.sdk.as_ref().is_some_and(|sdk| sdk.link == Some(link)) {
            self.closes_link(device, clean);
        }
    }

    fn sdk_sends(&mut self, device: Device, link: u32, bytes: Bytes) {
        let Some(state) = self.device(device) else { return };
        let (Some(conn), true) = (state.conn, state.sdk.as_ref().is_some_and(|sdk| sdk.link == Some(link))) else { return };
        match crate::people::device::decode_own(state.form, &bytes) {
            Ok(message) => {
                if let ClientMessage::Command { id, command } = &message {
                    state.pending.insert(*id, command.clone());
                }
                state.ear.said(&message);
            }
            Err(Some(number)) => state.ear.said_number(number),
            Err(None) => {}
        }
        let form = state.form;
        self.story.note(self.now, || format!("p{} (sdk) says {}", device.person, crate::story::said(form, &bytes)));
        self.rises(conn, Rise::Message(bytes));
    }

    /// A socket of a client engine is gone.
    pub(super) fn sdk_loses(&mut self, device: Device, code: Option<u16>) -> Verdict {
        let Some(link) = self.device(device).and_then(|state| state.sdk.as_mut()).and_then(|sdk| sdk.link.take()) else { return Ok(()) };
        self.sdk(device, Input::Closed { link, code })
    }
}
