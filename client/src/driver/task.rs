//! The task: it reads the clock, carries out what the engine says, and brings it what happens. It decides nothing but how much may
//! wait: events that the application does not take stay in a backlog, and beyond that the socket is not read.

use super::ConnectError;
use super::socket::{Address, Came, Socket, Unopened};
use crate::{Answered, Config, Engine, Event, Failed, Input, Output};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use core::future::{Future, pending};
use core::pin::Pin;
use core::time::Duration;
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Command, Done};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Events that wait for the application before the socket is no longer read.
const BACKLOG: usize = 4_096;

type Look = Box<dyn FnOnce(&Engine, Millis) + Send>;
type Opening = Pin<Box<dyn Future<Output = Result<Socket, Unopened>> + Send>>;

pub(super) enum Ask {
    Command {
        command: Box<Command>,
        answer: oneshot::Sender<Result<Done, Failed>>,
    },
    Input(Input<'static>),
    Look(Look),
    #[cfg(feature = "quic")]
    Rebind,
}

pub(super) struct Driver {
    engine: Engine,
    address: Address,
    began: Instant,
    /// The link that is opened or open.
    link: u32,
    opening: Option<Opening>,
    socket: Option<Socket>,
    asks: mpsc::Receiver<Ask>,
    last_ask: u64,
    answers: BTreeMap<u64, oneshot::Sender<Result<Done, Failed>>>,
    events: mpsc::Sender<Event>,
    backlog: VecDeque<Event>,
    /// Told once, by the first welcome or the end before it.
    welcomed: Option<oneshot::Sender<Result<(), ConnectError>>>,
    ended: bool,
}

/// What woke the task.
enum Woken {
    Asked(Option<Ask>),
    Came(Came),
    Due,
    Opened(Result<Socket, Unopened>),
    /// The application took an event, or is gone.
    Taken(bool),
}

impl Driver {
    pub(super) fn new(
        config: Config,
        address: Address,
        asks: mpsc::Receiver<Ask>,
        events: mpsc::Sender<Event>,
        welcomed: oneshot::Sender<Result<(), ConnectError>>,
    ) -> Driver {
        Driver {
            engine: Engine::new(config),
            address,
            began: Instant::now(),
            link: 0,
            opening: None,
            socket: None,
            asks,
            last_ask: 0,
            answers: BTreeMap::new(),
            events,
            backlog: VecDeque::new(),
            welcomed: Some(welcomed),
            ended: false,
        }
    }

    pub(super) async fn run(mut self) {
        self.engine.handle_input(self.now(), Input::Open);
        loop {
            self.carry_out().await;
            if self.ended && self.backlog.is_empty() {
                return;
            }
            match self.wake().await {
                Woken::Asked(Some(ask)) => self.asked(ask),
                // Nobody can ask any more.
                Woken::Asked(None) => self.engine.handle_input(self.now(), Input::Leave),
                Woken::Came(came) => self.came(came),
                Woken::Due => self.engine.handle_timeout(self.now()),
                Woken::Opened(result) => self.opened(result),
                Woken::Taken(true) => {}
                Woken::Taken(false) => self.backlog.clear(),
            }
        }
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    async fn wake(&mut self) -> Woken {
        let due = self.engine.poll_timeout().map(|at| self.began + Duration::from_millis(at.0));
        let may_read = self.backlog.len() < BACKLOG;
        tokio::select! {
            ask = self.asks.recv(), if !self.ended => Woken::Asked(ask),
            result = opened(&mut self.opening) => Woken::Opened(result),
            came = next(&mut self.socket), if may_read => Woken::Came(came),
            taken = take(&self.events, &mut self.backlog) => Woken::Taken(taken),
            () = sleep(due) => Woken::Due,
        }
    }

    async fn carry_out(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Close { link, clean } if link == self.link => self.close(clean).await,
                Output::Connect { link } => {
                    self.link = link;
                    self.socket = None;
                    self.opening = Some(Box::pin(self.address.clone().open()));
                }
                Output::Event(event) => self.tell(event),
                Output::Send { link, bytes } if link == self.link => self.send(bytes).await,
                Output::Close { .. } | Output::Send { .. } => {}
            }
        }
    }

    async fn close(&mut self, clean: bool) {
        self.opening = None;
        let socket = self.socket.take();
        if let Some(socket) = socket.filter(|_| clean) {
            socket.close().await;
        }
    }

    async fn send(&mut self, bytes: alloc::vec::Vec<u8>) {
        let Some(socket) = &mut self.socket else { return };
        if socket.send(bytes).await.is_err() {
            self.lost(None);
        }
    }

    fn lost(&mut self, code: Option<u16>) {
        self.socket = None;
        self.engine.handle_input(self.now(), Input::Closed { link: self.link, code });
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::Answered(Answered { ask, answer }) => {
                if let Some(asker) = self.answers.remove(&ask) {
                    let _ = asker.send(answer);
                }
                return;
            }
            Event::Ended(end) => {
                self.end();
                self.first(Err(ConnectError::Ended(end)));
            }
            Event::Welcomed(_) => self.first(Ok(())),
            _ => {}
        }
        self.backlog.push_back(event);
    }

    fn end(&mut self) {
        self.ended = true;
        self.asks.close();
    }

    fn first(&mut self, result: Result<(), ConnectError>) {
        if let Some(welcomed) = self.welcomed.take() {
            let _ = welcomed.send(result);
        }
    }

    fn asked(&mut self, ask: Ask) {
        let now = self.now();
        match ask {
            Ask::Command { command, answer } => {
                self.last_ask += 1;
                self.answers.insert(self.last_ask, answer);
                self.engine.handle_input(now, Input::Command { ask: self.last_ask, command: *command });
            }
            Ask::Input(input) => self.engine.handle_input(now, input),
            Ask::Look(look) => look(&self.engine, now),
            #[cfg(feature = "quic")]
            Ask::Rebind => {
                if let Some(socket) = &self.socket {
                    socket.rebind();
                }
                self.engine.handle_input(now, Input::Online);
            }
        }
    }

    fn opened(&mut self, result: Result<Socket, Unopened>) {
        self.opening = None;
        match result {
            Ok(socket) => {
                self.socket = Some(socket);
                self.engine.handle_input(self.now(), Input::Connected { link: self.link });
            }
            // Later it may be a network that shows a page of its own for a while; at the first time somebody should know.
            #[cfg(any(feature = "quic", feature = "tls"))]
            Err(Unopened::Untrusted(why)) if self.welcomed.is_some() => {
                self.end();
                self.first(Err(ConnectError::Untrusted(why)));
            }
            Err(_) => self.lost(None),
        }
    }

    fn came(&mut self, came: Came) {
        let (now, link) = (self.now(), self.link);
        match came {
            Came::End(code) => self.lost(code),
            Came::Life => self.engine.handle_input(now, Input::Heard { link }),
            Came::Message(bytes) => self.engine.handle_input(now, Input::Received { link, bytes: &bytes }),
        }
    }
}

async fn opened(opening: &mut Option<Opening>) -> Result<Socket, Unopened> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

async fn next(socket: &mut Option<Socket>) -> Came {
    match socket {
        Some(socket) => socket.next().await,
        None => pending().await,
    }
}

/// Hands the oldest event over as soon as there is room; false if nobody will take one any more.
async fn take(events: &mpsc::Sender<Event>, backlog: &mut VecDeque<Event>) -> bool {
    if backlog.is_empty() {
        return pending().await;
    }
    let Ok(permit) = events.reserve().await else { return false };
    if let Some(event) = backlog.pop_front() {
        permit.send(event);
    }
    true
}

async fn sleep(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
