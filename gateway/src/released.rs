//! What the engine says, once it may be said: to links with a socket at once, to lost ones into what is kept for their resume.

use crate::encode::encode;
use crate::gateway::Gateway;
use duologue_core::input::Intents;
use duologue_core::kit::ids::LinkId;
use duologue_core::kit::time::Span;
use duologue_core::output::{LinkEvent, Output};
use duologue_core::wire::{Answer, Closing, Command, Done, Event, ServerMessage};

impl Gateway {
    pub(crate) fn released(&mut self, output: Output) {
        match output {
            Output::Event { to, event, .. } => self.event(to, event),
            Output::Forget { link } => self.forget(link),
            Output::Seats { call, epoch, seats, .. } => self.seats(call, epoch, seats),
            Output::Unseat { call, .. } => self.unseat(call),
            Output::View { to, view } => {
                if let Some(link) = self.links.get_mut(&to) {
                    link.views.change(view);
                    self.flush(to);
                }
            }
            Output::Fact(_) | Output::Load { .. } | Output::Reply { .. } => {}
        }
    }

    fn event(&mut self, to: LinkId, event: LinkEvent) {
        match event {
            LinkEvent::Answered { number, answer } => self.answered(to, number, answer),
            LinkEvent::Closing { closing, retry_after } => self.closed_by_engine(to, closing, retry_after),
            LinkEvent::Numbered(event) => self.number(to, event),
            LinkEvent::Welcomed { attach, welcome } => self.welcomed(to, attach, *welcome),
        }
    }

    /// Gives an event its number, keeps it, and says it.
    pub(crate) fn number(&mut self, id: LinkId, event: Event) {
        let (messages, most) = (self.config.replay_messages as usize, self.config.replay_bytes as usize);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.rings.hears(&event);
        if let Event::Left { .. } = event {
            (link.intents.lobby, link.intents.window) = (None, None);
        }
        let message = encode(link.form, &ServerMessage::Event { seq: link.sequence.next(), event });
        link.sequence.keep(message.clone(), messages, most);
        if link.conn.is_some() {
            self.send(id, message);
        } else {
            self.flush(id);
        }
    }

    /// CON 5: an answer that nobody waits for is dropped. What was done is remembered for a new engine.
    fn answered(&mut self, id: LinkId, number: u64, answer: Answer) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(waiting) = link.unanswered.take(number) else { return };
        if let (Ok(command), Ok(done)) = (&waiting.command, &answer) {
            intend(&mut link.intents, command, done);
            link.rings.did(command, done);
        }
        let (user, conn) = (link.who.user, link.conn);
        let answer = answer.map(|done| match done {
            Done::IceServers { expires, .. } => Done::IceServers { servers: self.config.ice.servers(user, expires), expires },
            done => done,
        });
        for _ in 0..waiting.answers(conn) {
            self.answer(id, number, answer.clone());
        }
    }

    /// The engine refuses a hello, or closes a connection; what happened before is said before.
    fn closed_by_engine(&mut self, id: LinkId, closing: Closing, retry_after: Option<Span>) {
        self.gone.remove(&id);
        if let Some(attaching) = self.attaching.remove(&id) {
            self.say_closing(attaching.conn, closing, retry_after, None);
        } else if let Some(conn) = self.links.get(&id).and_then(|link| link.conn) {
            self.write_out(conn);
            self.say_closing(conn, closing, retry_after, None);
            self.lose(id);
        }
    }

    fn forget(&mut self, id: LinkId) {
        self.closed_by_engine(id, Closing::Internal, None);
        self.drop_link(id);
    }
}

/// What a done command says about what a connection wants.
fn intend(intents: &mut Intents, command: &Command, done: &Done) {
    match (command, done) {
        (Command::Join { .. }, Done::Joined { lobby }) => intents.lobby = Some(lobby.clone()),
        (Command::Leave, _) => (intents.lobby, intents.window) = (None, None),
        (Command::Window { filter, .. }, Done::Window { size }) => intents.window = Some((*size, filter.clone())),
        (Command::WindowClose, _) => intents.window = None,
        _ => {}
    }
}
