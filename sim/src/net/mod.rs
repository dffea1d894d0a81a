//! Made-up links: each keeps its order, has a delay, may be clogged in one direction, go half-open (both sides believe in it and
//! nothing arrives), read slowly, or end in any way. A link knows bytes and times; the world puts what travels into its queue.

pub(crate) mod weather;

use crate::choices::Dice;
use bytes::Bytes;
use duologue_transport::Form;

/// One device of one person: who a link belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Device {
    pub person: u32,
    pub index: u8,
}

/// What travels to a server.
#[derive(Clone, Debug)]
pub(crate) enum Rise {
    Closed { clean: bool },
    Heard,
    Message(Bytes),
    Opened,
    WrongFrame,
}

/// What travels to a client.
#[derive(Clone, Debug)]
pub(crate) enum Fall {
    Close {
        code: u16,
        last: Option<Bytes>,
    },
    Message(Bytes),
    Ping,
    /// The link broke, as the client notices.
    Reset,
}

/// One link.
#[derive(Debug)]
pub(crate) struct Conn {
    pub device: Device,
    pub node: usize,
    /// Of the server that it was opened to; a later one has never heard of it.
    pub life: u32,
    pub form: Form,
    pub address: u128,
    pub client_open: bool,
    pub server_open: bool,
    pub half_open: bool,
    /// Bytes a second that the client reads.
    pub reads: Option<u64>,
    delay_ms: u64,
    jitter: Dice,
    up_last: u64,
    down_last: u64,
    pub up_clogged_until: u64,
    pub down_clogged_until: u64,
    /// Bytes on their way to the client.
    pub waiting_bytes: u64,
    /// The server waits to hear that it may write.
    pub owes_writable: bool,
}

/// Bytes that a socket's buffer takes before it makes its writer wait.
pub(crate) const SOCKET_BYTES: u64 = 16 * 1024;
/// Groups of people that a partition takes together.
pub(crate) const GROUPS: u32 = 4;

/// All links that ever were, and the partitions.
#[derive(Debug)]
pub(crate) struct Net {
    seed: u64,
    latency_ms: u64,
    conns: Vec<Conn>,
    partitioned_until: [u64; GROUPS as usize],
}

impl Net {
    pub(crate) fn new(seed: u64, latency_ms: u64) -> Net {
        Net { seed, latency_ms, conns: Vec::new(), partitioned_until: [0; GROUPS as usize] }
    }

    /// A new link, whose number is its place.
    /// How it behaves depends on whose it is and the how-manieth of theirs, so that other people's links change nothing.
    pub(crate) fn open(&mut self, device: Device, count: u64, node: usize, life: u32, form: Form, address: u128) -> u64 {
        let id = self.conns.len() as u64;
        let mut jitter = Dice::of(self.seed, "link", u64::from(device.person) << 8 | u64::from(device.index), count);
        let delay_ms = jitter.span(1, self.latency_ms.max(1));
        self.conns.push(Conn {
            device,
            node,
            life,
            form,
            address,
            client_open: true,
            server_open: true,
            half_open: false,
            reads: None,
            delay_ms,
            jitter,
            up_last: 0,
            down_last: 0,
            up_clogged_until: 0,
            down_clogged_until: 0,
            waiting_bytes: 0,
            owes_writable: false,
        });
        id
    }

    pub(crate) fn get(&self, id: u64) -> &Conn {
        &self.conns[id as usize]
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> &mut Conn {
        &mut self.conns[id as usize]
    }

    /// Those whose two ends are open.
    pub(crate) fn open_ones(&self) -> impl Iterator<Item = (u64, &Conn)> {
        self.conns.iter().enumerate().filter(|(_, conn)| conn.client_open && conn.server_open).map(|(id, conn)| (id as u64, conn))
    }

    /// Random bits of the server's driver for this link.
    pub(crate) fn secret(&self, id: u64) -> [u8; 32] {
        let mut dice = Dice::of(self.seed, "secret", id, 0);
        let mut secret = [0; 32];
        secret.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&dice.word().to_le_bytes()));
        secret
    }

    /// When something that is sent now arrives: never before what was sent earlier.
    pub(crate) fn arrival_up(&mut self, id: u64, now: u64) -> u64 {
        let conn = &mut self.conns[id as usize];
        conn.up_last = conn.up_last.max(now + conn.delay());
        conn.up_last
    }

    /// The same for the other direction; who reads slowly makes it later, the more bytes the later.
    pub(crate) fn arrival_down(&mut self, id: u64, now: u64, bytes: u64) -> u64 {
        let conn = &mut self.conns[id as usize];
        let reading = conn.reads.map_or(0, |rate| bytes * 1_000 / rate.max(1));
        conn.down_last = conn.down_last.max(now + conn.delay()) + reading;
        conn.down_last
    }

    /// Until when nothing arrives on it in this direction, if so.
    pub(crate) fn blocked_until(&mut self, id: u64, now: u64, is_up: bool) -> Option<u64> {
        let group = self.conns[id as usize].device.person % GROUPS;
        let conn = &mut self.conns[id as usize];
        let clogged = if is_up { conn.up_clogged_until } else { conn.down_clogged_until };
        let until = clogged.max(self.partitioned_until[group as usize]);
        if until <= now {
            return None;
        }
        let last = if is_up { &mut conn.up_last } else { &mut conn.down_last };
        *last = until.max(*last);
        Some(until)
    }

    pub(crate) fn partition(&mut self, group: u32, until: u64) {
        let kept = &mut self.partitioned_until[(group % GROUPS) as usize];
        *kept = until.max(*kept);
    }

    /// Whether nobody of this group reaches a server.
    pub(crate) fn is_partitioned(&self, person: u32, now: u64) -> bool {
        self.partitioned_until[(person % GROUPS) as usize] > now
    }

    /// Whoever reads slowly has read everything by then.
    pub(crate) fn is_read_by(&mut self, at: u64) {
        for conn in self.conns.iter_mut().filter(|conn| conn.reads.is_some()) {
            conn.down_last = conn.down_last.min(at);
        }
    }

    /// All that lasts ends now. Half-open links stay what they are: somebody has to notice them.
    pub(crate) fn heal(&mut self, now: u64) {
        self.partitioned_until = [0; GROUPS as usize];
        for conn in &mut self.conns {
            conn.up_clogged_until = conn.up_clogged_until.min(now);
            conn.down_clogged_until = conn.down_clogged_until.min(now);
            conn.reads = None;
        }
    }
}

impl Conn {
    fn delay(&mut self) -> u64 {
        self.delay_ms + self.jitter.upto(self.delay_ms / 4)
    }
}
