//! Measures Duologue, and writes `docs/benchmarks.md` with its pictures.
//!
//!     cargo run --release -p duologue-bench
//!     cargo run --release -p duologue-bench -- core bytes

#![expect(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

mod beside;
mod bytes_sent;
mod calls;
mod core_alone;
mod cpu;
mod load;
mod page;
mod quic;
mod realm;
mod restart;
mod simulator;
mod sockets;
mod steady;

use clap::Parser;
use page::{Book, Measured, Section};
use std::time::Instant;

// As in the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Anything<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const SECTIONS: [Section; 8] = [
    Section {
        name: "core",
        heading: "The core alone",
        how: "One thread, in this process, without gateway and codec; memory in a process of its own each.",
    },
    Section {
        name: "bytes",
        heading: "Bytes to clients",
        how: "Engine and gateway in one thread of this process, a store that has always just written; messages with the head of their \
              frame. *Deflated* is what a WebSocket carries that agreed on permessage-deflate. Steady use: in the lobby with a window of \
              20 for a minute, out of it for a minute, a call every three minutes with its descriptions, candidates and two lines of chat.",
    },
    Section { name: "simulator", heading: "The simulator", how: "One thread, in this process." },
    Section {
        name: "sockets",
        heading: "Memory of WebSockets",
        how: "Resident memory of the release server, less what it has with nobody there, divided by connections that agreed on deflate. \
              The kernel's part of a socket is outside these figures.",
    },
    Section {
        name: "calls",
        heading: "Calls",
        how: "CPU time of the server (user and system), less what it spends while nobody does anything; a call is a ring, its \
              acceptance, offer, answer, twenty candidates, the end. Latency over loopback, one after another.",
    },
    Section {
        name: "restart",
        heading: "`kill -9` and a restart",
        how: "All clients come back by themselves as the SDK does: after anything up to half a second, then a second, then two, never \
              before the server's `retry_after_ms`. The clients' CPU time is beside the server's: they share its cores.",
    },
    Section {
        name: "quic",
        heading: "QUIC and WebTransport",
        how: "By the transport's own example server (`transport-quic/examples/cost.rs`).",
    },
    Section {
        name: "beside",
        heading: "Beside a plain Socket.IO server",
        how: "The same clients, messages and work against `bench/socketio/server.mjs`, which does what one writes first: a map of \
              people, and every change to everybody. Neither deflates. Bytes are those that clients read; CPU and memory are the server's.",
    },
];

/// Measures Duologue, and writes docs/benchmarks.md with its pictures.
#[derive(Parser)]
#[command(after_help = "Example: cargo run --release -p duologue-bench -- core bytes --quick")]
struct Cli {
    /// What to measure: core, bytes, simulator, sockets, calls, restart, quic, beside. All without any.
    sections: Vec<String>,
    /// Small sizes, in a minute or two. Nothing is written.
    #[arg(long)]
    quick: bool,
    /// Prints what so many people in the lobby hold (used by itself).
    #[arg(long, hide = true)]
    memory: Option<u32>,
}

fn main() -> Anything<()> {
    let Cli { sections: wanted, quick, memory } = Cli::parse();
    if let Some(people) = memory {
        core_alone::tell_memory(people);
        return Ok(());
    }
    if let Some(unknown) = wanted.iter().find(|name| SECTIONS.iter().all(|section| section.name != **name)) {
        return Err(format!("there is no section {unknown}: say one of {}", SECTIONS.map(|section| section.name).join(", ")).into());
    }
    let mut book = Book::read();
    for section in SECTIONS.iter().filter(|section| wanted.is_empty() || wanted.iter().any(|name| name == section.name)) {
        let began = Instant::now();
        eprintln!("{} …", section.heading);
        let measured = measure(section.name, quick)?;
        for page::Figure { what, figure, target } in &measured.figures {
            println!("{what:<90} {figure:>28}   {target}");
        }
        eprintln!("{} took {:.0} s", section.heading, began.elapsed().as_secs_f64());
        if !quick {
            book.set(section, measured);
            book.write(&SECTIONS)?;
        }
    }
    Ok(())
}

fn measure(section: &str, quick: bool) -> Anything<Measured> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let alone = |figures| Measured { figures, plots: Vec::new() };
    Ok(match section {
        "core" => alone(core_alone::figures(quick)),
        "bytes" => bytes_sent::measure(quick)?,
        "simulator" => alone(simulator::figures(quick)),
        "sockets" => alone(runtime.block_on(sockets::figures(quick))?),
        "calls" => alone(runtime.block_on(calls::figures(quick))?),
        "restart" => alone(runtime.block_on(restart::figures(quick))?),
        "quic" => alone(quic::figures()?),
        "beside" => runtime.block_on(beside::measure(quick))?,
        unknown => return Err(format!("{unknown}?").into()),
    })
}
