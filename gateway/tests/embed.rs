//! `examples/embed.rs` as what it is: a process with sockets. Two people meet in it with a line of JSON a message.

use duologue_core::wire::json::{decode_server, encode_client};
use duologue_core::wire::{CallEnded, ClientMessage, Command, Done, Event, Filter, Hello, ServerMessage, View, Why};
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command as Process, Stdio};
use std::time::Duration;

/// How long anything may take that comes at once; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

// The tests of another package, which this one must not depend on, have the same need.
include!("../../tests/src/example.rs");

/// The service, which ends with the test.
struct Service {
    child: Child,
    at: String,
    said: Lines<BufReader<ChildStdout>>,
}

impl Service {
    fn start() -> Service {
        let mut child = Process::new(example("embed")).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let first = said.next().expect("it says where it is").expect("text");
        let at = first.strip_prefix("listening on ").expect("an address").into();
        Service { child, at, said }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    stream: TcpStream,
    lines: Lines<BufReader<TcpStream>>,
    number: u64,
}

impl Client {
    /// Says their name, then hello with the token that comes of it, and joins.
    fn arrives(service: &Service, name: &str) -> Client {
        let stream = TcpStream::connect(&service.at).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        let lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
        let mut client = Client { stream, lines, number: 0 };
        client.stream.write_all(format!("{name}\n").as_bytes()).expect("it reads");
        let told = client.lines.next().expect("an answer").expect("text");
        let (_, rest) = told.split_once(r#""token":""#).unwrap_or_else(|| panic!("no token: {told}"));
        let token = rest.split('"').next().expect("its end").into();
        client.says(&ClientMessage::Hello(Hello { token, client: None, resume: None, exclusive: false, sdp: 0 }));
        client.hears("a welcome", |message| matches!(message, ServerMessage::Welcome(_)).then_some(()));
        client.does(Command::Join { lobby: None });
        client
    }

    fn says(&mut self, message: &ClientMessage) {
        let line = [&encode_client(message)[..], b"\n"].concat();
        self.stream.write_all(&line).expect("it reads");
    }

    fn does(&mut self, command: Command) -> Done {
        self.number += 1;
        let number = self.number;
        self.says(&ClientMessage::Command { id: number, command });
        self.hears("an answer", |message| match message {
            ServerMessage::Ok { re, done } if re == number => Some(done),
            ServerMessage::No { .. } => panic!("refused: {message:?}"),
            _ => None,
        })
    }

    /// Reads on until this has come.
    fn hears<T>(&mut self, what: &str, mut is_it: impl FnMut(ServerMessage) -> Option<T>) -> T {
        loop {
            let line = self.lines.next().unwrap_or_else(|| panic!("the end before {what}"));
            let line = line.unwrap_or_else(|error| panic!("no {what}: {error}"));
            let message = decode_server(line.as_bytes()).unwrap_or_else(|_| panic!("no message: {line}"));
            if let Some(found) = is_it(message) {
                return found;
            }
        }
    }

    fn happens<T>(&mut self, what: &str, mut is_it: impl FnMut(Event) -> Option<T>) -> T {
        self.hears(what, |message| match message {
            ServerMessage::Event { event, .. } => is_it(event),
            _ => None,
        })
    }
}

/// The heart of the example stands in the README, to the letter.
#[test]
fn what_the_readme_shows_is_what_runs() {
    let example = include_str!("../examples/embed.rs");
    let (_, code) = example.split_once("    /// Runs what is due").expect("the heart");
    let (code, _) = code.split_once("\n\n").expect("its end");
    let code: Vec<&str> = code.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let shown = format!("```rust\n/// Runs what is due{}\n```", code.join("\n"));
    assert!(include_str!("../../README.md").contains(&shown), "the README shows something else than\n{shown}");
}

/// INV 1, 5, CALL 1, 4, 6: seen, rung, accepted, a line of chat, hung up.
#[test]
fn two_people_meet_in_a_service_of_one_thread() {
    let mut service = Service::start();
    let (mut ann, mut bob) = (Client::arrives(&service, "Ann"), Client::arrives(&service, "Bob"));
    ann.does(Command::Window { size: 20, filter: Filter::default() });
    let to = ann.hears("Bob in the window", |message| match message {
        ServerMessage::View(View::Window { places, .. } | View::WindowDelta { set: places, .. }) => {
            places.into_iter().find_map(|(_, place)| place.map(|(card, _)| card.user))
        }
        _ => None,
    });
    ann.does(Command::Invite { to, seconds: 300 });
    let invite = bob.happens("a ring", |event| if let Event::Rang { invite, .. } = event { Some(invite) } else { None });
    let Done::Call { call } = bob.does(Command::Accept { invite, seconds: 120 }) else { panic!("no call") };
    let seconds = ann.happens("a call", |event| if let Event::CallStarted(started) = event { Some(started.seconds) } else { None });
    assert_eq!(seconds, 210, "half of what both wished");
    ann.does(Command::Chat { call, text: "hello".into() });
    let text = bob.happens("a line", |event| if let Event::Chat { text, .. } = event { Some(text) } else { None });
    assert_eq!(text, "hello");
    bob.does(Command::HangUp { call });
    let CallEnded { why, .. } = *ann.happens("the end", |event| if let Event::CallEnded(ended) = event { Some(ended) } else { None });
    assert_eq!(why, Why::HangUp);
    let told: Vec<String> = service.said.by_ref().map_while(Result::ok).take(6).collect();
    assert_eq!(told[..3], ["Ann is here", "Bob is here", "Ann rings"]);
    assert!(
        told[3..5].iter().all(|line| line.ends_with("for 210 seconds")) && told[5].starts_with("a call has ended: hang_up"),
        "{told:?}"
    );
}

/// What is no message closes the line that said it, with a reason, and no other.
#[test]
fn nonsense_is_told_so_and_harms_nobody_else() {
    let service = Service::start();
    let (mut ann, mut bob) = (Client::arrives(&service, "Ann"), Client::arrives(&service, "Bob"));
    bob.stream.write_all(b"{\"t\":\n").expect("it reads");
    bob.hears("a closing", |message| matches!(message, ServerMessage::Closing { .. }).then_some(()));
    assert!(bob.lines.next().is_none_or(|line| line.is_err()), "nothing follows a closing");
    ann.does(Command::WindowClose);
}
