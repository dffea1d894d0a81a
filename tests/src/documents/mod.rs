//! The two documents that machines read, made from tables: `docs/openapi.json` of HTTP, `docs/asyncapi.json` of the messages.
//! `cargo run -p duologue-tests --bin documents` writes them; the server has them inside and shows them at `/openapi.json` and
//! `/asyncapi.json`.
//!
//! The tables speak of JSON as our encoders write it and our decoders read it, both of which are written by hand. What keeps them
//! true are tests (`tests/documents.rs`): every golden vector, and thousands of damaged ones, are judged alike by a schema and by
//! the decoder; every route of the real server is in the document, and its answers are what the document says.

mod asyncapi;
pub mod messages;
mod openapi;
mod parts;
mod schema;

pub use asyncapi::asyncapi;
pub use openapi::{Route, openapi, routes};

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The documents: where they stand in the repository, and what they are.
pub fn all() -> [(PathBuf, String); 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    [(folder.join("asyncapi.json"), written(asyncapi())), (folder.join("openapi.json"), written(openapi()))]
}

/// As text, made for reading and for comparing: names in the order of the alphabet, whatever the JSON library was built to keep, and
/// what fits into a line stands in one.
fn written(document: Value) -> String {
    let mut text = String::new();
    write(&mut text, &document, 0);
    text.push('\n');
    text
}

const LINE: usize = 140;

fn write(text: &mut String, value: &Value, depth: usize) {
    let short = sorted(value).to_string();
    let (open, close, items): (char, char, Vec<(Option<&String>, &Value)>) = match value {
        Value::Array(items) if depth + short.len() > LINE => ('[', ']', items.iter().map(|item| (None, item)).collect()),
        Value::Object(map) if depth == 0 || depth + short.len() > LINE => {
            let entries: BTreeMap<&String, &Value> = map.iter().collect();
            ('{', '}', entries.into_iter().map(|(name, item)| (Some(name), item)).collect())
        }
        _ => return text.push_str(&short),
    };
    text.push(open);
    for (at, (name, item)) in items.into_iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.extend(std::iter::repeat_n(' ', depth + 1));
        if let Some(name) = name {
            text.push_str(&format!("{}:", Value::from(name.as_str())));
        }
        write(text, item, depth + 1);
    }
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', depth));
    text.push(close);
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(map) => {
            let entries: BTreeMap<&String, &Value> = map.iter().collect();
            Value::Object(entries.into_iter().map(|(name, item)| (name.clone(), sorted(item))).collect())
        }
        plain => plain.clone(),
    }
}
