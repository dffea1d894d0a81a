//! The sockets of a process, and how many of them have not said `hello` (CON 10).

use crate::link::Liveness;
use alloc::collections::BTreeMap;
use duologue_core::input::Address;
use duologue_core::kit::ids::LinkId;
use duologue_transport::{ConnId, Form};

/// How far a socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its hello is with the engine, under this id.
    Attaching(LinkId),
    /// It carries this link.
    Linked(LinkId),
    /// It has said nothing.
    Waiting,
}

/// One socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub address: Address,
    pub form: Form,
    pub secret: [u8; 32],
    /// Resume tokens made from its secret.
    pub minted: u32,
    pub stage: Stage,
    /// It came when too many waited: only a resume is let in.
    pub is_crowded: bool,
    pub life: Liveness,
}

/// All sockets that are open.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    open: BTreeMap<ConnId, Socket>,
    waiting: u32,
    /// Waiting ones beyond the bound.
    crowded: u32,
    waiting_by_block: BTreeMap<Address, u32>,
}

impl Sockets {
    /// Whether one more may wait at this address.
    pub(crate) fn may_wait(&self, address: Address, most: u32, most_per_address: u32) -> bool {
        let here = self.waiting_by_block.get(&address.block()).copied().unwrap_or(0);
        self.waiting < most && here < most_per_address
    }

    pub(crate) fn insert(&mut self, conn: ConnId, socket: Socket) {
        debug_assert_eq!(socket.stage, Stage::Waiting);
        if socket.is_crowded {
            self.crowded += 1;
        } else {
            self.waiting += 1;
            *self.waiting_by_block.entry(socket.address.block()).or_default() += 1;
        }
        self.open.insert(conn, socket);
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Socket> {
        self.open.get(&conn)
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Socket> {
        self.open.get_mut(&conn)
    }

    /// Moves a socket on.
    pub(crate) fn advance(&mut self, conn: ConnId, stage: Stage) {
        let Some(socket) = self.open.get_mut(&conn) else { return };
        let before = core::mem::replace(&mut socket.stage, stage);
        let (address, is_crowded) = (socket.address, socket.is_crowded);
        if before == Stage::Waiting {
            self.waits_no_more(address, is_crowded);
        }
    }

    pub(crate) fn remove(&mut self, conn: ConnId) -> Option<Socket> {
        let socket = self.open.remove(&conn)?;
        if socket.stage == Stage::Waiting {
            self.waits_no_more(socket.address, socket.is_crowded);
        }
        Some(socket)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting + self.crowded
    }

    pub(crate) fn crowded(&self) -> u32 {
        self.crowded
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnId, &Socket)> {
        self.open.iter().map(|(conn, socket)| (*conn, socket))
    }

    fn waits_no_more(&mut self, address: Address, is_crowded: bool) {
        if is_crowded {
            self.crowded -= 1;
            return;
        }
        self.waiting -= 1;
        let block = address.block();
        let here = self.waiting_by_block.get_mut(&block).expect("counted when it came");
        *here -= 1;
        if *here == 0 {
            self.waiting_by_block.remove(&block);
        }
    }

    pub(crate) fn is_right(&self) -> bool {
        let waits = |is_crowded| self.open.values().filter(move |socket| socket.stage == Stage::Waiting && socket.is_crowded == is_crowded);
        let by_block: u32 = self.waiting_by_block.values().sum();
        waits(false).count() as u32 == self.waiting && waits(true).count() as u32 == self.crowded && by_block == self.waiting
    }
}
