//! A whole Duologue in one thread, on nothing but the standard library's sockets: no Tokio, no WebSocket, no database.
//!
//! ```text
//! cargo run -p duologue-gateway --example embed            # listens on 127.0.0.1:7878; another address may follow
//! nc 127.0.0.1 7878                                        # in two terminals, and then say, line by line:
//!
//! Ann                                                      a name: you are told your token
//! {"t":"hello","token":"…"}                                from here on docs/protocol.md, a message a line
//! {"t":"join","id":1}
//! {"t":"window","id":2}                                    who is here? Their "user" is what one rings:
//! {"t":"invite","id":3,"to":"…","seconds":60}
//! ```
//!
//! Three machines and a store do the work; this file reads the clock, carries things between them, and owns the sockets. It is
//! to be read from `main` downwards. What it does without: rows on a disk (`duologue_store::sqlite`), a wait for sockets instead
//! of a look at each (an event loop of your choice, whose time-out is `Service::next_deadline`), and TLS. In a program of your own it
//! wants `duologue-core`, `duologue-gateway`, `duologue-store`, `duologue-transport`, `getrandom` 0.4 and `sha2` 0.11.

use duologue_core::commit::{Commit, Config, Outcome, StoreOp};
use duologue_core::engine::Engine;
use duologue_core::input::{Address, Input, Request};
use duologue_core::kit::ids::{RequestId, TokenHash, UserId};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::{LinkEvent, Output, Reply};
use duologue_core::rules::Rules;
use duologue_core::wire::{Event, MESSAGE_MAX_BYTES, json};
use duologue_gateway::{Gateway, Outward};
use duologue_store::{Completion, Memory, Store, carry_out};
use duologue_transport::{ConnId, Down, Form, Up};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often sockets are looked at: the standard library cannot wait for several.
const LOOK: Duration = Duration::from_millis(5);

#[expect(clippy::disallowed_methods, reason = "this is a driver: it reads the clock")]
fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7878".into()))?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);
    // Realm time never goes back, so the wall clock is read once.
    let (wall, started) = (SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970"), Instant::now());
    let clock = || Millis((wall + started.elapsed()).as_millis() as u64);
    let mut service = Service::new(clock());
    loop {
        service.now = clock(); // Once a turn: everything in it happens at one instant.
        while let Ok((stream, peer)) = listener.accept() {
            service.opened(stream, peer.ip())?;
        }
        let heard = service.hear();
        service.turn();
        service.write();
        if !heard {
            let due = service.next_deadline().map_or(LOOK, |at| Duration::from_millis(at.since(clock()).0));
            std::thread::sleep(due.min(LOOK));
        }
    }
}

struct Service {
    now: Millis,
    engine: Engine,
    commit: Commit,
    gateway: Gateway,
    store: Memory,
    lines: BTreeMap<ConnId, Line>,
    /// Who waits to become a guest, and the token that they will have.
    arriving: BTreeMap<RequestId, (ConnId, String)>,
    next: u64,
}

/// A socket, with what came and is no whole line yet, and what is to go.
struct Line {
    socket: BufReader<TcpStream>,
    address: Address,
    came: Vec<u8>,
    going: Vec<u8>,
    /// It is closed once `going` is written.
    is_last: bool,
}

impl Service {
    fn new(now: Millis) -> Service {
        let mut store = Memory::new();
        let taken = store.take().expect("it is memory");
        let standing = taken.standing;
        let seed = Seed(std::array::from_fn(|_| u64::from_ne_bytes(random())));
        // Who types by hand needs more than ten seconds for a hello, and answers no pings.
        let config = duologue_gateway::Config::new(sha256);
        let config = duologue_gateway::Config { hello: Span::mins(5), ping: Span::mins(30), dead: Span::mins(60), ..config };
        Service {
            now,
            engine: Engine::new(Limits::default(), Rules::default(), seed, taken.into(), now),
            commit: Commit::new(Config::default(), standing),
            gateway: Gateway::new(config, (u64::from(standing.epoch) << 32) + 1),
            store,
            lines: BTreeMap::new(),
            arriving: BTreeMap::new(),
            next: 1,
        }
    }

    /// Runs what is due, and carries things between the machines until all of them are quiet.
    fn turn(&mut self) {
        self.gateway.handle_timeout(self.now);
        self.commit.handle_timeout(self.now);
        self.engine.handle_timeout(self.now);
        loop {
            while let Some(output) = self.engine.poll_output() {
                self.commit.handle_output(self.now, output);
            }
            if let Some(outward) = self.gateway.poll_output() {
                match outward {
                    Outward::Down(down) => self.obey(down),
                    Outward::Engine(input) => self.offer(&input),
                }
            } else if let Some(outcome) = self.commit.poll_output() {
                match outcome {
                    Outcome::Engine(input) => self.offer(&input),
                    Outcome::Release(output) => self.release(output),
                    Outcome::Stop(stop) => unreachable!("nobody else has this store: {stop:?}"),
                    Outcome::Store(op) => self.store(&op),
                }
            } else {
                return;
            }
        }
    }

    /// What it rests on is durable: it may leave.
    fn release(&mut self, output: Output) {
        match output {
            Output::Reply { to, reply, .. } => self.arrived(to, reply),
            output => {
                tell(&output);
                self.gateway.handle_released(self.now, output);
            }
        }
    }

    fn store(&mut self, op: &StoreOp) {
        match carry_out(&mut self.store, op) {
            Completion::Loaded { ticket, rows } => self.offer(&Input::Loaded { ticket, rows }),
            Completion::Written(written) => self.commit.handle_written(self.now, written),
            other => unreachable!("memory always answers: {other:?}"),
        }
    }

