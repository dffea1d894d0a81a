//! The gateway between a scripted engine and a scripted transport. Each test tells one story and is named after the rule that it
//! proves; every invariant is checked after every step.

mod commands;
mod engines;
mod json;
mod opening;
mod queues;
mod random;
mod resume;
mod signals;
mod whole;
mod windows;
mod world;
