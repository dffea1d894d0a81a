//! Writing JSON without an intermediate tree: bytes are appended in the order in which they are said. A comma is owed whenever the
//! last byte is not an opening one or a colon, which is decided by looking at it: structure never ends in these bytes otherwise,
//! since a text always ends with its quote. Compact: no spaces. What a value looks like is told by [`Json`]; which fields a message
//! has, by the encoders.

use crate::kit::ids::{CallId, ClientId, InviteId, PairId, UserId};
use crate::kit::time::{Millis, Span};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

const HEX: [u8; 16] = *b"0123456789abcdef";

/// A value with one form in JSON.
pub(super) trait Json {
    fn json(&self, w: &mut Writer);
}

/// JSON as it grows.
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer { out: Vec::with_capacity(256) }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An object that is a value.
    pub(super) fn object(&mut self, fields: impl FnOnce(&mut Writer)) {
        self.separate();
        self.out.push(b'{');
        fields(self);
        self.out.push(b'}');
    }

    /// A list that is a value.
    pub(super) fn list(&mut self, items: impl FnOnce(&mut Writer)) {
        self.separate();
        self.out.push(b'[');
        items(self);
        self.out.push(b']');
    }

    pub(super) fn null(&mut self) {
        self.separate();
        self.out.extend_from_slice(b"null");
    }

    /// A field that is always there.
    pub(super) fn field<T: Json + ?Sized>(&mut self, name: &str, value: &T) {
        self.name(name);
        value.json(self);
    }

    /// A field that is left out when empty.
    pub(super) fn optional<T: Json>(&mut self, name: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// A text that is left out when empty.
    pub(super) fn unless_empty(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.field(name, value);
        }
    }

    /// A list that is left out when empty.
    pub(super) fn unless_none<T: Json>(&mut self, name: &str, values: &[T]) {
        if !values.is_empty() {
            self.field(name, values);
        }
    }

    /// A flag that is left out when false.
    pub(super) fn if_true(&mut self, name: &str, value: bool) {
        if value {
            self.field(name, &true);
        }
    }

    /// A field that is `null` when empty, as in `welcome.state`.
    pub(super) fn nullable<T: Json>(&mut self, name: &str, value: &Option<T>) {
        self.name(name);
        match value {
            Some(value) => value.json(self),
            None => self.null(),
        }
    }

    /// Texts by their names: an object.
    pub(super) fn entries(&mut self, name: &str, entries: &[(String, String)]) {
        self.name(name);
        self.object(|w| entries.iter().for_each(|(key, value)| w.field(key, value)));
    }

    pub(super) fn name(&mut self, name: &str) {
        name.json(self);
        self.out.push(b':');
    }

    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    fn integer(&mut self, value: u64) {
        self.separate();
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = value;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    /// Runs without anything to escape are copied whole.
    fn text(&mut self, text: &str) {
        self.separate();
        self.out.push(b'"');
        let bytes = text.as_bytes();
        let mut copied = 0;
        for (i, byte) in bytes.iter().enumerate() {
            if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
                continue;
            }
            self.out.extend_from_slice(&bytes[copied..i]);
            copied = i + 1;
            self.escape(*byte);
        }
        self.out.extend_from_slice(&bytes[copied..]);
        self.out.push(b'"');
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' => self.out.extend_from_slice(b"\\\""),
            b'\\' => self.out.extend_from_slice(b"\\\\"),
            b'\n' => self.out.extend_from_slice(b"\\n"),
            b'\r' => self.out.extend_from_slice(b"\\r"),
            b'\t' => self.out.extend_from_slice(b"\\t"),
            _ => self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }

    fn hex(&mut self, value: u128, dashes: bool) {
        self.separate();
        self.out.push(b'"');
        for i in 0..32 {
            if dashes && matches!(i, 8 | 12 | 16 | 20) {
                self.out.push(b'-');
            }
            self.out.push(HEX[(value >> (124 - 4 * i) & 15) as usize]);
        }
        self.out.push(b'"');
    }
}

impl Json for bool {
    fn json(&self, w: &mut Writer) {
        w.separate();
        w.out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Json for str {
    fn json(&self, w: &mut Writer) {
        w.text(self);
    }
}

impl Json for String {
    fn json(&self, w: &mut Writer) {
        w.text(self);
    }
}

impl Json for UserId {
    fn json(&self, w: &mut Writer) {
        w.hex(self.0, true);
    }
}

impl Json for ClientId {
    fn json(&self, w: &mut Writer) {
        w.hex(self.0, false);
    }
}

impl<T: Json> Json for [T] {
    fn json(&self, w: &mut Writer) {
        w.list(|w| self.iter().for_each(|item| item.json(w)));
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self, w: &mut Writer) {
        self.as_slice().json(w);
    }
}

impl<T: Json> Json for Arc<T> {
    fn json(&self, w: &mut Writer) {
        (**self).json(w);
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn json(&self, w: &mut Writer) {
        (**self).json(w);
    }
}

macro_rules! integers {
    ($($type:ty: |$value:ident| $integer:expr;)*) => {$(
        impl Json for $type {
            fn json(&self, w: &mut Writer) {
                let $value = self;
                w.integer($integer);
            }
        }
    )*};
}

integers! {
    CallId: |id| id.0;
    InviteId: |id| id.0;
    Millis: |at| at.0;
    PairId: |id| id.0;
    Span: |span| span.0;
    u8: |n| u64::from(*n);
    u32: |n| u64::from(*n);
    u64: |n| *n;
}
