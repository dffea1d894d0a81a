//! A driver on Tokio: one task runs the engine over a WebSocket or QUIC, as long as there is a [`Client`] or a [`Handle`] to it. Commands are
//! awaited where they are asked, everything else arrives as events. Whoever does not read events for long is not read from either,
//! but commands, deadlines and the connection go on.

#[cfg(feature = "quic")]
mod quic;
mod socket;
mod task;
#[cfg(feature = "ws")]
mod websocket;
mod words;

use crate::{Config, End, Event, Failed, Input, NegotiationInput};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;
use duologue_core::kit::ids::ClientId;
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Command, Done};
use socket::Address;
use task::{Ask, Driver};
use tokio::sync::{mpsc, oneshot};

/// Asks that may wait for the task.
const ASKS: usize = 64;
/// Events that may wait for the application, beside the task's own backlog.
const EVENTS: usize = 256;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none, or of a carrier that this client does not speak.
    #[error("not an address: {0}")]
    Address(String),
    /// The server closed the connection and said not to come back.
    #[error("the server said {0}")]
    Ended(End),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A connected client: its events, and the [`Handle`] to ask with, whose methods are its own.
pub struct Client {
    handle: Handle,
    events: mpsc::Receiver<Event>,
}

/// Asks a client; there may be many.
#[derive(Clone)]
pub struct Handle {
    asks: mpsc::Sender<Ask>,
}

impl Config {
    /// As [`Config::new`], for a process of its own: client and seed are drawn.
    ///
    /// # Errors
    /// `Random` – the system gives no random numbers.
    pub fn drawn(token: impl Into<String>) -> Result<Config, ConnectError> {
        let mut random = [0; 24];
        getrandom::fill(&mut random).map_err(ConnectError::Random)?;
        let (client, seed) = random.split_at(16);
        let client = u128::from_be_bytes(client.try_into().expect("16 bytes"));
        let seed = u64::from_be_bytes(seed.try_into().expect("8 bytes"));
        Ok(Config::new(token, ClientId(client), seed))
    }
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Client {
    /// Connects to `ws://…/v1/ws` or `quic://host:port` with a session's token, and waits for the welcome however long it takes: a server that is not there
    /// yet is tried again. The welcome is the first event.
    ///
    /// With `quic://` the server's certificate is checked as browsers do it, or against the SHA-256 that one names:
    /// `quic://127.0.0.1:8080?certificate=…` (64 hexadecimal digits; a server says those of its own at `GET /v1/quic`).
    ///
    /// # Errors
    /// `Address` – not such an address. `Ended` – `bad_token`, `banned` and their like. `Random` – the system gives none.
    pub async fn connect(url: &str, token: impl Into<String>) -> Result<Client, ConnectError> {
        Client::connect_with(url, Config::drawn(token)?).await
    }

    /// As `connect`, with everything that can be chosen; over QUIC the form is the binary one.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn connect_with(url: &str, mut config: Config) -> Result<Client, ConnectError> {
        let address = Address::parse(url, &mut config.form).map_err(ConnectError::Address)?;
        Client::to(address, config).await
    }

    /// As `connect_with`, where a server at `wss://` is believed by these certificates.
    ///
    /// # Errors
    /// As `connect`.
    #[cfg(all(feature = "tls", feature = "ws"))]
    pub async fn connect_trusting(url: &str, mut config: Config, roots: &crate::Roots) -> Result<Client, ConnectError> {
        let mut address = Address::parse(url, &mut config.form).map_err(ConnectError::Address)?;
        address.trust(roots);
        Client::to(address, config).await
    }

    async fn to(address: Address, config: Config) -> Result<Client, ConnectError> {
        let (asks, asked) = mpsc::channel(ASKS);
        let (events, told) = mpsc::channel(EVENTS);
        let (welcomed, welcome) = oneshot::channel();
        tokio::spawn(Driver::new(config, address, asked, events, welcomed).run());
        let client = Client { handle: Handle { asks }, events: told };
        match welcome.await {
            Ok(Ok(())) => Ok(client),
            Ok(Err(end)) => Err(ConnectError::Ended(end)),
            Err(_) => Err(ConnectError::Ended(End::Left)),
        }
    }

    /// The next event; none after the client has ended and all is read.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// To ask from elsewhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Leaves: the connection is closed for good, without grace.
    pub async fn leave(self) {
        self.handle.input(Input::Leave).await;
        let Client { handle, mut events } = self;
        drop(handle);
        while events.recv().await.is_some() {}
    }
}

impl Handle {
    /// Wants something of the server. It is sent again over reconnects until it is answered; it has one effect.
    ///
    /// # Errors
    /// `Refused` – by the server, with its reason. `TooMany` – too many wait. `Ended` – the client has ended; it may have had its
    /// effect. `Unknown` – answered in words of a later version.
    pub async fn command(&self, command: Command) -> Result<Done, Failed> {
        let (answer, answered) = oneshot::channel();
        self.ask(Ask::Command { command: Box::new(command), answer }).await;
        answered.await.unwrap_or(Err(Failed::Ended))
    }

    /// Says what the peer connection did; see [`Event::Peer`].
    pub async fn peer(&self, input: NegotiationInput) {
        self.input(Input::Peer(input)).await;
    }

    /// Looks at the engine: its window, its call, the server's time at this instant. None once the client has ended.
    pub async fn look<T: Send + 'static>(&self, look: impl FnOnce(&crate::Engine, Millis) -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let look = Box::new(move |engine: &crate::Engine, now| drop(answer.send(look(engine, now))));
        self.ask(Ask::Look(look)).await;
        answered.await.ok()
    }

    /// The machine's network has changed: a connection over QUIC goes on from its new address as if nothing had happened, and one
    /// that waits to be tried again is tried at once.
    #[cfg(feature = "quic")]
    pub async fn rebind(&self) {
        self.ask(Ask::Rebind).await;
    }

    async fn input(&self, input: Input<'static>) {
        self.ask(Ask::Input(input)).await;
    }

    /// After the end nobody hears it, which its answer will say.
    async fn ask(&self, ask: Ask) {
        let _ = self.asks.send(ask).await;
    }
}
