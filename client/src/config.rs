//! What a client is started with, and every span that it waits. The spans are the client's own; what the server decides (the grace,
//! when to come back) comes with its messages.

use crate::codec::Form;
use alloc::string::String;
use duologue_core::kit::ids::{CallId, ClientId};
use duologue_core::kit::time::Span;

/// What a client is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The session's token; shown to nobody but the server.
    pub token: String,
    /// This process, drawn once at random; kept over a restart, it carries the numbers of commands on.
    pub client: ClientId,
    /// How messages are written.
    pub form: Form,
    /// Close every other connection of the user at the first welcome (CON 8).
    pub exclusive: bool,
    /// Version of the compact descriptions that this client reads; 0 is none. [`COMPACT`](crate::COMPACT) is the one that the engine
    /// reads and writes itself, where it does the exchange (`negotiate`).
    pub sdp: u32,
    /// Whether the engine does the exchange of offers, answers and candidates (`Event::Peer`); else descriptions and candidates are
    /// told as they come, and the application sends its own as commands.
    pub negotiate: bool,
    /// A call whose seat an earlier run of this process had: taken again, if it still goes on.
    pub seat: Option<CallId>,
    /// What the spread of reconnects is drawn from: any number that differs between clients.
    pub seed: u64,
    /// The mean of the first wait after a loss is half of this; each further one doubles it.
    pub backoff_first: Span,
    /// No wait is longer, unless the server says so.
    pub backoff_max: Span,
    /// A connection that held this long makes the next loss a first one.
    pub settled_after: Span,
    /// How long a socket may take to open, and a welcome to come.
    pub patience: Span,
    /// Without anything from the server for this long, it is asked whether it is there.
    pub quiet: Span,
    /// How long its answer may take.
    pub pong_within: Span,
    /// How long after an event it is acknowledged at the latest.
    pub ack_within: Span,
    /// How many events it takes to be acknowledged at once; well below what a server keeps for replay.
    pub ack_every: u64,
    /// Commands that may wait, sent or not; one more fails with `TooMany`.
    pub commands_max: usize,
}

impl Config {
    /// What suits most: JSON, a first wait of up to half a second, half a minute at most.
    pub fn new(token: impl Into<String>, client: ClientId, seed: u64) -> Config {
        Config {
            token: token.into(),
            client,
            form: Form::Json,
            exclusive: false,
            sdp: 0,
            negotiate: true,
            seat: None,
            seed,
            backoff_first: Span::millis(500),
            backoff_max: Span::secs(30),
            settled_after: Span::secs(10),
            patience: Span::secs(15),
            quiet: Span::secs(45),
            pong_within: Span::secs(10),
            ack_within: Span::secs(5),
            ack_every: 32,
            commands_max: 256,
        }
    }
}
