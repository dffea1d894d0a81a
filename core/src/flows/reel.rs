//! The reel: cards drawn at random, nobody twice before everybody came. And the budget of all cards that are asked for.
//! LOB 3, 5, 6, 8.

use super::{Me, draw, pairing, visible};
use crate::desk::Desk;
use crate::kit::ids::{LinkId, UserId};
use crate::kit::random::{Purpose, Stream};
use crate::parts::lobbies::LobbyNo;
use crate::parts::rates::{Action, Whom};
use crate::parts::windows::Accepts;
use crate::parts::{Parts, Slot};
use crate::wire::{Done, Filter, Reason};
use alloc::vec::Vec;

/// The most cards of one answer.
const LIMIT_MAX: u32 = 50;

/// Who is drawn for, and from whom.
struct Draw<'a> {
    viewer: Slot,
    link: LinkId,
    lobby: LobbyNo,
    accepts: &'a Accepts,
    stream: Stream,
}

/// The next cards, and whether there are more that were not shown. Where everybody whom the filter accepts was shown, it begins
/// anew with them.
pub fn next(parts: &mut Parts, desk: &mut Desk, me: Me, limit: u32, filter: &Filter, restart: bool) -> Result<Done, Reason> {
    let lobby = parts.people.lobby(me.user).ok_or(Reason::NotInLobby)?;
    let link = me.link.ok_or(Reason::NotInLobby)?;
    let limit = limit.min(LIMIT_MAX) as usize;
    let accepts = pairing::as_accepts(desk, filter);
    let stream = draw::stream(parts, desk, Purpose::Reel, me.user);
    let mut drawing = Draw { viewer: me.user, link, lobby, accepts: &accepts, stream };
    // One more than wanted tells whether there are more.
    let mut drawn = drawing.unseen(parts, limit + 1, restart);
    let were_all_seen = drawn.is_empty() && !restart;
    if were_all_seen {
        drawn = drawing.unseen(parts, limit + 1, true);
    }
    let more = drawn.len() > limit;
    drawn.truncate(limit);
    pay(parts, desk, me.user, drawn.len() as u32)?;
    if restart {
        parts.reels.forget(link);
    } else if were_all_seen {
        let all = drawing.all(parts);
        parts.reels.hide(link, all.into_iter());
    }
    for user in &drawn {
        let id = parts.people.id(*user);
        parts.reels.show(link, id);
    }
    let cards = drawn.into_iter().map(|user| visible::content(parts, desk, me.user, user)).collect();
    Ok(Done::Cards { cards, more })
}

/// LOB 8: takes as many cards out of the user's budget.
pub fn pay(parts: &mut Parts, desk: &Desk, user: Slot, cards: u32) -> Result<(), Reason> {
    let whom = Whom::User(parts.people.id(user));
    let paid = parts.rates.take_many(Action::Cards, whom, cards, &desk.rules.rate_cards, desk.now);
    paid.map_err(|retry_after| Reason::RateLimited { retry_after })
}

impl Draw<'_> {
    /// Up to `most` whom the reel has not shown (all count as such if it begins anew), each with the same chance.
    fn unseen(&mut self, parts: &Parts, most: usize, anew: bool) -> Vec<Slot> {
        let pool = draw::pool(parts, self.lobby, self.accepts);
        let mut drawn: Vec<Slot> = Vec::with_capacity(most);
        // In a large pool chance finds them soon; where it does not, few are left, and all are looked at.
        let mut misses = if pool.len() > 4 * most { 0 } else { draw::TRIES };
        while drawn.len() < most && misses < draw::TRIES {
            let user = pool[self.stream.below(pool.len() as u32) as usize];
            if self.may_come(parts, user, anew) && !drawn.contains(&user) {
                misses = 0;
                drawn.push(user);
            } else {
                misses += 1;
            }
        }
        if drawn.len() < most {
            let mut left: Vec<Slot> =
                pool.iter().copied().filter(|user| self.may_come(parts, *user, anew) && !drawn.contains(user)).collect();
            while drawn.len() < most && !left.is_empty() {
                drawn.push(left.swap_remove(self.stream.below(left.len() as u32) as usize));
            }
        }
        drawn
    }

    /// Everybody who may come at all.
    fn all(&self, parts: &Parts) -> Vec<UserId> {
        let pool = draw::pool(parts, self.lobby, self.accepts).iter().copied();
        pool.filter(|user| self.may_come(parts, *user, true)).map(|user| parts.people.id(user)).collect()
    }

    fn may_come(&self, parts: &Parts, user: Slot, anew: bool) -> bool {
        draw::is_accepted(parts, self.viewer, self.accepts, user) && (anew || !parts.reels.has_shown(self.link, parts.people.id(user)))
    }
}
