//! The driver of the company (`--with-people`): gives each made-up person a session, as an HTTP guest is given one, and a client
//! engine, and links the engines to the realm within the process: the words of a transport, without a socket.
//!
//! One task owns all of them. It decides nothing: what they do is `duologue_company`'s, what a client does is `duologue_client`'s,
//! and the realm cannot tell them from others but by their cards.

use crate::clock::boottime;
use crate::driver::Driver;
use crate::secrets;
use bytes::Bytes;
use duologue_client::{Config, Engine, Event, Form, Input, Output};
use duologue_company::{Company as Machine, Input as Heard, Member, Output as Wish};
use duologue_core::input::{Address, Request};
use duologue_core::kit::ids::ClientId;
use duologue_core::kit::time::Millis;
use duologue_core::output::Reply;
use duologue_transport::queue::{Order, Queue, Standing};
use duologue_transport::{ConnId, Form as Spoken, Table, Up};
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

/// What the company stands in.
#[derive(Clone, Debug)]
pub struct Place {
    /// The realm.
    pub driver: Driver,
    /// All connections.
    pub table: Arc<Table>,
    /// The next connection's id, of all carriers.
    pub next_conn: Arc<AtomicU64>,
    /// How many made-up people are connected, for whoever asks.
    pub here: Arc<AtomicU64>,
}

/// The company at work.
#[derive(Debug)]
pub struct Company {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Company {
    /// Starts it; within Tokio.
    pub fn start(config: duologue_company::Config, place: Place) -> Company {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(Task::new(config, place).run(stopped));
        Company { stop, task }
    }

    /// Everybody hangs up and goes. Done when the realm has been told.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        // A panic of it is in the log, and hinders nobody.
        let _ = self.task.await;
    }
}

/// How long the last facts may take at a stop.
const GOODBYE_MOST: Duration = Duration::from_millis(500);

/// One of them, connected or about to be.
struct Client {
    engine: Engine,
    link: Option<Link>,
}

/// A link in the process: what a socket is to others.
struct Link {
    number: u32,
    conn: ConnId,
    queue: Arc<Queue>,
}

struct Task {
    place: Place,
    machine: Machine,
    /// The tokens of the roster's sessions.
    tokens: BTreeMap<Member, String>,
    clients: BTreeMap<Member, Client>,
    /// Sessions that were asked for.
    coming: JoinSet<(Member, Option<String>)>,
}

/// What woke the task.
enum Woken {
    Due,
    Guest(Member, Option<String>),
    Ordered(Member, Order),
    Stopped,
}

fn now() -> Millis {
    Millis(boottime().0)
}

/// Limits by address are not shared with anybody: each is from a /64 of the range for documentation (RFC 3849), from which nobody is.
fn address(member: Member) -> Address {
    Address(0x2001_0db8 << 96 | u128::from(member.0 & 0xffff_ffff) << 64 | 1)
}

