//! What most programs say, a method each; whatever else there is, [`Handle::command`] takes. Each is one command: it is sent again
//! over reconnects until it is answered, and has one effect.

use super::Handle;
use crate::{Engine, Failed};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use duologue_core::kit::ids::{CallId, InviteId, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Card, Command, Done, Filter, IceServer};

/// Errors are those of [`Handle::command`].
#[expect(clippy::missing_errors_doc, reason = "they are all the same")]
impl Handle {
    /// Comes into the lobby: from now on one may be seen and rung.
    pub async fn join(&self) -> Result<(), Failed> {
        self.command(Command::Join { lobby: None }).await.map(drop)
    }

    /// Opens the window on up to so many free people; it is told by `Event::Window`, and kept as [`Engine::window`].
    pub async fn watch(&self, size: u32) -> Result<(), Failed> {
        self.command(Command::Window { size, filter: Filter::default() }).await.map(drop)
    }

    /// Whom the window shows and who may be rung, in the order of their places.
    pub async fn free(&self) -> Vec<Arc<Card>> {
        let shown = |engine: &Engine, _| {
            let places = engine.window().map(|window| window.places().iter().flatten());
            let free = places.into_iter().flatten().filter(|(_, marks)| marks.cooldown_until.is_none());
            free.map(|(card, _)| card.clone()).collect()
        };
        self.look(shown).await.unwrap_or_default()
    }

    /// Asks to be paired with somebody, whoever comes: a call follows, sooner or later.
    pub async fn meet(&self) -> Result<(), Failed> {
        self.command(Command::Pair { filter: Filter::default(), confirm: false }).await.map(drop)
    }

    /// Rings somebody for a call of so many seconds. None where they rang at the same time: then the call has started.
    pub async fn invite(&self, to: UserId, seconds: u32) -> Result<Option<InviteId>, Failed> {
        match self.command(Command::Invite { to, seconds }).await? {
            Done::Invited { invite, .. } => Ok(Some(invite)),
            Done::Call { .. } => Ok(None),
            _ => Err(Failed::Unknown),
        }
    }

    /// Takes a ring, for so many seconds: the call lasts the mean of both wishes.
    pub async fn accept(&self, invite: InviteId, seconds: u32) -> Result<CallId, Failed> {
        match self.command(Command::Accept { invite, seconds }).await? {
            Done::Call { call } => Ok(call),
            _ => Err(Failed::Unknown),
        }
    }

    /// Says no to a ring.
    pub async fn decline(&self, invite: InviteId) -> Result<(), Failed> {
        self.command(Command::Decline { invite }).await.map(drop)
    }

    /// Takes one's own ring back.
    pub async fn rescind(&self, invite: InviteId) -> Result<(), Failed> {
        self.command(Command::Rescind { invite }).await.map(drop)
    }

    /// Says a line in a call; gives when it was said, by the server's clock.
    pub async fn chat(&self, call: CallId, text: impl Into<String>) -> Result<Millis, Failed> {
        match self.command(Command::Chat { call, text: text.into() }).await? {
            Done::Said { at } => Ok(at),
            _ => Err(Failed::Unknown),
        }
    }

    /// STUN and TURN servers for a call, with credentials that are good until its end. It may be asked a few times a call: keep them.
    pub async fn ice_servers(&self, call: CallId) -> Result<Vec<IceServer>, Failed> {
        match self.command(Command::IceServers { call }).await? {
            Done::IceServers { servers, .. } => Ok(servers),
            _ => Err(Failed::Unknown),
        }
    }

    /// Ends a call.
    pub async fn hang_up(&self, call: CallId) -> Result<(), Failed> {
        self.command(Command::HangUp { call }).await.map(drop)
    }
}
