//! What calls cost the server, and how long people wait for its answers.

use crate::Anything;
use crate::load::{self, Client, Dialect, Server};
use crate::page::{Figure, median};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long nobody does anything, to know what that costs.
const IDLE: Duration = Duration::from_secs(10);
const DIALECT: Dialect = Dialect::Duologue { deflate: true };

/// All figures.
pub async fn figures(quick: bool) -> Anything<Vec<Figure>> {
    let sizes: &[usize] = if quick { &[200] } else { &[1_000, 10_000] };
    let mut figures = Vec::new();
    for people in sizes {
        let folder = load::Folder::new("calls");
        let server = Server::duologue(*people, &folder, "127.0.0.1:0")?;
        let all = load::crowd(&server, DIALECT, 0..*people).await?;
        let calls = (*people).min(1_000);
        let spent = calling(&server, &all, calls).await?;
        let target = if quick { "" } else { "≤ 2 s, the same at 10,000" };
        figures.push(Figure::held(
            format!("{calls} calls, {people} people connected: CPU time"),
            format!("{:.2} s", spent.as_secs_f64()),
            target,
        ));
    }
    figures.extend(latencies(if quick { 50 } else { 500 }).await?);
    Ok(figures)
}

/// CPU time of so many calls, without what the server spends on idle people.
async fn calling(server: &Server, all: &[Arc<Client>], calls: usize) -> Anything<Duration> {
    let start = server.cpu();
    tokio::time::sleep(IDLE).await;
    let idle = (server.cpu() - start).div_f64(IDLE.as_secs_f64());
    let half = all.len() / 2;
    // Nobody calls the same person twice, for the two are under their cooldown.
    let pairs: Vec<[Arc<Client>; 2]> = (0..calls).map(|n| [all[n % half].clone(), all[half + (n + n / half) % half].clone()]).collect();
    let (start, began) = (server.cpu(), Instant::now());
    for round in pairs.chunks(half.min(load::AT_ONCE)) {
        load::each(round.to_vec(), |[ann, bob]| async move { load::call(&ann, &bob).await }, |()| {}).await?;
    }
    Ok((server.cpu() - start).saturating_sub(idle.mul_f64(began.elapsed().as_secs_f64())))
}

/// How long, from saying it until it is heard.
async fn latencies(rounds: usize) -> Anything<Vec<Figure>> {
    let folder = load::Folder::new("latency");
    let server = Server::duologue(rounds * 2, &folder, "127.0.0.1:0")?;
    let all = load::crowd(&server, DIALECT, 0..rounds * 2).await?;
    let [mut joins, mut rings, mut answers, mut ends] = [const { Vec::new() }; 4];
    for pair in all.chunks_exact(2) {
        let (ann, bob) = (&pair[0], &pair[1]);
        let heard = ann.hears("ok").await?;
        let began = Instant::now();
        ann.say(json!({ "t": "join" })).await?;
        heard.await??;
        joins.push(began.elapsed());
        let rang = bob.hears("rang").await?;
        let began = Instant::now();
        ann.say(json!({ "t": "invite", "to": bob.user, "seconds": 300 })).await?;
        let invite = rang.await??["invite"].clone();
        rings.push(began.elapsed());
        let started = ann.hears("call_started").await?;
        let began = Instant::now();
        bob.say(json!({ "t": "accept", "invite": invite, "seconds": 300 })).await?;
        let started = started.await??;
        answers.push(began.elapsed());
        let ended = bob.hears("call_ended").await?;
        let began = Instant::now();
        ann.say(json!({ "t": "hang_up", "call": started["call"] })).await?;
        ended.await??;
        ends.push(began.elapsed());
    }
    let p50 = |what: &str, values: Vec<Duration>, target: &str| {
        let ms = median(values.iter().map(|value| value.as_secs_f64() * 1e3).collect());
        Figure::held(format!("latency, p50: {what}"), format!("{ms:.2} ms"), target)
    };
    Ok(vec![
        p50("a join (nothing durable) until `ok`", joins, "without a disk's wait"),
        p50("a ring (nothing durable) until the other hears it", rings, "without a disk's wait"),
        p50("an acceptance (a call's row) until the caller hears of the call", answers, "≤ 5 ms beyond a ring"),
        p50("hanging up (history, cooldown, totals) until the other hears it", ends, "≤ 5 ms beyond a ring"),
    ])
}
