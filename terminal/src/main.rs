//! Duologue in a terminal: who is here, rings, chat with the server's clock, over WebSocket or QUIC. It is what a program on
//! `duologue-client` looks like: one loop that takes events, keys and answers, and draws. Pictures and sound it has not.

mod app;
mod draw;
mod words;

use app::{App, Shown, Wish};
use clap::{Parser, ValueEnum};
use crossterm::event::{Event as Input, EventStream, KeyEventKind};
use duologue_client::wire::{Command, Done};
use duologue_client::{Client, Config, Event, Failed, Roots, Server};
use futures_util::StreamExt;
use ratatui::DefaultTerminal;
use std::error::Error;
use std::fs;
use std::io::{IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the clocks on the screen go on.
const TICK: Duration = Duration::from_millis(250);

/// Timed calls of two, in a terminal.
///
/// You come into the lobby and see a few people who are free, each in a place that stays. Choose one, choose how long, ring; whoever
/// says yes is in a call with you until its clock ends it. The length is the mean of what both want. Whoever met does not meet again
/// for a day. In the call you write to each other; there is no picture here, so tell people in browsers.
#[derive(Debug, Parser)]
#[command(
    name = "duologue-terminal",
    version,
    after_help = "\
Keys (the last line on the screen says those that do something now):
  in the lobby    up, down  choose somebody     left, right  choose how long (minutes)
                  Enter     ring                Esc          take the ring back
                  a         accept a ring       d            decline it
                  m         meet somebody: be paired with whoever is free; again: wait no more
                  q         leave
  in a call       write, Enter says it          Ctrl+U       begin the line anew
                  Ctrl+E    ask for one more minute, or agree to what the other one asked for
                  Ctrl+X    hang up             Ctrl+C       leave altogether

Examples:
  duologue-terminal --name Ann                                   the server on this machine
  duologue-terminal --name Ann --carrier quic                    the same over QUIC
  duologue-terminal --name Ann --server https://duologue.example over TLS
  duologue-terminal --name Ann --server https://127.0.0.1:8080 --trust duologue-data/development-certificate.pem

A connection that is lost is made again by itself: within ten seconds nobody notices, and a call waits for a minute."
)]
struct Args {
    /// The address of the server's page.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// What others see of you; without it what this machine calls you.
    #[arg(long, value_name = "NAME", default_value_t = std::env::var("USER").unwrap_or_else(|_| "Somebody".into()))]
    name: String,
    /// What carries the messages: a WebSocket (over TLS where the address is https://), or QUIC.
    #[arg(long, value_enum, default_value_t = Carrier::Ws)]
    carrier: Carrier,
    /// A PEM file: over TLS its certificates are believed, and no others.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// How long the calls that you ask for are, to begin with.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=30))]
    minutes: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Carrier {
    /// WebSocket.
    Ws,
    /// QUIC.
    Quic,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(last) => {
            println!("{last}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("duologue-terminal: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The whole visit; its last words.
async fn run(args: &Args) -> Result<String, Box<dyn Error>> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return Err("it wants a terminal for input and output".into());
    }
    let roots = match &args.trust {
        Some(path) => roots(path).map_err(|error| format!("--trust {}: {error}", path.display()))?,
        None => Roots::web(),
    };
    let server = Server::at(&args.server)?.trusting(roots.clone());
    let url = match args.carrier {
        Carrier::Ws => server.websocket(),
        Carrier::Quic => server.quic().await?.ok_or("the server does not speak QUIC; try --carrier ws")?,
    };
    let carrier = match url.split_once("://") {
        Some(("quic", _)) => "QUIC",
        Some(("wss", _)) => "WebSocket and TLS",
        _ => "WebSocket",
    };
    let guest = server.guest(&args.name).await?;
    println!("Connecting to {} over {carrier} …", args.server);
    // Without a picture there is nothing to negotiate.
    let mut client = Client::connect_trusting(&url, Config { negotiate: false, ..Config::drawn(guest.token)? }, &roots).await?;
    let mut app = App::new(&args.name, carrier, args.minutes);
    let mut terminal = ratatui::try_init()?;
    let visited = visit(&mut terminal, &mut client, &mut app).await;
    ratatui::restore();
    let last = visited?;
    client.leave().await;
    Ok(last)
}

fn roots(path: &Path) -> Result<Roots, Box<dyn Error>> {
    Ok(Roots::pem(&fs::read(path)?)?)
}

async fn visit(terminal: &mut DefaultTerminal, client: &mut Client, app: &mut App) -> Result<String, Box<dyn Error>> {
    let mut keys = EventStream::new();
    let (answers, mut answered) = mpsc::unbounded_channel();
    loop {
        if let Some(shown) = client.look(Shown::of).await {
            app.look(shown);
        }
        terminal.draw(|frame| draw::draw(app, frame))?;
        if app.takes_bell() {
            stdout().write_all(b"\x07")?;
            stdout().flush()?;
        }
        let wish = tokio::select! {
            event = client.next() => match event {
                Some(Event::Ended(end)) => return Ok(format!("The server ended it: {end}.")),
                Some(event) => app.told(event),
                None => return Ok("The connection has ended.".into()),
            },
            input = keys.next() => match input {
                Some(Ok(Input::Key(key))) if key.kind != KeyEventKind::Release => app.key(key),
                Some(Ok(Input::Paste(text))) => {
                    app.pasted(&text);
                    None
                }
                Some(Ok(_)) => None,
                Some(Err(error)) => return Err(error.into()),
                None => Some(Wish::Leave),
            },
            Some((command, answer)) = answered.recv() => app.answered(&command, answer),
            () = tokio::time::sleep(TICK) => None,
        };
        match wish {
            Some(Wish::Leave) => return Ok("Until next time.".into()),
            Some(Wish::Say(command)) => say(client, command, &answers),
            None => {}
        }
    }
}

/// Asks without waiting: the answer comes as another thing that happens. Commands go in the order in which they were said.
fn say(client: &Client, command: Command, answers: &mpsc::UnboundedSender<(Command, Result<Done, Failed>)>) {
    let (client, answers) = (client.handle(), answers.clone());
    tokio::spawn(async move {
        let answer = client.command(command.clone()).await;
        let _ = answers.send((command, answer));
    });
}
