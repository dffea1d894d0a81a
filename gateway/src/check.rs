//! What must hold across everything that a gateway owns. Costs a walk through all of it: for tests and the simulator.

use crate::gateway::{Due, Gateway};
use crate::sockets::Stage;
use duologue_core::kit::ids::LinkId;
use duologue_signaling::Side;

impl Gateway {
    /// Asserts every invariant.
    ///
    /// # Panics
    /// Where one does not hold, naming it.
    pub fn check(&self) {
        self.check_sockets();
        for id in self.links.keys() {
            self.check_link(*id);
        }
        self.check_sums();
        for (call, seated) in &self.relays {
            for side in Side::BOTH {
                let link = seated.seats[side.index()].and_then(|id| self.links.get(&id));
                if let Some(link) = link.filter(|link| link.intents.seat == Some(*call)) {
                    assert_eq!(link.signal_bytes, seated.relay.waiting_bytes(side), "bytes are counted");
                    assert!(link.conn.is_some() || link.signal_bytes == 0, "nothing waits for a socket that is not there");
                }
            }
            assert_eq!(seated.relay.poll_timeout(), self.timers.at(Due::Relay(*call)), "a relay's batch has its deadline");
        }
    }

    fn check_sockets(&self) {
        assert!(self.sockets.is_right(), "CON 10: the waiting are counted");
        for (conn, socket) in self.sockets.iter() {
            let (hello, alive) = (self.timers.at(Due::Hello(conn)), self.timers.at(Due::Alive(conn)));
            assert_eq!(hello.is_some(), socket.stage == Stage::Waiting, "CON 10: who waits has a deadline for its hello");
            assert_eq!(alive.is_some(), socket.stage != Stage::Waiting, "CON 6: who has said hello is looked at");
            match socket.stage {
                Stage::Attaching(id) => assert_eq!(self.attaching[&id].conn, conn, "an attaching socket has its hello"),
                Stage::Linked(id) => assert_eq!(self.links[&id].conn, Some(conn), "a linked socket has its link"),
                Stage::Waiting => {}
            }
        }
        for (id, attaching) in &self.attaching {
            let stage = self.sockets.get(attaching.conn).map(|socket| socket.stage);
            assert_eq!(stage, Some(Stage::Attaching(*id)), "a hello has its socket");
            assert!(!self.gone.contains_key(id), "a hello is there or gone");
        }
    }

    fn check_link(&self, id: LinkId) {
        let link = &self.links[&id];
        if let Some(conn) = link.conn {
            assert_eq!(self.sockets.get(conn).map(|socket| socket.stage), Some(Stage::Linked(id)), "a link's socket carries it");
        } else {
            assert_eq!(link.queue.bytes(), 0, "nothing waits for a socket that is not there");
        }
        assert!(link.queue.is_right() && link.sequence.is_right(), "bytes are counted");
        assert!(link.sequence.bytes() <= self.config.replay_bytes as usize, "CON 4: the replay buffer is bounded");
        assert!(link.sequence.messages() <= self.config.replay_messages as usize, "CON 4: the replay buffer is bounded");
        assert!(link.unanswered.len() <= self.config.unanswered_max as usize * 2, "CON 5: unanswered commands are bounded");
        assert!(link.welcomed_at <= link.sequence.newest(), "a welcome names a number that was given out");
        assert_eq!(self.budget.of(id), link.bytes(), "bytes are counted");
        for print in [Some(link.tokens.newest), link.tokens.previous].into_iter().flatten() {
            assert_eq!(self.tokens.link(&print), Some(id), "CON 4: a good token names its link");
        }
    }

    fn check_sums(&self) {
        let tokens: usize = self.links.values().map(|link| 1 + usize::from(link.tokens.previous.is_some())).sum();
        assert_eq!(self.tokens.len(), tokens, "CON 4: no other token is good");
        let bytes: u64 = self.links.values().map(|link| link.bytes()).sum();
        assert_eq!(self.budget.total(), bytes, "bytes are counted");
        assert!(bytes <= self.config.total_bytes, "CON 4, 7: bytes over all links are bounded");
        assert_eq!(self.rates.links(), self.links.len() as u64, "a bucket lives as long as its user's links");
    }
}
