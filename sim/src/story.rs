//! The story of a run: what people said and heard, and what the weather did, in order. It is kept only where it is asked for: a
//! run that fails is run again to tell it.

use crate::people::Person;
use bytes::Bytes;
use duologue_core::output::{LinkEvent, Output};
use duologue_core::wire::{binary, json};
use duologue_transport::Form;
use std::collections::VecDeque;

/// Lines that are kept, the last ones.
const LINES: usize = 200_000;
/// A longer line is cut.
const WIDTH: usize = 400;

/// The lines so far.
#[derive(Debug)]
pub(crate) struct Story {
    traced: bool,
    lines: VecDeque<String>,
}

impl Story {
    pub(crate) fn new(traced: bool) -> Story {
        Story { traced, lines: VecDeque::new() }
    }

    /// Something worth telling; the words are made only if somebody listens.
    pub(crate) fn note(&mut self, now: u64, words: impl FnOnce() -> String) {
        if !self.traced {
            return;
        }
        let mut line = format!("{:>6}.{:03}  {}", now / 1_000, now % 1_000, words());
        if let Some((at, _)) = line.char_indices().nth(WIDTH) {
            line.truncate(at);
            line.push('…');
        }
        self.lines.push_back(line);
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// All lines, with people by their names.
    pub(crate) fn into_lines(self, people: &[Person]) -> Vec<String> {
        let mut lines: Vec<String> = self.lines.into();
        for line in &mut lines {
            *line = named(line, people);
        }
        lines
    }
}

/// A text with people by their names instead of their ids.
pub(crate) fn named(text: &str, people: &[Person]) -> String {
    if people.len() > 200 {
        return text.into();
    }
    people.iter().fold(text.to_string(), |text, person| text.replace(&person.id().to_string(), &person.name()))
}

/// What an engine says of a connection, in few words.
pub(crate) fn of_a_link(output: &Output) -> String {
    match output {
        Output::Event { to, event: LinkEvent::Welcomed { attach, welcome }, .. } => {
            format!("{attach:?} is {to:?} of {}", welcome.user.user)
        }
        Output::Event { to, event: LinkEvent::Closing { closing, .. }, .. } => format!("{to:?} is closed: {closing:?}"),
        other => format!("{other:?}"),
    }
}

/// What a client said, in words.
pub(crate) fn said(form: Form, bytes: &Bytes) -> String {
    let read = match form {
        Form::Json | Form::Unknown => json::decode_client(bytes).map_err(|malformed| format!("{:?}", malformed.reason)),
        Form::Postcard => binary::decode_client(bytes).map_err(|_| "not a message".into()),
    };
    match read {
        Ok(message) => format!("{message:?}"),
        Err(why) => format!("{} bytes of junk ({why})", bytes.len()),
    }
}
