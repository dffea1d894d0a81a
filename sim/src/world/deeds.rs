//! What people do, carried out: links opened, closed and cut, messages, requests over HTTP; and everybody leaving at the end.

use super::{What, World};
use crate::checks::Verdict;
use crate::choices::Dice;
use crate::hit;
use crate::net::{Device, Fall, Rise};
use crate::people::{Deed, Gossip, Habit, hostile};
use crate::server::Inbound;
use duologue_client::Input as ClientInput;
use duologue_core::input::{Input, Request};
use duologue_core::kit::ids::RequestId;
use duologue_core::output::Reply;
use duologue_core::wire::Command;

impl World {
    /// Carries deeds out. Gives for how long the person wants to do nothing, if so.
    pub(super) fn carry_out(&mut self, person: u32, deeds: Vec<Deed>) -> Result<Option<u64>, crate::failure::Failure> {
        let mut sleeps = None;
        for deed in deeds {
            match deed {
                Deed::Ask { device, command } => self.sdk_asks(Device { person, index: device }, *command)?,
                Deed::After { ms, device, thought } => self.push(self.now + ms, What::Thinks(Device { person, index: device }, thought)),
                Deed::Close { device, clean } => self.closes(Device { person, index: device }, clean)?,
                Deed::Connect { device, after_ms } => self.push(self.now + after_ms, What::Connects(Device { person, index: device })),
                Deed::Drop { device } => self.cuts(Device { person, index: device }),
                Deed::Http(request) => self.asks(person, request),
                Deed::ReadSlowly { device, bytes_per_second } => {
                    if let Some(conn) = self.conn(Device { person, index: device }) {
                        self.net.get_mut(conn).reads = Some(bytes_per_second);
                    }
                }
                Deed::Send { device, bytes } => {
                    if let Some(conn) = self.conn(Device { person, index: device }) {
                        self.story.note(self.now, || format!("p{person} says {}", crate::story::said(self.net.get(conn).form, &bytes)));
                        self.rises(conn, Rise::Message(bytes));
                    }
                }
                Deed::Sleep { ms } => sleeps = Some(ms),
                Deed::WrongFrame { device } => {
                    if let Some(conn) = self.conn(Device { person, index: device }) {
                        self.rises(conn, Rise::WrongFrame);
                    }
                }
            }
        }
        Ok(sleeps)
    }

    fn conn(&self, device: Device) -> Option<u64> {
        self.people[device.person as usize].devices.get(usize::from(device.index)).and_then(|state| state.conn)
    }

    /// A device opens a link, if it still wants to and can.
    pub(super) fn connects(&mut self, device: Device) -> Verdict {
        let person = &mut self.people[device.person as usize];
        let Some(user) = person.user else { return Ok(()) };
        let token = person.token.clone();
        let is_hostile = person.is_hostile();
        let Some(state) = person.devices.get_mut(usize::from(device.index)) else { return Ok(()) };
        if state.conn.is_some() || !state.is_on {
            return Ok(());
        }
        let is_sdk = state.sdk.is_some();
        Gossip::hear(&mut self.gossip.users, user);
        if is_sdk {
            self.sdk(device, ClientInput::Open)?;
            return self.sdk(device, ClientInput::Online);
        }
        let Some(conn) = self.opens(device) else { return self.tries_again(device) };
        let state = &mut self.people[device.person as usize].devices[usize::from(device.index)];
        state.conn = Some(conn);
        let opened = state.opened;
        self.rises(conn, Rise::Opened);
        let first = if is_hostile && self.phase == super::Phase::Acting {
            let mut dice = Dice::of(self.plan.seed, "hostile hello", u64::from(device.person), opened);
            hostile::first_message(&mut self.people[device.person as usize], &mut dice, &self.gossip, &mut self.marks)
        } else {
            Some(self.people[device.person as usize].devices[usize::from(device.index)].hello(&token))
        };
        self.carry_out(device.person, first.into_iter().collect()).map(drop)
    }

    /// A new link of a device to the server that is in front, if it can be reached.
    pub(super) fn opens(&mut self, device: Device) -> Option<u64> {
        let node = self.front;
        let life = self.servers[node].as_ref().filter(|server| !server.dead).map(|server| server.life);
        let life = life.filter(|_| !self.net.is_partitioned(device.person, self.now))?;
        let address = self.people[device.person as usize].address;
        let state = &mut self.people[device.person as usize].devices[usize::from(device.index)];
        state.opened += 1;
        let conn = self.net.open(device, state.opened, node, life, state.form, address);
        self.story.note(self.now, || format!("p{} opens link {conn} to server {node}", device.person));
        Some(conn)
    }

    /// A device has no link any more.
    pub(super) fn loses(&mut self, device: Device, conn: u64, code: Option<u16>) -> Verdict {
        let state = &mut self.people[device.person as usize].devices[usize::from(device.index)];
        if state.conn != Some(conn) {
            return Ok(());
        }
        state.lost();
        match (state.sdk.is_some(), state.is_on) {
            (true, _) => self.sdk_loses(device, code),
            (false, true) => self.tries_again(device),
            (false, false) => Ok(()),
        }
    }

