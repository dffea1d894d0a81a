//! There and back again: any message, in both forms.

use crate::{any, samples};
use duologue_core::wire::{ClientMessage, Done, ServerMessage, binary, json};
use proptest::prelude::*;

#[track_caller]
pub fn client(message: &ClientMessage) {
    let text = json::encode_client(message);
    assert_eq!(json::decode_client(&text).as_ref(), Ok(message), "{}", String::from_utf8_lossy(&text));
    assert_eq!(binary::decode_client(&binary::encode_client(message)).as_ref(), Ok(message));
}

#[track_caller]
pub fn server(message: &ServerMessage) {
    let text = json::encode_server(message);
    assert_eq!(json::decode_server(&text), Ok(as_json_tells(message)), "{}", String::from_utf8_lossy(&text));
    assert_eq!(binary::decode_server(&binary::encode_server(message)).as_ref(), Ok(message));
}

/// An `ok` in JSON says only what it carries.
fn as_json_tells(message: &ServerMessage) -> ServerMessage {
    match message {
        ServerMessage::Ok { re, done: Done::Signal { stale: false } | Done::Uses { uses_left: None } } => {
            ServerMessage::Ok { re: *re, done: Done::Empty }
        }
        message => message.clone(),
    }
}

#[test]
fn every_sample_comes_back() {
    samples::client().iter().for_each(|(_, message)| client(message));
    samples::server().iter().for_each(|(_, message)| server(message));
}

proptest! {
    #[test]
    fn any_message_of_a_client_comes_back(message in any::client()) {
        client(&message);
    }

    #[test]
    fn any_message_of_the_server_comes_back(message in any::server()) {
        server(&message);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = json::decode_client(&bytes);
        let _ = json::decode_server(&bytes);
        let _ = binary::decode_client(&bytes);
        let _ = binary::decode_server(&bytes);
    }
}
