//! Reading the fields of a JSON object: each is taken by name with the type that the contract gives it. `null` is absent, unknown
//! fields stay behind, a name said twice has the value said last. Integers are whole numbers of 0 to 2^53 − 1 written without
//! fraction or exponent. What is wrong is told as `bad_message` with the field's path.

use super::tree::{Object, Value, find};
use crate::kit::ids::{CallId, ClientId, InviteId, MAX_INTEGER, PairId, UserId};
use crate::kit::time::{Millis, Span};
use crate::wire::Reason;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// How deep objects and lists may stand in each other.
const DEPTH_MAX: u32 = 16;

pub(super) type Read<T> = Result<T, Reason>;

/// Reads a text as a JSON value, if it is one and not too deep. The depth is counted before anything is built, so that no text
/// can make the parser recurse.
pub(super) fn parse(text: &[u8]) -> Option<Value<'_>> {
    if !is_surely_shallow(text) && depth(text) > DEPTH_MAX {
        return None;
    }
    serde_json::from_slice(text).ok()
}

/// Whether a text has too few brackets to be too deep: most messages, and seen at once.
fn is_surely_shallow(text: &[u8]) -> bool {
    text.iter().map(|byte| u32::from(matches!(byte, b'{' | b'['))).sum::<u32>() <= DEPTH_MAX
}

