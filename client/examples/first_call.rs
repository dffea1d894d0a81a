//! A first call: makes a guest, joins the lobby, rings whoever is free, takes whoever rings, says hello, and leaves when it hears it.
//! Two of these, or one and a browser, are enough:
//!
//! ```text
//! $ cargo run -p duologue-client --features http,ws --example first_call -- http://127.0.0.1:8080 Ann
//! ```

use duologue_client::wire::Event::{CallStarted, Chat, Rang};
use duologue_client::{Client, Event, Server};
use std::error::Error;

pub(crate) async fn first_call(url: &str, name: &str) -> Result<String, Box<dyn Error>> {
    let server = Server::at(url)?;
    let mut client = Client::connect(&server.websocket(), server.guest(name).await?.token).await?;
    client.join().await?;
    client.watch(20).await?;
    loop {
        match client.next().await.ok_or("the client has ended")? {
            Event::Window(_) => {
                if let Some(card) = client.free().await.first() {
                    drop(client.invite(card.user, 120).await)
                }
            }
            Event::Happened(Rang { invite, .. }) => drop(client.accept(invite, 120).await),
            Event::Happened(CallStarted(call)) => drop(client.chat(call.call, format!("hello {}", call.peer.name)).await?),
            Event::Happened(Chat { text, .. }) => break Ok(text),
            _ => {}
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [url, name] = std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "first_call URL NAME")?;
    println!("{}", first_call(&url, &name).await?);
    Ok(())
}
