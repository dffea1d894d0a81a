//! Where a request came from. A proxy's word is believed only if the operator named the proxy (RATE): then the list of
//! `X-Forwarded-For` is read from its end, and the first address that is no such proxy is the client's.

use super::Problem;
use crate::config::wide;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;
use duologue_core::input::Address;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The other end of the TCP connection, as an extension of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// In another server: the other end as that server says it. Without one every client would be the same to limits, so there is no
/// answer without.
pub(super) async fn known(mut request: Request, next: Next) -> Response<Body> {
    if request.extensions().get::<Peer>().is_none() {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() else {
            let why = "This server does not say where requests come from: into_make_service_with_connect_info::<SocketAddr>()";
            return Problem::new(500, "internal", why).into_response();
        };
        request.extensions_mut().insert(Peer(peer));
    }
    next.run(request).await
}

/// The client's address.
pub(super) fn client(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Address {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.0.ip().to_canonical();
    if is_trusted(&address) {
        let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let said: Vec<&str> = said.map(str::trim).collect();
        for text in said.into_iter().rev() {
            // What is no address ends the walk: nothing before it can be believed.
            let Some(before) = read(text) else { break };
            address = before;
            if !is_trusted(&address) {
                break;
            }
        }
    }
    Address(wide(address))
}

/// An address, perhaps with a port.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    bare.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&str], trusted: &[&str]) -> IpAddr {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a value"));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        let Address(wide) = client(Peer(format!("{peer}:5").parse().expect("an address")), &headers, &trusted);
        IpAddr::from(wide.to_be_bytes()).to_canonical()
    }

    #[test]
    fn the_first_forwarded_address_is_not_believed() {
        for (peer, forwarded, trusted, expected) in [
            ("192.0.2.1", vec!["6.6.6.6"], vec![], "192.0.2.1"),
            ("192.0.2.1", vec!["6.6.6.6"], vec!["10.0.0.0/8"], "192.0.2.1"),
            ("10.0.0.1", vec!["6.6.6.6, 198.51.100.7"], vec!["10.0.0.0/8"], "198.51.100.7"),
            ("10.0.0.1", vec!["6.6.6.6", "198.51.100.7, 10.0.0.9"], vec!["10.0.0.0/8"], "198.51.100.7"),
            ("10.0.0.1", vec!["6.6.6.6, nonsense"], vec!["10.0.0.0/8"], "10.0.0.1"),
            ("10.0.0.1", vec![], vec!["10.0.0.0/8"], "10.0.0.1"),
            ("10.0.0.1", vec!["[2001:db8::7]:443"], vec!["10.0.0.0/8"], "2001:db8::7"),
        ] {
            assert_eq!(from(peer, &forwarded, &trusted).to_string(), expected, "{peer} {forwarded:?} {trusted:?}");
        }
    }
}