/// How deep a text goes, brackets in strings not counted; right for every valid JSON text.
fn depth(text: &[u8]) -> u32 {
    let (mut now, mut most) = (0_u32, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now = now.saturating_add(1);
                most = most.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Looks at a text as a JSON value with `null` for every object and list inside it: what can be read of one that is nested too deep.
pub(super) fn look_at_surface<T>(text: &[u8], look: impl FnOnce(&Value<'_>) -> T) -> Option<T> {
    let mut surface = Vec::with_capacity(text.len());
    let mut depth = 0_u32;
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        let before = depth;
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth = depth.saturating_add(1),
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (before, depth) {
            (1, 2) => surface.extend_from_slice(b"null"),
            (0 | 1, 0 | 1) => surface.push(*byte),
            _ => {}
        }
    }
    serde_json::from_slice(&surface).ok().map(|value| look(&value))
}

/// The fields of an object that were not taken yet.
pub(super) struct Fields<'a> {
    map: Object<'a>,
    /// Where this object stands, with its dot.
    path: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: Object<'a>, path: &'static str) -> Fields<'a> {
        Fields { map, path }
    }

    /// A field's value, if it is there and not `null`.
    pub(super) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let at = find(&self.map, name)?;
        Some(self.map.swap_remove(at).1).filter(|value| !value.is_null())
    }

    fn get(&self, name: &str) -> Option<&Value<'a>> {
        find(&self.map, name).map(|at| &self.map[at].1)
    }

    /// Whether a field is there and not `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a field is there and `null`.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::is_null)
    }

    pub(super) fn wrong(&self, name: &'static str, why: &'static str) -> Reason {
        let field = if self.path.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{}{name}", self.path)) };
        Reason::BadMessage { field: Some(field), why: Cow::Borrowed(why) }
    }

    fn must<T>(&self, name: &'static str, value: Option<T>) -> Read<T> {
        value.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn optional_integer(&mut self, name: &'static str) -> Read<Option<u64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match integer(&value) {
            Some(integer) => Ok(Some(integer)),
            None => Err(self.wrong(name, "an integer of 0 to 2^53 - 1, without fraction or exponent")),
        }
    }

    pub(super) fn integer(&mut self, name: &'static str) -> Read<u64> {
        let integer = self.optional_integer(name)?;
        self.must(name, integer)
    }

    pub(super) fn optional_small(&mut self, name: &'static str) -> Read<Option<u32>> {
        let Some(value) = self.optional_integer(name)? else { return Ok(None) };
        u32::try_from(value).map(Some).map_err(|_| self.wrong(name, "an integer of 32 bits"))
    }

    pub(super) fn small(&mut self, name: &'static str) -> Read<u32> {
        let small = self.optional_small(name)?;
        self.must(name, small)
    }

    /// As it stands in the message, where it can.
    pub(super) fn optional_borrowed(&mut self, name: &'static str) -> Read<Option<Cow<'a, str>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a text")),
        }
    }

    pub(super) fn borrowed(&mut self, name: &'static str) -> Read<Cow<'a, str>> {
        let text = self.optional_borrowed(name)?;
        self.must(name, text)
    }

    pub(super) fn optional_text(&mut self, name: &'static str) -> Read<Option<String>> {
        Ok(self.optional_borrowed(name)?.map(Cow::into_owned))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Read<String> {
        let text = self.optional_text(name)?;
        self.must(name, text)
    }

    /// Absent is false.
    pub(super) fn flag(&mut self, name: &'static str) -> Read<bool> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    pub(super) fn optional_list(&mut self, name: &'static str) -> Read<Option<Vec<Value<'a>>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    pub(super) fn list(&mut self, name: &'static str) -> Read<Vec<Value<'a>>> {
        let list = self.optional_list(name)?;
        self.must(name, list)
    }

    pub(super) fn optional_texts(&mut self, name: &'static str) -> Read<Option<Vec<String>>> {
        let Some(items) = self.optional_list(name)? else { return Ok(None) };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let Value::String(text) = item else { return Err(self.wrong(name, "a list of texts")) };
            texts.push(text.into_owned());
        }
        Ok(Some(texts))
    }

    /// Absent is empty.
    pub(super) fn texts(&mut self, name: &'static str) -> Read<Vec<String>> {
        Ok(self.optional_texts(name)?.unwrap_or_default())
    }

    /// An object; `path` is where it stands, with its dot, for errors in it.
    pub(super) fn optional_object(&mut self, name: &'static str, path: &'static str) -> Read<Option<Fields<'a>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields::new(map, path))),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    pub(super) fn object(&mut self, name: &'static str, path: &'static str) -> Read<Fields<'a>> {
        let object = self.optional_object(name, path)?;
        self.must(name, object)
    }

    /// A list of objects.
    pub(super) fn objects(&mut self, name: &'static str, path: &'static str) -> Read<Vec<Fields<'a>>> {
        let mut objects = Vec::new();
        for item in self.list(name)? {
            let Value::Object(map) = item else { return Err(self.wrong(name, "a list of objects")) };
            objects.push(Fields::new(map, path));
        }
        Ok(objects)
    }

    /// Texts by their names, in the order of these.
    pub(super) fn entries(&mut self, name: &'static str) -> Read<Vec<(String, String)>> {
        let mut entries = Vec::new();
        for (key, value) in self.object(name, "")?.map {
            let Value::String(value) = value else { return Err(self.wrong(name, "texts by their names")) };
            entries.push((key.into_owned(), value.into_owned()));
        }
        entries.sort();
        Ok(entries)
    }

    pub(super) fn user(&mut self, name: &'static str) -> Read<UserId> {
        let text = self.borrowed(name)?;
        UserId::parse(&text).ok_or_else(|| self.wrong(name, "a UUID"))
    }

    pub(super) fn optional_client(&mut self, name: &'static str) -> Read<Option<ClientId>> {
        let Some(text) = self.optional_borrowed(name)? else { return Ok(None) };
        ClientId::parse(&text).map(Some).ok_or_else(|| self.wrong(name, "32 hexadecimal digits"))
    }

    pub(super) fn call(&mut self) -> Read<CallId> {
        self.integer("call").map(CallId)
    }

    pub(super) fn invite(&mut self) -> Read<InviteId> {
        self.integer("invite").map(InviteId)
    }

    pub(super) fn pair(&mut self) -> Read<PairId> {
        self.integer("pair").map(PairId)
    }

    pub(super) fn at(&mut self, name: &'static str) -> Read<Millis> {
        self.integer(name).map(Millis)
    }

    pub(super) fn optional_at(&mut self, name: &'static str) -> Read<Option<Millis>> {
        Ok(self.optional_integer(name)?.map(Millis))
    }

    pub(super) fn optional_span(&mut self, name: &'static str) -> Read<Option<Span>> {
        Ok(self.optional_integer(name)?.map(Span))
    }
}

/// A whole number that every JSON reader keeps exactly; `1.0` and `1e2` are none.
pub(super) fn integer(value: &Value<'_>) -> Option<u64> {
    value.as_u64().filter(|integer| *integer <= MAX_INTEGER)
}
