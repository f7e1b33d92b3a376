//! JSON text to [`Value`] and back, in one pass each way and without a tree of `serde_json`'s in between.

use std::borrow::Cow;
use std::fmt;

use conductor_core::data::Value;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::CodecError;

/// Levels of nesting that are written. Reading allows 128, so nothing can be recorded that can't be read back, even when
/// it is wrapped in an effect later.
pub const DEEPEST: u8 = 100;

/// Reads JSON text that a store of ours wrote; text without escapes is borrowed.
///
/// Repeated keys are not looked for: writers of [`Value`]s keep them unique.
///
/// # Errors
/// When the text isn't JSON.
pub fn parse(text: &str) -> Result<Value<'_>, CodecError> {
    serde_json::from_str::<Parsed<'_>>(text).map(|parsed| parsed.0).map_err(CodecError::Json)
}

/// Writes a value as compact JSON text.
///
/// # Errors
/// When a number isn't finite (JSON would make it `null`) or the tree is deeper than [`DEEPEST`].
pub fn write(value: &Value<'_>) -> Result<String, CodecError> {
    serde_json::to_string(&Written::new(value)).map_err(CodecError::Json)
}

struct Parsed<'a>(Value<'a>);

impl<'de> Deserialize<'de> for Parsed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Int(value))
    }
    #[expect(clippy::cast_precision_loss, reason = "beyond i64 a value counts as a measurement, as it does in core")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Float(value))
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::text(text))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Parsed(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        // Records have about eight fields; growing from nothing would copy them twice.
        let mut map = Vec::with_capacity(8);
        while let Some((Key(key), Parsed(value))) = entries.next_entry()? {
            map.push((key, value));
        }
        Ok(Value::Map(map))
    }
}

/// A value on its way into text, with how deep it lies.
pub(super) struct Written<'v, 'a> {
    value: &'v Value<'a>,
    depth: u8,
}

impl<'v, 'a> Written<'v, 'a> {
    pub(super) fn new(value: &'v Value<'a>) -> Self {
        Self { value, depth: 0 }
    }
    fn inner(&self, value: &'v Value<'a>) -> Self {
        Self { value, depth: self.depth + 1 }
    }
}

impl Serialize for Written<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.depth > DEEPEST {
            return Err(S::Error::custom(format!("it is nested more than {DEEPEST} levels deep")));
        }
        match self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Float(value) => Err(S::Error::custom(format!("a number isn't finite: {value}"))),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&self.inner(item)))?;
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, &self.inner(value)))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value<'static>> {
        let finite = any::<f64>().prop_filter("JSON has no others", |number| number.is_finite());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            finite.prop_map(Value::Float),
            any::<String>().prop_map(|text| Value::Text(text.into())),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Map(map.into_iter().map(|(key, value)| (key.into(), value)).collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_tree_reads_back_as_it_was_written(value in values()) {
            let text = write(&value).unwrap();
            prop_assert_eq!(parse(&text).unwrap(), value);
        }
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        let Value::Map(entries) = parse(r#"{"plain":"text","es\"caped":"a\nb"}"#).unwrap() else { panic!("a map") };
        assert!(matches!(&entries[0], (Cow::Borrowed("plain"), Value::Text(Cow::Borrowed("text")))));
        assert_eq!(entries[1], ("es\"caped".into(), Value::text("a\nb")));
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let nested = |levels: u8| (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        assert!(parse(&write(&nested(DEEPEST)).unwrap()).is_ok());
        assert!(write(&nested(DEEPEST + 1)).unwrap_err().to_string().contains("levels deep"));
        assert!(write(&Value::Float(f64::NAN)).unwrap_err().to_string().contains("finite"));
    }

    #[test]
    fn a_number_beyond_the_whole_ones_stays_a_number() {
        assert_eq!(parse("18446744073709551615").unwrap(), Value::Float(18_446_744_073_709_551_615.0));
    }
}
