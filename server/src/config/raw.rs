//! What was said for a key, before anybody knows whether it makes sense: a value as TOML has it, and where it was said.

use std::fmt;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    Flag(bool),
    Integer(i64),
    List(Vec<Raw>),
    /// What no key takes: floats, dates, integers beyond 64 bits; as written.
    Other(String),
    Table(Vec<(String, Raw)>),
    Text(String),
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// The dotted key.
    pub(crate) key: String,
    pub(crate) value: Raw,
    /// For people: a file and line, a variable, a flag.
    pub(crate) place: String,
}

/// Everything a file says, tables flattened down to what is no table, in the file's order of keys.
///
/// # Errors
/// What is wrong with the file's syntax, in one line.
pub(crate) fn read_file(path: &Path, text: &str) -> Result<Vec<Said>, String> {
    let line = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
    let place = |at: usize| format!("{} line {}", path.display(), line(at));
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        format!("{}: {}", place(at), error.message().lines().next().unwrap_or("no TOML"))
    })?;
    let mut said = Vec::new();
    flatten("", table.get_ref(), &place, &mut said);
    Ok(said)
}

fn flatten(prefix: &str, table: &DeTable<'_>, place: &impl Fn(usize) -> String, said: &mut Vec<Said>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(&key, inner, place, said),
            other => said.push(Said { key, value: convert(other), place: place(name.span().start) }),
        }
    }
}

fn convert(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::Array(items) => Raw::List(items.iter().map(|item| convert(item.get_ref())).collect()),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or_else(|_| Raw::Other(integer.as_str().into()), Raw::Integer)
        }
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Table(table) => {
            Raw::Table(table.iter().map(|(name, value)| (name.get_ref().to_string(), convert(value.get_ref()))).collect())
        }
        DeValue::Datetime(date) => Raw::Other(date.to_string()),
        DeValue::Float(float) => Raw::Other(float.as_str().into()),
    }
}

/// Reads what a variable or a flag says: as TOML where it is some (`30`, `true`, `["a"]`, `"a"`), else as bare text (`20s`).
/// Inline tables are flattened as in files.
pub(crate) fn read_text(key: &str, text: &str, place: &str) -> Vec<Said> {
    let said = |value| vec![Said { key: key.into(), value, place: place.into() }];
    match DeValue::parse(text) {
        Ok(value) => match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => {
                let mut all = Vec::new();
                flatten(key, table, &|_| place.to_string(), &mut all);
                all
            }
            DeValue::Datetime(_) | DeValue::Float(_) => said(Raw::Text(text.into())),
            other => said(convert(other)),
        },
        Err(_) => said(Raw::Text(text.into())),
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::Flag(flag) => write!(f, "{flag}"),
            Raw::Integer(integer) => write!(f, "{integer}"),
            Raw::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Raw::Other(text) => f.write_str(text),
            Raw::Table(entries) => {
                f.write_str("{ ")?;
                for (at, (name, value)) in entries.iter().enumerate() {
                    write!(f, "{}{name} = {value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(" }")
            }
            Raw::Text(text) => write!(f, "{text:?}"),
        }
    }
}
