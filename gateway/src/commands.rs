//! What clients say on a connection: acknowledgements, pings, signals, and commands, which keep their order on the way to the
//! engine whatever is wrong with them.

use crate::encode::{decode, encode};
use crate::gateway::Gateway;
use crate::sockets::Stage;
use bytes::Bytes;
use duologue_core::input::Input;
use duologue_core::kit::ids::{LinkId, MAX_INTEGER};
use duologue_core::kit::time::Span;
use duologue_core::wire::{Answer, ClientMessage, Closing, Command, MESSAGE_MAX_BYTES, Reason, ServerMessage};
use duologue_transport::{ConnId, Form};

/// When a client with too many commands on their way may try again.
const CROWDED: Reason = Reason::RateLimited { retry_after: Span::secs(1) };

impl Gateway {
    /// A whole message, as it comes or held until the welcome.
    pub(crate) fn message(&mut self, conn: ConnId, bytes: Bytes) {
        let Some(socket) = self.sockets.get(conn) else { return };
        let form = socket.form;
        match socket.stage {
            Stage::Attaching(id) => self.hold(conn, id, bytes),
            Stage::Linked(id) => self.said(conn, id, form, &bytes),
            Stage::Waiting => self.first_message(conn, form, &bytes),
        }
    }

    fn said(&mut self, conn: ConnId, id: LinkId, form: Form, bytes: &Bytes) {
        if bytes.len() > MESSAGE_MAX_BYTES {
            return self.close(conn, Closing::BadMessage, None, Some("a message has at most 64 KiB"));
        }
        match decode(form, bytes) {
            Ok(ClientMessage::Ack { seq }) => {
                if self.pace(id).is_ok() {
                    self.acknowledged(id, seq);
                }
            }
            Ok(ClientMessage::Command { id: number, command }) => self.command(conn, id, number, Ok(command)),
            Ok(ClientMessage::Hello(_)) => self.close(conn, Closing::BadMessage, None, Some("a second hello")),
            Ok(ClientMessage::Ping) => {
                if self.pace(id).is_ok() {
                    self.send(id, encode(form, &ServerMessage::Pong { now: self.now }));
                }
            }
            Err(malformed) => match malformed.id {
                Some(number) if !malformed.is_hello => self.command(conn, id, number, Err(malformed.reason)),
                _ => self.close_misunderstood(conn, &malformed.reason),
            },
        }
    }

    /// RATE: one bucket a user over everything that they say.
    fn pace(&mut self, id: LinkId) -> Result<(), Reason> {
        let user = self.links[&id].who.user;
        self.rates.take(user, &self.config.commands, self.now).map_err(|retry_after| Reason::RateLimited { retry_after })
    }

    /// CON 4: what was seen need not be kept, and who has seen something newer than the newest welcome has its token.
    fn acknowledged(&mut self, id: LinkId, seq: u64) {
        let link = self.links.get_mut(&id).expect("who speaks is linked");
        if seq > link.sequence.newest() {
            return;
        }
        link.sequence.acknowledge(seq);
        if seq > link.welcomed_at {
            self.tokens.remove(link.tokens.previous.take());
        }
        self.flush(id);
    }

    fn command(&mut self, conn: ConnId, id: LinkId, number: u64, command: Result<Command, Reason>) {
        if number == 0 || number > MAX_INTEGER {
            return self.close(conn, Closing::BadMessage, None, Some("a command's id is an integer from 1"));
        }
        let paced = self.pace(id);
        match command {
            Ok(command) if command.signal().is_some() => match paced {
                Ok(()) => self.signal(id, number, command),
                Err(reason) => self.answer(id, number, Err(reason)),
            },
            command => self.order(id, number, paced.and(command)),
        }
    }

    /// CON 5: hands a command to the engine, unless the same number is on its way. Too many on their way are refused in order;
    /// where even refusals pile up, because the engine waits for the store, out of order.
    pub(crate) fn order(&mut self, id: LinkId, number: u64, command: Result<Command, Reason>) {
        let most = self.config.unanswered_max as usize;
        let link = self.links.get_mut(&id).expect("who speaks is linked");
        if link.unanswered.again(number, link.conn) {
            return;
        }
        if link.unanswered.len() >= most * 2 {
            return self.answer(id, number, Err(CROWDED));
        }
        let command = if link.unanswered.len() >= most { Err(CROWDED) } else { command };
        link.unanswered.push(number, command.clone(), link.conn);
        if link.known {
            self.tell_engine(Input::Command { link: id, number, command });
        }
    }

    /// Says the answer to a command, if anybody is there to hear it.
    pub(crate) fn answer(&mut self, id: LinkId, number: u64, answer: Answer) {
        let Some(link) = self.links.get(&id).filter(|link| link.conn.is_some()) else { return };
        let message = match answer {
            Ok(done) => ServerMessage::Ok { re: number, done },
            Err(reason) => ServerMessage::No { re: number, reason },
        };
        self.send(id, encode(link.form, &message));
    }
}