    /// Comes back after a pause: mostly soon, sometimes after the grace, now and then not by itself.
    fn tries_again(&mut self, device: Device) -> Verdict {
        let grace = self.plan.rules.grace.0;
        let is_over = self.phase != super::Phase::Acting;
        let person = &mut self.people[device.person as usize];
        let mut dice = person.answer_dice();
        let state = &mut person.devices[usize::from(device.index)];
        state.attempt += 1;
        let asked = std::mem::take(&mut state.retry_ms);
        if is_over && asked > 0 {
            // The house is full, and nobody leaves any more.
            state.is_on = false;
            return Ok(());
        }
        let is_patient = dice.percent(70);
        let pause = match dice.upto(9) {
            _ if asked > 0 && is_patient => asked,
            _ if is_over => dice.span(100, 2_000),
            0..7 => dice.span(20, 3_000) * u64::from(state.attempt.min(5)),
            7 | 8 => dice.span(1, (grace * 2).max(2)),
            _ => {
                state.is_on = false;
                return Ok(());
            }
        };
        self.push(self.now + pause, What::Connects(device));
        Ok(())
    }

    /// Somebody closes a device's link: as one does, or by killing its process.
    pub(super) fn closes(&mut self, device: Device, clean: bool) -> Verdict {
        let is_sdk = self.people[device.person as usize].devices.get(usize::from(device.index)).is_some_and(|state| state.sdk.is_some());
        if is_sdk && clean {
            return self.sdk(device, ClientInput::Leave);
        }
        self.closes_link(device, clean);
        if is_sdk { self.sdk_loses(device, None) } else { Ok(()) }
    }

    /// A client closes its own link.
    pub(super) fn closes_link(&mut self, device: Device, clean: bool) {
        let Some(conn) = self.conn(device) else { return };
        self.rises(conn, Rise::Closed { clean });
        self.net.get_mut(conn).client_open = false;
        self.people[device.person as usize].devices[usize::from(device.index)].lost();
    }

    /// A link breaks: both sides notice, each in its time.
    pub(super) fn cuts(&mut self, device: Device) {
        if let Some(conn) = self.conn(device) {
            self.breaks(conn);
        }
    }

    pub(super) fn breaks(&mut self, conn: u64) {
        let (up, down) = (self.net.arrival_up(conn, self.now), self.net.arrival_down(conn, self.now, 0));
        self.push(up, What::Arrives(conn, Rise::Closed { clean: false }));
        self.push(down, What::Falls(conn, Fall::Reset));
    }

    /// Somebody new makes an account.
    pub(super) fn signs_up(&mut self, person: u32) -> Vec<Deed> {
        let who = &self.people[person as usize];
        vec![Deed::Http(Request::Guest { user: who.id(), session: who.session(), name: who.name(), gender: None })]
    }

    fn asks(&mut self, person: u32, request: Request) {
        let who = match &request {
            Request::Guest { .. } => None,
            _ => Some(self.people[person as usize].session()),
        };
        let id = self.request_id(person);
        let input = Input::Request { id, who, address: self.address(person), request };
        let mut dice = self.people[person as usize].answer_dice();
        self.push(self.now + dice.span(1, self.plan.latency_ms.max(1)), What::Http(id, person, Box::new(input)));
    }

    pub(super) fn http(&mut self, id: RequestId, person: u32, input: Input) -> Verdict {
        let node = self.front;
        let reaches = self.servers[node].as_ref().is_some_and(|server| !server.dead) && !self.net.is_partitioned(person, self.now);
        if reaches {
            self.comes(node, Inbound::Request(input));
        } else {
            self.requests.remove(&id);
        }
        Ok(())
    }

    pub(super) fn replied(&mut self, id: RequestId, reply: &Reply) {
        let Some(person) = self.requests.remove(&id) else { return };
        self.story.note(self.now, || format!("p{person} is replied {reply:?}"));
        if let Reply::Guest { user, .. } = reply {
            self.people[person as usize].user = Some(user.user);
            Gossip::hear(&mut self.gossip.users, user.user);
            self.people[person as usize].devices[0].is_on = true;
            self.push(self.now + 1, What::Connects(Device { person, index: 0 }));
        }
        if let Reply::Unauthorized(closing) = reply {
            hit!(self.marks, crate::marks::closing(closing.code()));
        }
    }

    /// Everything has healed: who wants to be there comes back; rings are let run out, tickets taken back, calls hung up.
    pub(super) fn everybody_answers(&mut self) -> Verdict {
        for index in 0..self.people.len() as u32 {
            let person = &mut self.people[index as usize];
            let was_hostile = person.habit == Habit::Hostile;
            let mut dice = person.answer_dice();
            let mut deeds = Vec::new();
            for device in &mut person.devices {
                if was_hostile {
                    device.is_on = false;
                    deeds.push(Deed::Close { device: device.index, clean: true });
                    continue;
                }
                if device.is_ready() {
                    deeds.push(device.command(Command::Unpair));
                    if let Some(call) = device.call {
                        deeds.push(device.command(Command::HangUp { call: call.call }));
                    }
                } else if device.is_on {
                    deeds.push(Deed::Connect { device: device.index, after_ms: dice.span(1, 2_000) });
                }
            }
            self.carry_out(index, deeds)?;
        }
        Ok(())
    }

    /// Everybody closes their links as one does.
    pub(super) fn everybody_leaves(&mut self) -> Verdict {
        for index in 0..self.people.len() as u32 {
            for device in 0..self.people[index as usize].devices.len() as u8 {
                self.people[index as usize].devices[usize::from(device)].is_on = false;
                self.closes(Device { person: index, index: device }, true)?;
            }
        }
        Ok(())
    }
}
