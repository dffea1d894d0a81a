//! `kill -9` in the middle of everything, and how soon everybody is back.

use crate::load::{self, Client, Dialect, Server};
use crate::page::{Figure, median};
use crate::{Anything, cpu};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

const DIALECT: Dialect = Dialect::Duologue { deflate: true };
/// As the SDK has it: after anything up to this, then twice it, and so on, up to the longest; never before a server's
/// `retry_after_ms`.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);
/// How long the SDK waits for a welcome.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often.
const ROUNDS: usize = 3;

/// One person's way back.
struct Back {
    client: Client,
    /// From the kill on.
    after: Duration,
    /// How often the server had no room.
    refused: usize,
}

/// All figures.
pub async fn figures(quick: bool) -> Anything<Vec<Figure>> {
    let (people, calls) = if quick { (400, 50) } else { (10_000, 2_000) };
    let folder = load::Folder::new("restart");
    let mut server = Server::duologue(people, &folder, "127.0.0.1:0")?;
    let mut all = load::crowd(&server, DIALECT, 0..people).await?;
    let pairs: Vec<[Arc<Client>; 2]> = all[..calls * 2].chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect();
    load::each(pairs, |[ann, bob]| async move { load::ring(&ann, &bob).await }, |_| {}).await?;
    let [mut ready, mut most, mut everybody, mut servers, mut clients, mut refused] = [const { Vec::new() }; 6];
    for _ in 0..ROUNDS {
        let (at, began, before) = (server.at, Instant::now(), cpu::time_of(std::process::id()));
        server.kill()?;
        let coming: JoinSet<Anything<Back>> = all.drain(..).enumerate().map(|(n, client)| back(client, at, n as u64, began)).collect();
        let restarted = Instant::now();
        let folder = folder.to_path_buf();
        server = tokio::task::spawn_blocking(move || Server::duologue(people, &folder, &at.to_string())).await??;
        ready.push(restarted.elapsed().as_secs_f64());
        let (mut times, mut refusals) = (Vec::with_capacity(people), 0);
        for back in coming.join_all().await {
            let Back { client, after, refused } = back?;
            times.push(after.as_secs_f64());
            refusals += refused;
            all.push(Arc::new(client));
        }
        servers.push(server.cpu().as_secs_f64());
        clients.push((cpu::time_of(std::process::id()) - before).as_secs_f64());
        refused.push(refusals as f64);
        times.sort_by(f64::total_cmp);
        most.push(times[people * 95 / 100]);
        everybody.push(times[people - 1]);
    }
    let what = |what: &str| format!("{people} people, {calls} calls: from the kill until {what}");
    Ok(vec![
        Figure::held(format!("{people} people, {calls} calls: from the start until ready"), format!("{:.2} s", median(ready)), "≤ 0.5 s"),
        Figure::held(what("95 % are welcome again"), format!("{:.1} s", median(most)), "≤ 5 s"),
        Figure::plain(what("all are"), format!("{:.1} s", median(everybody))),
        Figure::plain("CPU time of the server until then", format!("{:.1} s", median(servers))),
        Figure::plain("CPU time of the clients until then, on the same cores", format!("{:.1} s", median(clients))),
        Figure::plain("refused for want of room and told to wait", format!("{:.0} times", median(refused))),
    ])
}

/// Tries until it is welcome.
async fn back(client: Arc<Client>, at: std::net::SocketAddr, n: u64, began: Instant) -> Anything<Back> {
    client.lost().await;
    let heard = Arc::new(AtomicU64::new(0));
    let (mut draw, mut not_before, mut refused) = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), Duration::ZERO, 0);
    for tries in 0..12 {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ceiling = LONGEST_BACKOFF.min(FIRST_BACKOFF * (1 << tries.min(6)));
        tokio::time::sleep(not_before.max(ceiling.mul_f64((draw >> 11) as f64 / (1u64 << 53) as f64))).await;
        let came = timeout(PATIENCE, Client::back(at, DIALECT, &client.user, &client.token, heard.clone())).await;
        not_before = Duration::ZERO;
        match came {
            Ok(Ok(client)) => return Ok(Back { client, after: began.elapsed(), refused }),
            Ok(Err(why)) if let Some(wait) = retry_after(&why.to_string()) => (not_before, refused) = (wait, refused + 1),
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(format!("{} was never welcome again; it heard {} bytes", client.user, heard.load(Ordering::Relaxed)).into())
}

/// What the server says of when to come back.
fn retry_after(why: &str) -> Option<Duration> {
    serde_json::from_str::<Value>(why).ok()?["retry_after_ms"].as_u64().map(Duration::from_millis)
}
