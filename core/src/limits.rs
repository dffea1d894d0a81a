//! Every capacity in one table: what it bounds, why this number, and what happens when it is reached. Reaching one is an
//! answer, a merge or a close, never growth.

/// Capacities of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections of the realm, live and in the grace; one more is refused with `at_capacity` (CON 3). 1,200 is what 512 MB
    /// carried in the system that the rules came from.
    pub links_max: u32,
    /// People in memory, connected or not; one more waits for a place, the one longest offline leaves.
    pub users_max: u32,
    /// Sessions in memory; the least recently used leaves.
    pub sessions_max: u32,
    /// Pairs under cooldown in memory; what would need one more is `unavailable`.
    pub cooldowns_max: u32,
    /// Clients a user whose answers are kept (CON 5); the longest unseen is forgotten.
    pub clients_per_user: u32,
    /// Inputs that wait for rows; one more is `unavailable`.
    pub parked_max: u32,
    /// Buckets of all limiters; when full, those that are full again leave first, then what needs one is `rate_limited`.
    pub buckets_max: u32,
    /// Lobbies by name; one more is `unavailable`.
    pub lobbies_max: u32,
    /// LOB 5: users that a reel remembers; the one shown longest ago may come again. `reel.memory`
    pub reel_max: u32,
    /// Outputs that may wait undrained; an input that may need more is `Refused`.
    pub outbox: u32,
    /// Ended invites and calls that are remembered, for exact answers during 60 s; the oldest leaves.
    pub remembered_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            links_max: 1_200,
            users_max: 4_000,
            sessions_max: 4_000,
            cooldowns_max: 400_000,
            clients_per_user: 4,
            parked_max: 4_096,
            buckets_max: 65_536,
            lobbies_max: 1_024,
            reel_max: 4_096,
            outbox: 16_384,
            remembered_max: 16_384,
        }
    }
}

impl Limits {
    /// Room for a realm of `links` connections.
    pub fn for_links(links: u32) -> Limits {
        Limits {
            links_max: links,
            users_max: links.saturating_mul(3).max(64),
            sessions_max: links.saturating_mul(3).max(64),
            cooldowns_max: links.saturating_mul(64).max(4_096),
            buckets_max: links.saturating_mul(8).max(1_024),
            remembered_max: links.saturating_mul(4).max(256),
            ..Limits::default()
        }
    }
}
