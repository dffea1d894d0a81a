//! One call as a made-up person takes part in it: says first what they are, answers what is said after a moment of typing, agrees to
//! more time, says goodbye before the clock does, and lets go of somebody who says nothing.

use crate::dice::Dice;
use crate::words::{self, Lines, Persona};
use alloc::string::String;
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{CallStarted, Command};

const FAREWELL: Span = Span::secs(12);
const IDLE: (Span, Span) = (Span::secs(30), Span::secs(45));
/// What they say into a silence before they let go.
const IDLE_LINES: u32 = 2;

#[derive(Clone, Debug)]
pub(crate) struct Talk {
    call: CallId,
    persona: &'static Persona,
    peer: String,
    lines: Lines,
    /// What is being typed, and when it is sent.
    typing: Option<(Millis, String)>,
    idle_at: Millis,
    /// Lines into a silence, in a row.
    idle: u32,
    farewell_at: Option<Millis>,
    more: Option<(Millis, u32)>,
    hang_up_at: Option<Millis>,
}

impl Talk {
    pub(crate) fn begin(now: Millis, started: &CallStarted, persona: &'static Persona, dice: &mut Dice) -> Talk {
        let peer = started.peer.name.clone();
        let hello = words::hello(persona, &peer, dice);
        let mut talk = Talk {
            call: started.call,
            persona,
            peer,
            lines: Lines::default(),
            typing: Some((now + dice.span(Span::millis(1_200), Span::millis(2_400)), hello)),
            idle_at: now + dice.span(IDLE.0, IDLE.1),
            idle: 0,
            farewell_at: None,
            more: None,
            hang_up_at: None,
        };
        talk.ends_in(now, started.deadline.since(started.now));
        talk
    }

    pub(crate) fn call(&self) -> CallId {
        self.call
    }

    /// How long there is still.
    pub(crate) fn ends_in(&mut self, now: Millis, left: Span) {
        self.farewell_at = (left > Span::secs(40)).then(|| now + Span(left.0 - FAREWELL.0));
    }

    /// The other one wrote.
    pub(crate) fn hears(&mut self, now: Millis, text: &str, dice: &mut Dice) {
        self.idle = 0;
        self.idle_at = now + dice.span(IDLE.0, IDLE.1);
        if self.hang_up_at.is_some() {
            return;
        }
        let reply = self.lines.reply(text, self.persona, &self.peer, dice);
        let typed = Span::millis(25 * reply.text.chars().count() as u64).min(Span::millis(2_500));
        let sent = now + dice.span(Span::millis(700), Span::millis(1_400)) + typed;
        if reply.is_goodbye {
            self.hang_up_at = Some(sent + Span::millis(2_000));
        }
        // Whoever writes twice in a row gets one answer; but that one is made up is said in any case.
        self.typing = Some(match self.typing.take() {
            Some((_, before)) if words::is_hello(&before) => (sent, alloc::format!("{before} {}", reply.text)),
            Some(_) | None => (sent, reply.text),
        });
    }

    /// The other one would like more time.
    pub(crate) fn asked_for_more(&mut self, now: Millis, seconds: u32, dice: &mut Dice) {
        self.more = Some((now + dice.span(Span::millis(1_200), Span::millis(2_500)), seconds));
    }

    pub(crate) fn next(&self) -> Millis {
        let idle = self.hang_up_at.unwrap_or(self.idle_at);
        let others = [self.typing.as_ref().map(|(at, _)| *at), self.more.map(|(at, _)| at), self.farewell_at];
        others.into_iter().flatten().fold(idle, Millis::min)
    }

    /// What is due, one thing at a time; none where what was due is of no use any more.
    pub(crate) fn take_due(&mut self, now: Millis, dice: &mut Dice) -> Option<Command> {
        if let Some((_, text)) = self.typing.take_if(|(at, _)| *at <= now) {
            return Some(Command::Chat { call: self.call, text });
        }
        if let Some((_, seconds)) = self.more.take_if(|(at, _)| *at <= now) {
            return Some(Command::ExtendCall { call: self.call, seconds });
        }
        // Whoever is about to hang up has said goodbye.
        if self.farewell_at.take_if(|at| *at <= now).is_some() && self.hang_up_at.is_none() {
            return Some(self.say(dice.one(words::FAREWELLS)));
        }
        if self.hang_up_at.is_some_and(|at| at <= now) {
            self.hang_up_at = Some(now + Span::secs(5));
            return Some(Command::HangUp { call: self.call });
        }
        if self.hang_up_at.is_none() && self.idle_at <= now {
            self.idle += 1;
            self.idle_at = now + dice.span(IDLE.0, IDLE.1);
            if self.idle > IDLE_LINES {
                self.hang_up_at = Some(now + Span::millis(3_000));
                return Some(self.say(words::LET_GO));
            }
            return Some(self.say(dice.one(words::SILENCES)));
        }
        None
    }

    fn say(&self, text: &str) -> Command {
        Command::Chat { call: self.call, text: text.into() }
    }
}
