//! The few words in which the tables of this folder speak of JSON: what a value may be, and the fields of an object. What they make
//! is a JSON schema that draft 07 (AsyncAPI) and 2020-12 (OpenAPI 3.1) read alike.

use duologue_core::kit::ids::MAX_INTEGER;
use serde_json::{Map, Value, json};

/// What a value may be.
pub type Schema = Value;

/// One of a schema's own parts, by its name in `components/schemas`.
pub fn part(name: &str) -> Schema {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A whole number within these bounds.
pub fn integer(least: u64, most: u64) -> Schema {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A whole number that every JSON reader keeps exactly.
pub fn large() -> Schema {
    integer(0, MAX_INTEGER)
}

/// A whole number of 32 bits without sign.
pub fn small(least: u32) -> Schema {
    integer(least.into(), u32::MAX.into())
}

/// An instant: milliseconds since 1970 on the server's clock.
pub fn instant() -> Schema {
    part("instant")
}

/// A text.
pub fn text() -> Schema {
    json!({ "type": "string" })
}

/// A text of so many Unicode scalar values.
pub fn text_of(least: usize, most: usize) -> Schema {
    json!({ "type": "string", "minLength": least, "maxLength": most })
}

/// A text of this shape.
pub fn shaped(pattern: &str) -> Schema {
    json!({ "type": "string", "pattern": pattern })
}

/// True or false.
pub fn flag() -> Schema {
    json!({ "type": "boolean" })
}

/// This text or number and nothing else.
pub fn only(value: impl Into<Value>) -> Schema {
    json!({ "const": value.into() })
}

/// One of these texts.
pub fn one_of(texts: &[&str]) -> Schema {
    json!({ "type": "string", "enum": texts })
}

/// Any of these.
pub fn any_of(schemas: Vec<Schema>) -> Schema {
    json!({ "anyOf": schemas })
}

/// A list of at most so many.
pub fn list_of(items: Schema, most: Option<usize>) -> Schema {
    let mut list = json!({ "type": "array", "items": items });
    if let Some(most) = most {
        list["maxItems"] = most.into();
    }
    list
}

/// This, or `null`.
pub fn nullable(schema: Schema) -> Schema {
    any_of(vec![schema, json!({ "type": "null" })])
}

/// With words for people. What stands beside a `$ref` is passed over by draft 07, so a reference is wrapped.
pub fn told(schema: Schema, words: &str) -> Schema {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    schema["description"] = words.into();
    schema
}

/// A field of an object.
#[derive(Clone, Debug)]
pub struct Field {
    name: &'static str,
    schema: Schema,
    is_needed: bool,
}

/// A field that is always there.
pub fn must(name: &'static str, schema: Schema, words: &str) -> Field {
    Field { name, schema: if words.is_empty() { schema } else { told(schema, words) }, is_needed: true }
}

/// A field that may be absent.
pub fn may(name: &'static str, schema: Schema, words: &str) -> Field {
    Field { is_needed: false, ..must(name, schema, words) }
}

/// A field of what a client sends that may be absent: `null` is the same.
pub fn asked(name: &'static str, schema: Schema, words: &str) -> Field {
    Field { name, schema: told(nullable(schema), words), is_needed: false }
}

/// An object with these fields. Others may be there, and are ignored.
pub fn object(fields: impl IntoIterator<Item = Field>) -> Schema {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in fields {
        assert!(!properties.contains_key(field.name), "{} stands twice", field.name);
        properties.insert(field.name.into(), field.schema);
        if field.is_needed {
            required.push(field.name);
        }
    }
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}