impl Task {
    fn new(config: duologue_company::Config, place: Place) -> Task {
        let machine = Machine::new(config, now());
        Task { place, machine, tokens: BTreeMap::new(), clients: BTreeMap::new(), coming: JoinSet::new() }
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            self.turn();
            match self.wake(&mut stopped).await {
                Woken::Due => {}
                Woken::Guest(member, Some(token)) => {
                    self.tokens.insert(member, token);
                    self.connect(member);
                }
                Woken::Guest(member, None) => self.machine.handle_input(now(), Heard::Refused { member }),
                Woken::Ordered(member, order) => self.ordered(member, order),
                Woken::Stopped => break,
            }
        }
        self.machine.close();
        self.turn();
        self.said_goodbye().await;
    }

    /// Waits until those who were hung up on have been told: a reply waits for the facts about who asks, as the end of their call does.
    async fn said_goodbye(&self) {
        let all_asked = async {
            for (member, token) in &self.tokens {
                let _ = self.place.driver.ask(secrets::hash(token), address(*member), Request::Me).await;
            }
        };
        // With a store that is down there is no waiting.
        let _ = tokio::time::timeout(GOODBYE_MOST, all_asked).await;
    }

    /// Runs deadlines and carries things to and fro until everybody is quiet.
    fn turn(&mut self) {
        let now = now();
        self.machine.handle_timeout(now);
        for client in self.clients.values_mut() {
            client.engine.handle_timeout(now);
        }
        loop {
            let members: Vec<Member> = self.clients.keys().copied().collect();
            for member in members {
                self.serve(member);
            }
            let Some(wish) = self.machine.poll_output() else { break };
            self.obey(wish);
        }
        self.place.here.store(self.machine.here() as u64, Ordering::Relaxed);
    }

    async fn wake(&mut self, stopped: &mut oneshot::Receiver<()>) -> Woken {
        let engines = self.clients.values().filter_map(|client| client.engine.poll_timeout());
        let due = engines.chain(self.machine.poll_timeout()).min();
        let clients = &self.clients;
        let ordered = poll_fn(|cx| {
            for (member, link) in clients.iter().filter_map(|(member, client)| Some((member, client.link.as_ref()?))) {
                link.queue.register(cx);
                if let Some(order) = link.queue.next() {
                    return Poll::Ready((*member, order));
                }
            }
            Poll::Pending
        });
        let sleep = async {
            match due {
                Some(at) => tokio::time::sleep(Duration::from_millis(at.since(now()).0)).await,
                None => pending().await,
            }
        };
        tokio::select! {
            // Also where the handle was dropped.
            _ = stopped => Woken::Stopped,
            Some(Ok((member, token))) = self.coming.join_next() => Woken::Guest(member, token),
            (member, order) = ordered => Woken::Ordered(member, order),
            () = sleep => Woken::Due,
        }
    }

    fn obey(&mut self, wish: Wish) {
        match wish {
            Wish::Come { member, .. } if self.tokens.contains_key(&member) => self.connect(member),
            Wish::Come { member, name, gender } => {
                let driver = self.place.driver.clone();
                let gender = gender.map(String::from);
                self.coming.spawn(async move { (member, guest(&driver, address(member), name, gender).await) });
            }
            Wish::Leave { member } => {
                if let Some(link) = self.clients.remove(&member).and_then(|client| client.link) {
                    self.place.table.end(link.conn, true);
                }
            }
            Wish::Part { member } => drop(self.tokens.remove(&member)),
            Wish::Say { member, ask, command } => {
                if let Some(client) = self.clients.get_mut(&member) {
                    client.engine.handle_input(now(), Input::Command { ask, command });
                    self.serve(member);
                }
            }
        }
    }

    fn connect(&mut self, member: Member) {
        let Some(token) = self.tokens.get(&member) else { return };
        let client = ClientId(u128::from_ne_bytes(secrets::random()));
        let config = Config::new(token.as_str(), client, u64::from_ne_bytes(secrets::random()));
        // There is no peer connection that could negotiate.
        let mut engine = Engine::new(Config { form: Form::Binary, negotiate: false, ..config });
        engine.handle_input(now(), Input::Open);
        self.clients.insert(member, Client { engine, link: None });
    }

    /// Takes everything that one's engine says, and everything that is ordered of one's link.
    fn serve(&mut self, member: Member) {
        loop {
            let Some(client) = self.clients.get_mut(&member) else { return };
            if let Some(output) = client.engine.poll_output() {
                self.carry_out(member, output);
                continue;
            }
            match client.link.as_ref().and_then(|link| link.queue.next()) {
                Some(order) => self.ordered(member, order),
                None => return,
            }
        }
    }

    fn carry_out(&mut self, member: Member, output: Output) {
        let Some(client) = self.clients.get_mut(&member) else { return };
        let table = &self.place.table;
        match output {
            Output::Close { link, clean } => {
                if let Some(link) = client.link.take_if(|present| present.number == link) {
                    table.end(link.conn, clean);
                }
            }
            Output::Connect { link: number } => {
                let conn = ConnId(self.place.next_conn.fetch_add(1, Ordering::Relaxed));
                client.link = Some(Link { number, conn, queue: table.open(conn) });
                table.say(Up::Opened { conn, address: address(member).0, form: Spoken::Postcard, secret: secrets::random() });
                client.engine.handle_input(now(), Input::Connected { link: number });
            }
            Output::Event(event) => {
                if let Event::Window(_) = event {
                    let places = client.engine.window().map_or(&[][..], |window| window.places());
                    self.machine.handle_input(now(), Heard::Sees { member, places });
                } else {
                    self.machine.handle_input(now(), Heard::Told { member, event: &event });
                }
            }
            Output::Send { link: number, bytes } => {
                if let Some(link) = client.link.as_ref().filter(|link| link.number == number) {
                    table.raise(&link.queue, Up::Message { conn: link.conn, bytes: Bytes::from(bytes) });
                }
            }
        }
    }

    /// The realm wants something of one's link.
    fn ordered(&mut self, member: Member, order: Order) {
        let Some(client) = self.clients.get_mut(&member) else { return };
        let Some(link) = &client.link else { return };
        let (number, conn) = (link.number, link.conn);
        let code = match order {
            _ if link.queue.standing() == Standing::Overflowed => None,
            Order::Close(code) => Some(code),
            Order::Ping => {
                self.place.table.raise(&link.queue, Up::Heard { conn });
                return client.engine.handle_input(now(), Input::Heard { link: number });
            }
            Order::Send(bytes) => {
                // What was sent is taken: there is always room for more.
                self.place.table.say(Up::Writable { conn });
                return client.engine.handle_input(now(), Input::Received { link: number, bytes: &bytes });
            }
        };
        client.link = None;
        self.place.table.end(conn, false);
        client.engine.handle_input(now(), Input::Closed { link: number, code });
    }
}

/// A session, made as `POST /v1/guests` makes one; none where the realm refuses.
async fn guest(driver: &Driver, address: Address, name: &str, gender: Option<String>) -> Option<String> {
    let token = secrets::token();
    let session = secrets::hash(&token).expect("a token of ours");
    let request = Request::Guest { user: secrets::user(), session, name: name.into(), gender };
    match driver.ask(None, address, request).await {
        Ok(Reply::Guest { .. }) => Some(token),
        Ok(_) | Err(crate::driver::Ended) => None,
    }
}
