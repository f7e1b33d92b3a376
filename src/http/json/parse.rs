use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use conductor_core::data::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Limits;

/// Why a text is no JSON that is taken here: a fragment such as `the property repo is given twice at line 1 column 30`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

/// Reads one JSON document.
///
/// # Errors
/// When it is malformed (lone surrogates and invalid UTF-8 included), exceeds a limit, holds a NUL character or a number that
/// nothing of ours can hold, or gives the same property twice in any casing.
pub fn parse(text: &[u8], limits: &Limits) -> Result<Value<'static>, ParseError> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let seed = Node { limits, depth: 0, longest: limits.text };
    let read = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| ParseError(worded(&error)))
}

/// serde_json words half of a surrogate pair as a broken escape; whoever sent it looks for the pair.
fn worded(error: &serde_json::Error) -> String {
    let said = error.to_string();
    if said.contains("hex escape") || said.contains("surrogate") {
        return format!("a text holds a lone surrogate or half an escape: {said}");
    }
    said
}

/// One place in the tree; knows how deep it is, and how long a text may be there.
#[derive(Clone, Copy)]
struct Node<'l> {
    limits: &'l Limits,
    depth: usize,
    longest: usize,
}

impl Node<'_> {
    fn text<E: Error>(&self, text: &str) -> Result<String, E> {
        if text.len() > self.longest {
            return Err(E::custom(format_args!("a text has {} bytes, {} are allowed", text.len(), self.longest)));
        }
        if text.contains('\0') {
            return Err(E::custom("a text holds a NUL character"));
        }
        Ok(text.to_owned())
    }

    fn inner<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(E::custom(format_args!("lists and objects are nested deeper than {}", self.limits.depth)));
        }
        Ok(Self { depth: self.depth + 1, ..*self })
    }

    fn bounded<E: Error>(&self, items: usize, of: &str) -> Result<(), E> {
        if items > self.limits.items {
            return Err(E::custom(format_args!("{of} has more than {} items", self.limits.items)));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value<'static>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        i64::try_from(value).map(Value::Int).map_err(|_| huge_number())
    }

    /// Whole numbers beyond 64 bits arrive here too, rounded: they would be stored as something that nobody sent.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
        let in_range = value.is_finite() && value.abs() < i64::MAX as f64;
        if !in_range {
            return Err(huge_number());
        }
        // 42.0 is a whole number to JSON, and some languages write every number so.
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is in range")]
        Ok(if value.fract() == 0.0 { Value::Int(value as i64) } else { Value::Float(value) })
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        self.text(value).map(|text| Value::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
            self.bounded(list.len(), "a list")?;
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut properties: A) -> Result<Self::Value, A::Error> {
        let inner = self.inner()?;
        let mut seen = HashSet::new();
        let mut entries: Vec<(Cow<'static, str>, Value<'static>)> = Vec::new();
        let name_seed = Self { longest: self.limits.name, ..inner };
        while let Some(name) = properties.next_key_seed(Name(name_seed))? {
            let folded = name.to_lowercase();
            let longest = if folded == "body" { self.limits.body_text } else { self.limits.text };
            if !seen.insert(folded) {
                return Err(A::Error::custom(format_args!("the property {name:?} is given twice (casing aside)")));
            }
            let value = properties.next_value_seed(Self { longest, ..inner })?;
            entries.push((Cow::Owned(name), value));
            self.bounded(entries.len(), "an object")?;
        }
        Ok(Value::Map(entries))
    }
}

/// A property's name.
struct Name<'l>(Node<'l>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property name")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        self.0.text(value)
    }
}

fn huge_number<E: Error>() -> E {
    E::custom("a number is too large: 64 bits are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn read(text: &str) -> Result<Value<'static>, String> {
        parse(text.as_bytes(), &Limits::API).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(text: &str, because: &str) {
        let problem = read(text).expect_err("the text is refused");
        assert!(problem.contains(because), "{problem}");
    }

    #[test]
    fn what_is_read_is_written_back_the_same() {
        let text = r#"{"a":null,"B":[true,-1,2.5,"x\"é"],"c":{"d":[]}}"#;
        assert_eq!(serde_json::to_string(&Json(&read(text).unwrap())).unwrap(), text);
    }

    #[test]
    fn malformed_texts_are_refused_with_their_place() {
        for text in ["", "{", "{]", "nul", "{\"a\":1}x", "{\"a\" 1}", "[1,]"] {
            assert!(read(text).unwrap_err().contains("line 1 column"), "{text:?}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}", &Limits::API).is_err(), "invalid UTF-8");
    }

    #[test]
    fn the_same_property_twice_is_refused_in_any_casing() {
        refused(r#"{"repo":"a","repo":"b"}"#, "given twice");
        refused(r#"{"repo":"a","REPO":"b"}"#, "given twice");
        refused(r#"{"x":[{"É":1,"é":2}]}"#, "given twice");
    }

    #[test]
    fn nul_characters_and_lone_surrogates_are_refused_in_names_too() {
        refused(r#"{"a":"x\u0000y"}"#, "NUL");
        refused(r#"{"a\u0000":1}"#, "NUL");
        refused(r#"{"a":"\ud800"}"#, "surrogate");
        refused(r#"{"a":"\udc00x"}"#, "surrogate");
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        for number in
            ["9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "1e300", "1e999"]
        {
            assert!(read(number).is_err(), "{number}");
        }
        assert_eq!(read("9223372036854775807"), Ok(Value::Int(i64::MAX)));
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        for (text, number) in [("42.0", 42), ("1e15", 1_000_000_000_000_000), ("-3.000", -3), ("-0.0", 0)] {
            assert_eq!(read(text), Ok(Value::Int(number)), "{text}");
        }
        assert_eq!(read("42.5"), Ok(Value::Float(42.5)));
    }

    #[test]
    fn depth_lists_objects_names_and_texts_have_limits() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(32)).is_ok());
        refused(&nested(33), "deeper than 32");
        refused(&nested(100_000), "deeper than 32");
        let list = |items: usize| format!("[{}]", vec!["1"; items].join(","));
        assert!(read(&list(1_000)).is_ok());
        refused(&list(1_001), "more than 1000");
        let object: Vec<String> = (0..1_001).map(|at| format!("\"p{at}\":1")).collect();
        refused(&format!("{{{}}}", object.join(",")), "more than 1000");
        refused(&format!("{{\"{}\":1}}", "n".repeat(257)), "256 are allowed");
        refused(&format!("{{\"title\":\"{}\"}}", "x".repeat((64 << 10) + 1)), "65536 are allowed");
    }

    #[test]
    fn a_body_may_be_longer_than_other_texts() {
        let document = |name: &str, length: usize| format!("{{\"{name}\":\"{}\"}}", "x".repeat(length));
        assert!(read(&document("body", 256 << 10)).is_ok());
        assert!(read(&document("BODY", 256 << 10)).is_ok());
        refused(&document("body", (256 << 10) + 1), "262144 are allowed");
    }
}
