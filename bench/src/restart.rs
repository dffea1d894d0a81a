//! `kill -9` in the middle of everything, and how soon everybody is back.

use crate::Anything;
use crate::load::{self, Client, Dialect, Server};
use crate::page::{Figure, median};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const DIALECT: Dialect = Dialect::Duologue { deflate: true };
/// As the SDKs have it: after anything up to this, then twice it, and so on.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// How often.
const ROUNDS: usize = 3;

/// All figures.
pub async fn figures(quick: bool) -> Anything<Vec<Figure>> {
    let (people, calls) = if quick { (400, 50) } else { (10_000, 2_000) };
    let folder = load::Folder::new("restart");
    let mut server = Server::duologue(people, &folder, "127.0.0.1:0")?;
    let mut all = load::crowd(&server, DIALECT, 0..people).await?;
    let pairs: Vec<[Arc<Client>; 2]> = all[..calls * 2].chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect();
    load::each(pairs, |[ann, bob]| async move { load::ring(&ann, &bob).await }, |_| {}).await?;
    let [mut ready, mut most, mut everybody] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let (at, began) = (server.at, Instant::now());
        server.kill()?;
        let coming: JoinSet<Anything<(Duration, Client)>> =
            all.drain(..).enumerate().map(|(n, client)| back(client, at, n as u64, began)).collect();
        let restarted = Instant::now();
        let folder = folder.to_path_buf();
        server = tokio::task::spawn_blocking(move || Server::duologue(people, &folder, &at.to_string())).await??;
        ready.push(restarted.elapsed().as_secs_f64());
        let mut times = Vec::with_capacity(people);
        for back in coming.join_all().await {
            let (after, client) = back?;
            times.push(after.as_secs_f64());
            all.push(Arc::new(client));
        }
        times.sort_by(f64::total_cmp);
        most.push(times[people * 95 / 100]);
        everybody.push(times[people - 1]);
    }
    let what = |what: &str| format!("{people} people, {calls} calls: from the kill until {what}");
    Ok(vec![
        Figure::held(format!("{people} people, {calls} calls: from the start until ready"), format!("{:.2} s", median(ready)), "≤ 0.5 s"),
        Figure::held(what("95 % are welcome again"), format!("{:.1} s", median(most)), "≤ 5 s"),
        Figure::plain(what("all are"), format!("{:.1} s", median(everybody))),
    ])
}

/// Tries until it is welcome.
async fn back(client: Arc<Client>, at: std::net::SocketAddr, n: u64, began: Instant) -> Anything<(Duration, Client)> {
    client.lost().await;
    let heard = Arc::new(AtomicU64::new(0));
    let mut draw = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for tries in 0..12 {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ceiling = FIRST_BACKOFF * (1 << tries.min(6));
        tokio::time::sleep(ceiling.mul_f64((draw >> 11) as f64 / (1u64 << 53) as f64)).await;
        if let Ok(back) = Client::back(at, DIALECT, &client.user, &client.token, heard.clone()).await {
            return Ok((began.elapsed(), back));
        }
    }
    Err(format!("{} was never welcome again; it heard {} bytes", client.user, heard.load(Ordering::Relaxed)).into())
}
