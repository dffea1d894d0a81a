//! The same people and the same work, here and on a plain Socket.IO server, in one run.

use crate::Anything;
use crate::load::{self, Client, Dialect, Server};
use crate::page::{Figure, Measured, Plot, thousands};
use std::sync::Arc;
use std::time::Duration;

/// What a server spent on so many people.
struct Spent {
    people: usize,
    /// While they came.
    bytes: u64,
    cpu: f64,
    /// Resident memory of one, once all are there.
    each: f64,
    /// On the calls of a few of them.
    call_bytes: u64,
    call_cpu: f64,
}

/// All figures.
pub async fn measure(quick: bool) -> Anything<Measured> {
    let sizes: &[usize] = if quick { &[50, 100] } else { &[100, 300, 600, 1_000] };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for people in sizes {
        eprintln!("  {people} people …");
        let folder = load::Folder::new("beside");
        ours.push(spent(Server::duologue(*people, &folder, "127.0.0.1:0")?, Dialect::Duologue { deflate: false }, *people).await?);
        theirs.push(spent(Server::socket_io()?, Dialect::SocketIo, *people).await?);
    }
    let mut figures = Vec::new();
    for (our, their) in ours.iter().zip(&theirs) {
        let Spent { people, .. } = our;
        let calls = calls_of(*people);
        let mut row = |what: String, [our, their]: [f64; 2], unit: &dyn Fn(f64) -> String| {
            let figure = format!("{} and {}: {:.1} times", unit(our), unit(their), their / our.max(1e-9));
            figures.push(Figure::plain(what, figure));
        };
        let bytes = |bytes: f64| if bytes < 2e6 { format!("{:.0} kB", bytes / 1e3) } else { format!("{:.1} MB", bytes / 1e6) };
        let seconds = |seconds: f64| format!("{seconds:.2} s");
        row(format!("{people} people come: bytes sent, Duologue and Socket.IO"), [our.bytes as f64, their.bytes as f64], &bytes);
        row(format!("{people} people come: CPU time"), [our.cpu, their.cpu], &seconds);
        row(format!("{people} people are there: memory of each"), [our.each, their.each], &|bytes| thousands(bytes as u64) + " B");
        row(format!("{calls} calls among them: bytes sent"), [our.call_bytes as f64, their.call_bytes as f64], &bytes);
        row(format!("{calls} calls among them: CPU time"), [our.call_cpu, their.call_cpu], &seconds);
    }
    let plot = |name: &str, title: &str, y: &str, of: &dyn Fn(&Spent) -> f64| {
        let line = |all: &[Spent]| all.iter().map(|spent| (spent.people as f64, of(spent))).collect();
        let lines = vec![("Duologue".into(), line(&ours)), ("plain Socket.IO".into(), line(&theirs))];
        Plot { name: name.into(), title: title.into(), x: "people".into(), y: y.into(), lines }
    };
    let plots = vec![
        plot("join-bytes", "Bytes sent while so many people come", "MB", &|spent| spent.bytes as f64 / 1e6),
        plot("join-cpu", "CPU time of the server while so many people come", "seconds", &|spent| spent.cpu),
        plot("call-cpu", "CPU time of the server for a call", "milliseconds", &|spent| {
            spent.call_cpu * 1e3 / calls_of(spent.people) as f64
        }),
    ];
    Ok(Measured { figures, plots })
}

fn calls_of(people: usize) -> usize {
    (people / 2).min(100)
}

async fn spent(server: Server, dialect: Dialect, people: usize) -> Anything<Spent> {
    // The first few pay for what is made once.
    let base = server.resident_bytes();
    let (cpu, bytes) = (server.cpu(), server.sent_bytes());
    let all = load::crowd(&server, dialect, 0..people).await?;
    quiet(&server).await;
    let came = ((server.cpu() - cpu).as_secs_f64(), server.sent_bytes() - bytes);
    let each = server.resident_bytes().saturating_sub(base) as f64 / people as f64;
    let (cpu, bytes) = (server.cpu(), server.sent_bytes());
    let pairs: Vec<[Arc<Client>; 2]> = all.chunks_exact(2).take(calls_of(people)).map(|pair| [pair[0].clone(), pair[1].clone()]).collect();
    load::each(pairs, |[ann, bob]| async move { load::call(&ann, &bob).await }, |()| {}).await?;
    quiet(&server).await;
    let called = ((server.cpu() - cpu).as_secs_f64(), server.sent_bytes() - bytes);
    Ok(Spent { people, bytes: came.1, cpu: came.0, each, call_bytes: called.1, call_cpu: called.0 })
}

/// Until clients have read all there is: nothing more for half a second, in which the server works no more.
async fn quiet(server: &Server) {
    let mut before = (server.sent_bytes(), server.cpu());
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = (server.sent_bytes(), server.cpu());
        if now.0 == before.0 && now.1 - before.1 < Duration::from_millis(50) {
            return;
        }
        before = now;
    }
}
