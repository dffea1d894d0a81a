//! A viewer's window is opened and closed by command; what it shows is `visible`'s. LOB 2, 6, 8.

use super::{Me, pairing, reel, visible};
use crate::desk::Desk;
use crate::kit::time::Millis;
use crate::parts::draws::SAME_FOR;
use crate::parts::windows::Asked;
use crate::parts::{Parts, Slot};
use crate::wire::{Done, Filter, Reason};

/// One a connection: a second one replaces the first. In a call it opens after it. The same one again within a short while shows
/// the same draw; another one costs as many cards as it may show.
pub fn open(parts: &mut Parts, desk: &mut Desk, me: Me, size: u32, filter: &Filter) -> Result<Done, Reason> {
    let lobby = parts.people.lobby(me.user).ok_or(Reason::NotInLobby)?;
    let link = me.link.ok_or(Reason::NotInLobby)?;
    let size = if size == 0 { desk.rules.window_size } else { size.min(desk.rules.window_max) };
    let accepts = pairing::as_accepts(desk, filter);
    let asked = Asked { lobby, places: size as u8, accepts };
    let same_until = match same_until(parts, desk, me.user, &asked) {
        Some(until) => until,
        None => {
            let others = parts.lobbies.count(lobby) - u32::from(parts.lobbies.of(me.user).is_some());
            reel::pay(parts, desk, me.user, size.min(others))?;
            desk.now + SAME_FOR
        }
    };
    visible::close(parts, desk, link);
    parts.windows.open(link, me.user, asked, same_until);
    desk.touch(me.user);
    Ok(Done::Window { size })
}

/// LOB 8: until when this window is one that the user has open, or closed a short while ago.
fn same_until(parts: &Parts, desk: &Desk, user: Slot, asked: &Asked) -> Option<Millis> {
    let open = parts.links.of(user).iter().filter_map(|link| Some(parts.windows.get(parts.windows.of(*link)?)));
    let mut open = open.filter(|window| window.same_until > desk.now && window.asked() == *asked).map(|window| window.same_until);
    open.next().or_else(|| parts.draws.same_until(user, asked, desk.now))
}

/// `window_close`.
pub fn close(parts: &mut Parts, desk: &mut Desk, me: Me) -> Done {
    if let Some(link) = me.link {
        visible::close(parts, desk, link);
    }
    Done::Empty
}
