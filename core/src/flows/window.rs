//! A viewer's window is opened and closed by command; what it shows is `visible`'s. LOB 2, 6, 8.

use super::{Me, pairing, reel, visible};
use crate::desk::Desk;
use crate::parts::Parts;
use crate::parts::draws::Asked;
use crate::wire::{Done, Filter, Reason};

/// One a connection: a second one replaces the first. In a call it opens after it. The same one again within a short while shows
/// the same draw; another one costs as many cards as it may show.
pub fn open(parts: &mut Parts, desk: &mut Desk, me: Me, size: u32, filter: &Filter) -> Result<Done, Reason> {
    let lobby = parts.people.lobby(me.user).ok_or(Reason::NotInLobby)?;
    let link = me.link.ok_or(Reason::NotInLobby)?;
    let size = if size == 0 { desk.rules.window_size } else { size.min(desk.rules.window_max) };
    let accepts = pairing::as_accepts(desk, filter);
    let asked = Asked { lobby, places: size as u8, accepts: accepts.clone() };
    if !parts.draws.is_same(me.user, &asked, desk.now) {
        let others = parts.lobbies.count(lobby) - u32::from(parts.lobbies.of(me.user).is_some());
        reel::pay(parts, desk, me.user, size.min(others))?;
        parts.draws.opened(me.user, asked, desk.now);
    }
    visible::close(parts, desk, link);
    parts.windows.open(link, me.user, lobby, accepts, size as u8);
    desk.touch(me.user);
    Ok(Done::Window { size })
}

/// `window_close`.
pub fn close(parts: &mut Parts, desk: &mut Desk, me: Me) -> Done {
    if let Some(link) = me.link {
        visible::close(parts, desk, link);
    }
    Done::Empty
}
