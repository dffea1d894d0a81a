//! A first call: joins the lobby, rings the first free person whom the window shows, takes whoever rings, and stops after one call.
//! Two of these, or one and a browser, are enough:
//!
//! ```text
//! $ curl -s -d '{"name":"Ann"}' -H 'content-type: application/json' http://127.0.0.1:8080/v1/guests
//! $ cargo run -p duologue-client --features ws --example first_call -- ws://127.0.0.1:8080/v1/ws TOKEN
//! ```

use duologue_client::{Client, Event};
use duologue_core::wire::{Command, Event as Happened, Filter};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, token] = std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "first_call URL TOKEN")?;
    let mut client = Client::connect(&url, token).await?;
    client.command(Command::Join { lobby: None }).await?;
    client.command(Command::Window { size: 20, filter: Filter::default() }).await?;
    while let Some(event) = client.next().await {
        match event {
            Event::Window(_) => ring_the_first(&client).await,
            Event::Happened(Happened::Rang { invite, .. }) => drop(client.command(Command::Accept { invite, seconds: 120 }).await?),
            Event::Happened(Happened::CallStarted(call)) => println!("{} s with {}", call.seconds, call.peer.name),
            Event::Happened(Happened::CallEnded(call)) => {
                println!("{} s, then {}", call.seconds, call.why.code());
                break;
            }
            _ => {}
        }
    }
    client.leave().await;
    Ok(())
}

/// Whoever is shown and may be rung; being refused (`busy`, one ring at a time) is no fault.
async fn ring_the_first(client: &Client) {
    let first = client.look(|engine, _| {
        let mut shown = engine.window()?.places().iter().flatten();
        shown.find(|(_, marks)| marks.cooldown_until.is_none()).map(|(card, _)| card.user)
    });
    let Some(Some(to)) = first.await else { return };
    if let Err(refused) = client.command(Command::Invite { to, seconds: 120 }).await {
        println!("not rung: {refused}");
    }
}