    fn offer(&mut self, input: &Input) {
        self.engine.handle_input(self.now, input).expect("there is room, for it is drained after each");
    }

    fn next_deadline(&self) -> Option<Millis> {
        let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
        [engine, self.commit.poll_timeout(), self.gateway.poll_timeout()].into_iter().flatten().min()
    }

    fn opened(&mut self, stream: TcpStream, peer: IpAddr) -> std::io::Result<()> {
        stream.set_nonblocking(true)?;
        let conn = ConnId(self.number());
        let address = match peer {
            IpAddr::V4(peer) => peer.to_ipv6_mapped().to_bits(),
            IpAddr::V6(peer) => peer.to_bits(),
        };
        let (socket, address_of) = (BufReader::new(stream), Address(address));
        self.lines.insert(conn, Line { socket, address: address_of, came: Vec::new(), going: Vec::new(), is_last: false });
        self.gateway.handle_transport(self.now, Up::Opened { conn, address, form: Form::Json, secret: random() });
        Ok(())
    }

    /// Takes a line from each who said one; whether anybody did.
    fn hear(&mut self) -> bool {
        let conns: Vec<ConnId> = self.lines.keys().copied().collect();
        conns.into_iter().filter(|conn| self.hear_one(*conn)).count() > 0
    }

    fn hear_one(&mut self, conn: ConnId) -> bool {
        let line = self.lines.get_mut(&conn).expect("just listed");
        if line.going.len() > MESSAGE_MAX_BYTES {
            return false; // Who does not read is not heard.
        }
        let room = (MESSAGE_MAX_BYTES + 2 - line.came.len()) as u64;
        match line.socket.by_ref().take(room).read_until(b'\n', &mut line.came) {
            // A part of a line may have come; it stays in `came`.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Ok(count) if count > 0 => {
                let said = std::mem::take(&mut line.came);
                self.said(conn, said);
            }
            // TCP does not tell a goodbye from a loss: the grace begins.
            Ok(_) | Err(_) => {
                self.lines.remove(&conn);
                self.gateway.handle_transport(self.now, Up::Closed { conn, clean: false });
            }
        }
        self.turn();
        true
    }

    /// A whole line: a name, or a message.
    fn said(&mut self, conn: ConnId, said: Vec<u8>) {
        let Some(said) = said.strip_suffix(b"\n").map(<[u8]>::trim_ascii) else {
            return self.gateway.handle_transport(self.now, Up::WrongFrame { conn }); // Too long, or cut off.
        };
        if said.starts_with(b"{") {
            return self.gateway.handle_transport(self.now, Up::Message { conn, bytes: said.to_vec().into() });
        }
        // The core is given a token's SHA-256, never the token.
        let (id, token) = (RequestId(self.number()), hexadecimal(&random::<32>()));
        let (user, session) = (UserId(u128::from_ne_bytes(random())), TokenHash(sha256(token.as_bytes())));
        let request = Request::Guest { user, session, name: String::from_utf8_lossy(said).into_owned(), gender: None };
        self.arriving.insert(id, (conn, token));
        let address = self.lines[&conn].address;
        self.offer(&Input::Request { id, who: None, address, request });
    }

    /// Their name made somebody a guest, or it did not.
    fn arrived(&mut self, id: RequestId, reply: Reply) {
        let (conn, token) = self.arriving.remove(&id).expect("it was asked");
        let answer = match reply {
            Reply::Guest { user, expires } => {
                println!("{} is here", user.name);
                json::guest(&user, &token, expires)
            }
            Reply::No(reason) => json::problem(422, "Not like this", &reason),
            other => unreachable!("to a guest: {other:?}"),
        };
        self.put(conn, &answer);
    }

    fn obey(&mut self, down: Down) {
        match down {
            Down::Close { conn, last, .. } => {
                self.put(conn, &last.unwrap_or_default());
                self.lines.entry(conn).and_modify(|line| line.is_last = true);
            }
            // A line has no ping of its own; clients have the message.
            Down::Ping { .. } => {}
            Down::Send { conn, bytes } => self.put(conn, &bytes),
        }
    }

    fn put(&mut self, conn: ConnId, message: &[u8]) {
        if let Some(line) = self.lines.get_mut(&conn) {
            line.going.extend_from_slice(message);
            line.going.push(b'\n');
        }
    }

    /// Writes what sockets take; who has it all may be sent more.
    fn write(&mut self) {
        let waiting: Vec<ConnId> = self.lines.iter().filter(|(_, line)| !line.going.is_empty()).map(|(conn, _)| *conn).collect();
        for conn in waiting {
            let line = self.lines.get_mut(&conn).expect("just listed");
            let count = line.socket.get_mut().write(&line.going).unwrap_or(0);
            line.going.drain(..count);
            if line.is_last {
                self.lines.remove(&conn);
            } else if line.going.is_empty() {
                self.gateway.handle_transport(self.now, Up::Writable { conn });
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// What whoever runs this sees of it.
fn tell(output: &Output) {
    if let Output::Event { event: LinkEvent::Numbered(event), .. } = output {
        match event {
            Event::CallEnded(ended) => println!("a call has ended: {}, {} seconds", ended.why.code(), ended.seconds),
            Event::CallStarted(started) => println!("a call with {} for {} seconds", started.peer.name, started.seconds),
            Event::Rang { from, .. } => println!("{} rings", from.name),
            _ => {}
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives randomness");
    bytes
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
