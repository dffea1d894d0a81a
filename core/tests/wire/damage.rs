//! Bytes that went wrong on the way, or were made to: every truncation and every flipped bit of every sample, in both forms, is read
//! or refused, and what is read can be written and read again.

use crate::{samples, trips};
use duologue_core::wire::{binary, json};

/// Every truncation, then every flipped bit.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    cut.chain(flipped)
}

#[test]
fn a_damaged_message_of_a_client_is_read_or_refused() {
    for (_, message) in samples::client() {
        for bytes in damaged(&json::encode_client(&message)) {
            if let Ok(read) = json::decode_client(&bytes) {
                trips::client(&read);
            }
        }
        for bytes in damaged(&binary::encode_client(&message)) {
            if let Ok(read) = binary::decode_client(&bytes) {
                assert_eq!(binary::decode_client(&binary::encode_client(&read)), Ok(read));
            }
        }
    }
}

#[test]
fn a_damaged_message_of_the_server_is_read_or_refused() {
    for (_, message) in samples::server() {
        for bytes in damaged(&json::encode_server(&message)) {
            if let Ok(read) = json::decode_server(&bytes) {
                trips::server(&read);
            }
        }
        for bytes in damaged(&binary::encode_server(&message)) {
            if let Ok(read) = binary::decode_server(&bytes) {
                assert_eq!(binary::decode_server(&binary::encode_server(&read)), Ok(read));
            }
        }
    }
}

#[test]
fn no_truncation_is_a_message() {
    for (name, message) in samples::client() {
        let (text, bytes) = (json::encode_client(&message), binary::encode_client(&message));
        assert!((0..text.len()).all(|length| !json::decode_client(&text[..length]).expect_err("cut").is_json), "{name}");
        assert!((0..bytes.len()).all(|length| binary::decode_client(&bytes[..length]).is_err()), "{name}");
    }
}

#[test]
fn a_binary_command_that_cannot_be_read_still_gives_its_number() {
    let (_, message) = &samples::client()[6];
    let bytes = binary::encode_client(message);
    let cut = binary::decode_client(&bytes[..bytes.len() - 1]).expect_err("cut");
    assert_eq!((cut.id, cut.is_hello), (Some(1), false));
    assert_eq!(binary::decode_client(&[1, 7, 200]).expect_err("no such command").id, Some(7));
    assert_eq!(binary::decode_client(&[1, 0, 15]).expect_err("numbers begin at 1").id, None);
    let hello = binary::decode_client(&[0, 200]).expect_err("half a hello");
    assert_eq!((hello.id, hello.is_hello), (None, true));
}
