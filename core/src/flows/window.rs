//! A viewer's window is opened and closed by command; what it shows is `visible`'s. LOB 2, 6.

use super::{Me, pairing};
use crate::desk::Desk;
use crate::output::WindowView;
use crate::parts::Parts;
use crate::wire::{Done, Filter, Reason};

/// One a connection: a second one replaces the first. In a call it opens after it.
pub fn open(parts: &mut Parts, desk: &mut Desk, me: Me, size: u32, filter: &Filter) -> Result<Done, Reason> {
    let lobby = parts.people.lobby(me.user).ok_or(Reason::NotInLobby)?;
    let link = me.link.ok_or(Reason::NotInLobby)?;
    let size = if size == 0 { desk.rules.window_size } else { size.min(desk.rules.window_max) };
    if parts.windows.close(link) {
        desk.view(link, WindowView::Closed);
    }
    parts.windows.open(link, me.user, lobby, pairing::as_accepts(desk, filter), size as u8);
    desk.touch(me.user);
    Ok(Done::Window { size })
}

/// `window_close`.
pub fn close(parts: &mut Parts, desk: &mut Desk, me: Me) -> Done {
    if let Some(link) = me.link
        && parts.windows.close(link)
    {
        desk.view(link, WindowView::Closed);
    }
    Done::Empty
}
