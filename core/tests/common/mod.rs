//! Stories: an engine in virtual time, named people, rows in memory, everything that anybody was told. A story is run by three
//! drivers, a punctual one, a lazy one and a restless one; all must say and become the same (promise 2). What must hold after
//! every step is asserted here, so that no story can forget it.
#![allow(dead_code, reason = "each family of stories uses its part")]

pub mod rows;
pub mod say;
pub mod told;
mod world;

use duologue_core::kit::ids::{ClientId, TokenHash, UserId};
use duologue_core::kit::time::Span;
use duologue_core::limits::Limits;
use duologue_core::rules::Rules;
pub use say::*;
#[allow(unused_imports, reason = "each family of stories uses its part")]
pub use world::{Driver, World, due_name};

pub const SECOND: Span = Span::secs(1);
pub const MINUTE: Span = Span::mins(1);
pub const HOUR: Span = Span::hours(1);
pub const DAY: Span = Span::days(1);

/// `n` seconds.
pub fn secs(n: u64) -> Span {
    Span::secs(n)
}

/// `n` milliseconds.
pub fn millis(n: u64) -> Span {
    Span::millis(n)
}

/// One millisecond less.
pub fn just_before(span: Span) -> Span {
    Span(span.0 - 1)
}

/// A story under the default rules.
pub fn story(tell: impl Fn(&mut World)) {
    story_with(|_, _| {}, tell);
}

/// A story under rules or limits of its own.
pub fn story_with(adapt: impl Fn(&mut Rules, &mut Limits), tell: impl Fn(&mut World)) {
    let worlds = [Driver::Punctual, Driver::Lazy, Driver::Restless].map(|driver| {
        let (mut rules, mut limits) = (Rules::default(), Limits::default());
        adapt(&mut rules, &mut limits);
        let mut world = World::new(rules, limits, driver);
        tell(&mut world);
        world.the_end();
        world
    });
    for other in &worlds[1..] {
        same(&worlds[0], other);
    }
}

/// Promise 2: the driver's habits change nothing.
pub fn same(one: &World, other: &World) {
    for (at, (a, b)) in one.transcript.iter().zip(&other.transcript).enumerate() {
        assert_eq!(a, b, "what was said as number {at} by {:?} and by {:?}", one.driver, other.driver);
    }
    assert_eq!(one.transcript.len(), other.transcript.len(), "as much was said by {:?} and by {:?}", one.driver, other.driver);
    assert_eq!(one.engine.state_digest(), other.engine.state_digest(), "{:?} and {:?} reach the same state", one.driver, other.driver);
}

/// A person's id: the name's bytes, so that ids are ordered like names.
pub fn user(name: &str) -> UserId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    UserId(u128::from_be_bytes(bytes))
}

/// The name of an id made by [`user`].
pub fn name(user: UserId) -> String {
    String::from_utf8_lossy(&user.0.to_be_bytes()).trim_end_matches('\0').to_owned()
}

/// A client's id, from a device's name.
pub fn client(device: &str) -> ClientId {
    ClientId(user(device).0)
}

/// A session's hash, from a person's name.
pub fn session(name: &str) -> TokenHash {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    TokenHash(bytes)
}
