//! The messages as AsyncAPI 3: one channel, an operation for each command with what answers it, for each other thing that a client
//! may say, and for everything that the server says by itself.

use super::messages::{Message, answers, beside_commands, beside_events, commands, events, views};
use super::parts;
use duologue_core::wire::{HELLO_MAX_BYTES, MESSAGE_MAX_BYTES};
use serde_json::{Map, Value, json};

const CHANNEL: &str = "connection";

/// The document.
pub fn asyncapi() -> Value {
    let (mut messages, mut operations) = (Map::new(), Map::new());
    let reference = |name: &str| json!({ "$ref": format!("#/channels/{CHANNEL}/messages/{name}") });
    let mut add = |message: Message| {
        let entry = json!({ "name": message.kind, "title": message.words, "contentType": "application/json", "payload": message.schema });
        assert!(messages.insert(message.name.clone(), entry).is_none(), "{} stands twice", message.name);
    };
    let operation = |action: &str, name: &str, words: &str| json!({ "action": action, "channel": { "$ref": format!("#/channels/{CHANNEL}") }, "title": words, "messages": [reference(name)] });
    for command in commands() {
        let name = command.message.name.clone();
        let mut said = operation("receive", &name, command.message.words);
        let answers: Vec<Value> = command.answers.iter().chain(&["no"]).map(|answer| reference(answer)).collect();
        said["reply"] = json!({ "channel": { "$ref": format!("#/channels/{CHANNEL}") }, "messages": answers });
        operations.insert(name, said);
        add(command.message);
    }
    for message in beside_commands() {
        let mut said = operation("receive", &message.name, message.words);
        let answers: &[&str] = match message.kind {
            "hello" => &["welcome", "closing"],
            "ping" => &["pong"],
            _ => &[],
        };
        if !answers.is_empty() {
            let answers: Vec<Value> = answers.iter().map(|answer| reference(answer)).collect();
            said["reply"] = json!({ "channel": { "$ref": format!("#/channels/{CHANNEL}") }, "messages": answers });
        }
        operations.insert(message.name.clone(), said);
        add(message);
    }
    for message in events().into_iter().chain(views()) {
        operations.insert(message.name.clone(), operation("send", &message.name, message.words));
        add(message);
    }
    for message in beside_events() {
        if message.kind == "closing" {
            operations.insert(message.name.clone(), operation("send", &message.name, message.words));
        }
        add(message);
    }
    answers().into_iter().for_each(add);
    let of_channel: Map<String, Value> =
        messages.keys().map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") }))).collect();
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:duologue:v1",
        "info": {
            "title": "Duologue",
            "version": "1.0.0",
            "description": description(),
            "license": { "name": "MIT OR Apache-2.0" }
        },
        "defaultContentType": "application/json",
        "servers": {
            "websocket": {
                "host": "{host}",
                "pathname": "/v1/ws",
                "protocol": "wss",
                "description": "Sub-protocol duologue.v1.json: a message a text frame. `ws` where the server speaks no TLS",
                "variables": { "host": { "default": "localhost:8080" } }
            },
            "webtransport": {
                "host": "{host}",
                "pathname": "/v1/wt",
                "protocol": "https",
                "description": "WebTransport, on the first bidirectional stream: the length of a message as a QUIC varint, then the message; this form with `?form=json`, else the binary one",
                "variables": { "host": { "default": "localhost:8080" } }
            },
            "quic": {
                "host": "{host}",
                "protocol": "quic",
                "description": "ALPN duologue/1, on the first bidirectional stream, as WebTransport: the same messages, in their binary form only",
                "variables": { "host": { "default": "localhost:8080" } }
            }
        },
        "channels": {
            CHANNEL: {
                "address": null,
                "title": "A connection",
                "description": "Both sides say messages; a client says hello first.",
                "messages": of_channel
            }
        },
        "operations": operations,
        "components": { "messages": messages, "schemas": parts::of_messages() }
    })
}

fn description() -> String {
    format!(
        "Timed calls of two: what clients and server say to each other, from the server's point of view (it *receives* what clients say). \
         A message is one JSON object with `t`, of at most {MESSAGE_MAX_BYTES} bytes ({HELLO_MAX_BYTES} before `welcome`), nested at most \
         16 deep; integers stand without fraction or exponent. Fields and messages that are not known are to be ignored. In what clients \
         send `null` is the same as absent, except in `profile`, where it clears. Marks like INV 3 point to docs/rules.md."
    )
}
