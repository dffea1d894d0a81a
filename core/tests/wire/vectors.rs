//! Golden vectors: what both forms of every message are, byte by byte. They freeze the binary form and show the JSON one to whoever
//! writes a client elsewhere. `DUOLOGUE_VECTORS=write` writes them anew; a change in them is a change of the protocol.

use crate::samples;
use duologue_core::wire::{binary, json};
use std::fmt::Write;
use std::path::PathBuf;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}

fn compare(file: &str, vectors: impl Iterator<Item = (String, Vec<u8>, Vec<u8>)>) {
    let mut now = String::new();
    for (name, json, postcard) in vectors {
        let json = String::from_utf8(json).expect("JSON is UTF-8");
        writeln!(now, r#"{{"name":"{name}","json":{json},"postcard":"{}"}}"#, hex(&postcard)).expect("a string takes everything");
    }
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "tests", "vectors", file].iter().collect();
    if std::env::var("DUOLOGUE_VECTORS").is_ok_and(|wish| wish == "write") {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of the vectors");
        std::fs::write(&path, &now).expect("the vectors are written");
    }
    let golden = std::fs::read_to_string(&path).expect("the vectors are there");
    for (golden, now) in golden.lines().zip(now.lines()) {
        assert_eq!(golden, now);
    }
    assert_eq!(golden.lines().count(), now.lines().count(), "as many vectors as samples");
}

#[test]
fn what_clients_say_is_frozen() {
    let vector = |(name, message)| (name, json::encode_client(&message), binary::encode_client(&message));
    compare("client.jsonl", samples::client().into_iter().map(vector));
}

#[test]
fn what_the_server_says_is_frozen() {
    let vector = |(name, message)| (name, json::encode_server(&message), binary::encode_server(&message));
    compare("server.jsonl", samples::server().into_iter().map(vector));
}
