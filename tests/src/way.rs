//! A way to a server that can be cut, at an address that stays: what a network does that is gone for a while.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::{JoinHandle, JoinSet};

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// Open until it is cut.
#[derive(Debug)]
pub struct Way {
    /// Where it begins.
    pub at: SocketAddr,
    to: SocketAddr,
    is_udp: bool,
    runs: Option<JoinHandle<()>>,
}

impl Way {
    /// For connections over TCP. Cut, it ends them and takes none.
    pub async fn tcp(to: SocketAddr) -> Way {
        Way::open(ANY.into(), to, false).await
    }

    /// For datagrams. Cut, it loses them; mended, they come from another address, as behind a NAT that has forgotten.
    pub async fn udp(to: SocketAddr) -> Way {
        Way::open(ANY.into(), to, true).await
    }

    async fn open(at: SocketAddr, to: SocketAddr, is_udp: bool) -> Way {
        // With the task ends what goes through it.
        let (at, runs) = if is_udp {
            let here = UdpSocket::bind(at).await.expect("the address is free");
            (here.local_addr(), tokio::spawn(carry_datagrams(here, to)))
        } else {
            let here = TcpListener::bind(at).await.expect("the address is free");
            (here.local_addr(), tokio::spawn(carry_connections(here, to)))
        };
        Way { at: at.expect("an address"), to, is_udp, runs: Some(runs) }
    }

    /// Nothing goes through any more.
    ///
    /// # Panics
    /// It is cut.
    pub async fn cut(&mut self) {
        let runs = self.runs.take().expect("it was open");
        runs.abort();
        assert!(runs.await.is_err_and(|ended| ended.is_cancelled()));
    }

    /// Open again, at the same address.
    pub async fn mend(&mut self) {
        *self = Way::open(self.at, self.to, self.is_udp).await;
    }
}

async fn carry_connections(here: TcpListener, to: SocketAddr) {
    let mut carried = JoinSet::new();
    loop {
        let (mut near, _) = here.accept().await.expect("a connection");
        carried.spawn(async move {
            let mut far = TcpStream::connect(to).await.expect("the server listens");
            let _ = copy_bidirectional(&mut near, &mut far).await;
        });
    }
}

async fn carry_datagrams(here: UdpSocket, to: SocketAddr) {
    let here = Arc::new(here);
    let (mut ways, mut carried) = (BTreeMap::new(), JoinSet::new());
    let mut datagram = [0; 2048];
    loop {
        // What an earlier datagram met comes as an error of this call, and means nothing; so below.
        let Ok((length, near)) = here.recv_from(&mut datagram).await else { continue };
        let far = match ways.entry(near) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let far = Arc::new(UdpSocket::bind(ANY).await.expect("a port"));
                far.connect(to).await.expect("an address");
                carried.spawn(carry_back(far.clone(), here.clone(), near));
                place.insert(far)
            }
        };
        let _ = far.send(&datagram[..length]).await;
    }
}

async fn carry_back(far: Arc<UdpSocket>, here: Arc<UdpSocket>, near: SocketAddr) {
    let mut datagram = [0; 2048];
    loop {
        if let Ok(length) = far.recv(&mut datagram).await {
            let _ = here.send_to(&datagram[..length], near).await;
        }
    }
}
