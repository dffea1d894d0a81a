//! A native program that talks to browsers with pictures: the engine of `duologue-client` does signaling, `str0m` the peer connection,
//! and `peer` brings the two together. It comes into the lobby, takes every ring, sends a drawn picture and two tones, and says once in
//! a while what it sees and hears, a line of JSON each.
//!
//! ```text
//! $ cargo run -p duologue-native-peer -- --name Robot --carrier quic
//! ```

mod clip;
mod peer;
mod servers;

use clap::{Parser, ValueEnum};
use duologue_client::ids::CallId;
use duologue_client::wire::{Card, Event as Happened, IceServer};
use duologue_client::{COMPACT, Client, Config, Event, NegotiationOutput, Server};
use peer::{Kind, Peer};
use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use str0m::crypto::from_feature_flags;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often it says what it sees.
const SAYS_EVERY: Duration = Duration::from_millis(250);

/// Talks to browsers: takes every ring, or rings somebody, sends a drawn picture and two tones, counts what it sees and hears.
#[derive(Debug, Parser)]
#[command(name = "duologue-native-peer")]
struct Args {
    /// The address of the server's page.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// What others see.
    #[arg(long, value_name = "NAME", default_value = "Robot")]
    name: String,
    /// What carries the messages.
    #[arg(long, value_enum, default_value_t = Carrier::Ws)]
    carrier: Carrier,
    /// Says and reads descriptions as they are, not compactly.
    #[arg(long)]
    plain: bool,
    /// Rings whoever has this name, once they are seen.
    #[arg(long, value_name = "NAME")]
    ring: Option<String>,
    /// What addresses it tells of itself.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["host", "srflx", "relay"])]
    candidates: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Carrier {
    /// WebSocket.
    Ws,
    /// QUIC.
    Quic,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    from_feature_flags().install_process_default();
    let args = Args::parse();
    let server = Server::at(&args.server)?;
    let url = match args.carrier {
        Carrier::Ws => server.websocket(),
        Carrier::Quic => server.quic().await?.ok_or("the server does not speak QUIC")?,
    };
    let guest = server.guest(&args.name).await?;
    let sdp = if args.plain { 0 } else { COMPACT };
    let mut client = Client::connect_with(&url, Config { sdp, ..Config::drawn(guest.token)? }).await?;
    client.join().await?;
    client.watch(20).await?;
    println!(r#"{{"here":"{}","carrier":"{}"}}"#, guest.user, url.split(':').next().unwrap_or_default());

    let mut peer: Option<Peer> = None;
    let mut servers = CallServers::default();
    let mut says = interval_at(Instant::now() + SAYS_EVERY, SAYS_EVERY);
    says.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = client.next() => match event.ok_or("the client has ended")? {
                Event::Ended(end) => return Err(format!("the server said {end}").into()),
                Event::Peer(NegotiationOutput::Renew { epoch }) => {
                    let servers = servers.of_call(&client).await;
                    peer = Some(Peer::new(epoch, servers, &args.candidates).await?);
                }
                Event::Peer(output) => {
                    if let Some(peer) = &mut peer {
                        peer.does(output);
                    }
                }
                Event::Window(_) => ring(&client, args.ring.as_deref()).await,
                Event::Happened(Happened::Rang { invite, .. }) => drop(client.accept(invite, 300).await),
                Event::Happened(Happened::Chat { call, text, .. }) => drop(client.chat(call, format!("I heard: {text}")).await),
                Event::Happened(Happened::CallEnded(ended)) => {
                    peer = None;
                    println!(r#"{{"ended":"{}"}}"#, ended.why.code());
                }
                _ => {}
            },
            () = goes_on(&mut peer) => {}
            _ = says.tick() => {
                if let Some(peer) = &peer {
                    tell(&peer.counts());
                }
            }
        }
        for input in peer.iter_mut().flat_map(Peer::take_said) {
            client.peer(input).await;
        }
    }
}

/// The STUN and TURN servers of a call, asked for once: their credentials are good until its end.
#[derive(Default)]
struct CallServers {
    call: Option<CallId>,
    list: Vec<IceServer>,
}

impl CallServers {
    async fn of_call(&mut self, client: &Client) -> &[IceServer] {
        let call = client.look(|engine, _| engine.call().map(|call| call.id())).await.flatten();
        if let Some(call) = call.filter(|_| self.call != call) {
            // Without any, a call within one network works.
            self.list = client.ice_servers(call).await.unwrap_or_default();
            self.call = Some(call);
        }
        &self.list
    }
}

async fn goes_on(peer: &mut Option<Peer>) {
    match peer {
        Some(peer) => peer.goes_on().await,
        None => pending().await,
    }
}

fn tell(counts: &peer::Counts) {
    let peer::Counts { is_connected, video_packets, video_frames, audio_packets, audible_packets, frames_sent } = counts;
    println!(
        r#"{{"connected":{is_connected},"video_packets":{video_packets},"video_frames":{video_frames},"audio_packets":{audio_packets},"audible_packets":{audible_packets},"frames_sent":{frames_sent}}}"#
    );
}

/// Rings whoever is called so; a refusal (one ring at a time) is no fault.
async fn ring(client: &Client, name: Option<&str>) {
    let is_wanted = |card: &Arc<Card>| Some(card.name.as_str()) == name;
    if let Some(card) = client.free().await.into_iter().find(is_wanted) {
        let _ = client.invite(card.user, 300).await;
    }
}
