//! Resume tokens (CON 4): 256 bits made from a socket's secret, of which only the SHA-256 is kept, as for sessions. Two are good
//! for a link at any time: the newest, and the one that the client showed or had before, until it has acknowledged something
//! that was sent after the newest welcome: before that it may never have read the newest.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt::Write;
use duologue_core::kit::ids::LinkId;

/// SHA-256 of a resume token.
pub(crate) type Print = [u8; 32];

/// What a new welcome carries.
pub(crate) struct Minted {
    pub text: String,
    pub print: Print,
}

/// Makes the `count`-th token of a socket.
pub(crate) fn mint(sha256: fn(&[u8]) -> [u8; 32], secret: &[u8; 32], count: u32) -> Minted {
    let mut seed = [0; 36];
    seed[..32].copy_from_slice(secret);
    seed[32..].copy_from_slice(&count.to_be_bytes());
    let mut text = String::with_capacity(64);
    for byte in sha256(&seed) {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    let print = sha256(text.as_bytes());
    Minted { text, print }
}

/// Which token names which link.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    named: BTreeMap<Print, LinkId>,
}

impl Tokens {
    /// The link that a token names.
    pub(crate) fn link(&self, print: &Print) -> Option<LinkId> {
        self.named.get(print).copied()
    }

    pub(crate) fn add(&mut self, print: Print, link: LinkId) {
        let before = self.named.insert(print, link);
        assert!(before.is_none(), "two secrets alike: the driver's randomness is broken");
    }

    pub(crate) fn remove(&mut self, print: Option<Print>) {
        if let Some(print) = print {
            self.named.remove(&print);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.named.len()
    }
}

/// The two tokens of one link.
#[derive(Debug)]
pub(crate) struct Pair {
    pub newest: Print,
    pub previous: Option<Print>,
}

impl Pair {
    /// A welcome carries `newest`; the client showed `shown`, if it showed one. Gives what is good no longer.
    pub(crate) fn renew(&mut self, newest: Print, shown: Option<Print>) -> [Option<Print>; 2] {
        let (was_newest, was_previous) = (self.newest, self.previous);
        let kept = match shown {
            Some(shown) if was_previous == Some(shown) => shown,
            _ => was_newest,
        };
        self.newest = newest;
        self.previous = Some(kept);
        [Some(was_newest), was_previous].map(|print| print.filter(|print| *print != kept))
    }
}
