//! A JSON value as it is read: what the contract tells apart, and no more. Texts and names are borrowed from the message where they
//! stand in it as they are; an object is a short list, since messages have few fields; a name said twice has the value said last.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Array(Vec<Value<'a>>),
    Bool(bool),
    /// A number that is not `Whole`.
    Fraction,
    Null,
    Object(Object<'a>),
    String(Cow<'a, str>),
    /// Not negative, written without fraction or exponent.
    Whole(u64),
}

/// Fields by their names, each once, in no order that means something.
pub(super) type Object<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// From this many fields on they are looked up by a tree while they are read: who sends thousands makes nobody slow.
const MANY: usize = 24;

impl<'a> Value<'a> {
    pub(super) fn as_u64(&self) -> Option<u64> {
        if let Value::Whole(number) = self { Some(*number) } else { None }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(flag) = self { Some(*flag) } else { None }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub(super) fn is_text(&self, text: &str) -> bool {
        matches!(self, Value::String(own) if own == text)
    }

    /// A field, where this is an object that has it.
    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        if let Value::Object(fields) = self { find(fields, name).map(|at| &fields[at].1) } else { None }
    }
}

/// Where a field stands.
pub(super) fn find(fields: &Object<'_>, name: &str) -> Option<usize> {
    fields.iter().position(|(known, _)| known == name)
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(flag))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Whole(number))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(u64::try_from(number).map_or(Value::Fraction, Value::Whole))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Fraction)
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(text.into())))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value<'de>, A::Error> {
        let mut fields = Object::new();
        while let Some((Name(name), value)) = entries.next_entry()? {
            match find(&fields, &name) {
                Some(at) => fields[at].1 = value,
                None => fields.push((name, value)),
            }
            if fields.len() > MANY {
                return many(fields, entries);
            }
        }
        Ok(Value::Object(fields))
    }
}

fn many<'de, A: MapAccess<'de>>(fields: Object<'de>, mut entries: A) -> Result<Value<'de>, A::Error> {
    let mut fields: BTreeMap<Cow<'de, str>, Value<'de>> = fields.into_iter().collect();
    while let Some((Name(name), value)) = entries.next_entry()? {
        fields.insert(name, value);
    }
    Ok(Value::Object(fields.into_iter().collect()))
}

/// The name of a field.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        deserializer.deserialize_str(AnyName)
    }
}

struct AnyName;

impl<'de> Visitor<'de> for AnyName {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_or_many_fields_each_has_the_value_said_last() {
        for count in [3, 23, 24, 25, 26, 400] {
            let fields = (0..count).chain(0..count).enumerate().map(|(at, name)| alloc::format!("\"f{name}\":{at}"));
            let text = alloc::format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            let value: Value = serde_json::from_str(&text).expect("an object");
            for name in 0..count {
                let last = value.get(&alloc::format!("f{name}")).and_then(Value::as_u64);
                assert_eq!(last, Some((count + name) as u64), "f{name} of {count}");
            }
            assert!(matches!(value, Value::Object(fields) if fields.len() == count));
        }
    }

    #[test]
    fn numbers_are_told_apart_as_the_contract_does() {
        for (text, expected) in [("7", Some(7)), ("0", Some(0)), ("-0", None), ("-1", None), ("1.0", None), ("1e2", None), ("\"7\"", None)]
        {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(value.as_u64(), expected, "{text}");
        }
    }
}
