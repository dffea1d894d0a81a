//! People behind real sockets, and the server that they are guests of: a process of its own, whose CPU time and memory are read.

mod client;
mod process;

pub use client::{Client, Dialect, open};
pub use process::Server;

use crate::Anything;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

/// A folder for rows, gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// A new one.
    pub fn new(name: &str) -> Folder {
        Folder(std::env::temp_dir().join(format!("duologue-bench-{name}-{}", std::process::id())))
    }
}

impl std::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// People who come, or call, at the same time.
pub const AT_ONCE: usize = 24;

/// So many people come and stand in the lobby with a window of 20.
pub async fn crowd(server: &Server, dialect: Dialect, people: std::ops::Range<usize>) -> Anything<Vec<Arc<Client>>> {
    let mut all = Vec::with_capacity(people.len());
    let (at, heard) = (server.at, server.heard.clone());
    each(people, move |n| Client::come(at, dialect, n, heard.clone()), |client| all.push(Arc::new(client))).await?;
    Ok(all)
}

/// Does something for each, some at a time.
pub async fn each<I, T, F>(items: impl IntoIterator<Item = I>, work: impl Fn(I) -> F, mut done: impl FnMut(T)) -> Anything<()>
where
    F: Future<Output = Anything<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut items = items.into_iter();
    let mut going: JoinSet<Anything<T>> = items.by_ref().take(AT_ONCE).map(&work).collect();
    while let Some(result) = going.join_next().await {
        done(result??);
        if let Some(item) = items.next() {
            going.spawn(work(item));
        }
    }
    Ok(())
}

/// A ring and its acceptance; gives the call as both are told of it.
pub async fn ring(ann: &Client, bob: &Client) -> Anything<[Value; 2]> {
    let rang = bob.hears("rang").await?;
    let started = ann.hears("call_started").await?;
    ann.say(json!({ "t": "invite", "to": bob.user, "seconds": 300 })).await?;
    let invite = rang.await??["invite"].clone();
    let too = bob.hears("call_started").await?;
    bob.say(json!({ "t": "accept", "invite": invite, "seconds": 300 })).await?;
    Ok([started.await??, too.await??])
}

/// A whole call: the ring, an offer, an answer, ten candidates each, the end.
pub async fn call(ann: &Client, bob: &Client) -> Anything<()> {
    let [started, _] = ring(ann, bob).await?;
    let (call, epoch) = (&started["call"], &started["epoch"]);
    let (first, second) = if started["initiator"] == true { (ann, bob) } else { (bob, ann) };
    for (from, to, kind, bytes) in [(first, second, "offer", 5_600), (second, first, "answer", 5_000)] {
        let heard = to.hears("description").await?;
        from.say(json!({ "t": "description", "call": call, "epoch": epoch, "kind": kind, "sdp": description(bytes) })).await?;
        heard.await??;
        let candidates: Vec<Value> = (0..10).map(|n| json!({ "candidate": description(150 + n), "mid": "0", "line": 0 })).collect();
        let heard = to.hears("candidates").await?;
        from.say(json!({ "t": "candidates", "call": call, "epoch": epoch, "from": 0, "candidates": candidates })).await?;
        heard.await??;
    }
    let over = [ann.hears("call_ended").await?, bob.hears("call_ended").await?];
    ann.say(json!({ "t": "hang_up", "call": call })).await?;
    for over in over {
        over.await??;
    }
    Ok(())
}

/// A text of this length that deflates as a description does, to about a quarter.
pub fn description(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 80);
    let mut draw: u64 = 0x9e37_79b9_7f4a_7c15;
    while text.len() < bytes {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("a=rtpmap:{} opus/48000/2 ssrc:{:010} cname:stream\r\n", draw >> 57, draw >> 34));
    }
    text.truncate(bytes);
    text
}
