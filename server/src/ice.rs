//! STUN and TURN servers for the members of a call (SIG 6). TURN credentials follow the REST scheme that coturn knows as
//! `use-auth-secret`: the name is an expiry and the user, the password its HMAC-SHA1 under the shared secret.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::Millis;
use duologue_core::wire::IceServer;
use duologue_gateway::IceServers;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// What the configuration names.
#[derive(Clone, PartialEq, Eq)]
pub struct Configured {
    /// `stun:` addresses.
    pub stun: Vec<String>,
    /// `turn:` addresses.
    pub turn: Vec<String>,
    /// coturn's `static-auth-secret`.
    pub secret: String,
}

impl IceServers for Configured {
    fn servers(&self, user: UserId, expires: Millis) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.stun.is_empty() {
            servers.push(IceServer { urls: self.stun.clone(), username: None, credential: None });
        }
        if !self.turn.is_empty() {
            // Whole seconds, rounded up: never shorter than promised.
            let username = format!("{}:{user}", expires.0.div_ceil(1_000));
            let credential = password(&self.secret, &username);
            servers.push(IceServer { urls: self.turn.clone(), username: Some(username), credential: Some(credential) });
        }
        servers
    }
}

fn password(secret: &str, username: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(username.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_those_that_coturn_computes() {
        // printf %s 1433895918:alice | openssl dgst -binary -sha1 -hmac north | base64
        assert_eq!(password("north", "1433895918:alice"), "RqMvcGPYTJMGThVLSi4amT4zFtI=");
        let servers = Configured { stun: vec!["stun:s".into()], turn: vec!["turn:t".into()], secret: "north".into() };
        let list = servers.servers(UserId(7), Millis(1_500));
        assert_eq!(list[0], IceServer { urls: vec!["stun:s".into()], username: None, credential: None });
        assert_eq!(list[1].username.as_deref(), Some("2:00000000-0000-0000-0000-000000000007"));
    }
}
