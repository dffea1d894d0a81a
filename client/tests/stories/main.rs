//! Stories of one client with a server that says what its script says, in virtual time, each told in both forms.

mod backoff;
mod calls;
mod commands;
mod compact;
mod intents;
mod media;
mod resume;
mod script;
mod windows;
