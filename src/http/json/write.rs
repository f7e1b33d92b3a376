use conductor_core::data::Value;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// The secret of a lease's holder: shown to it alone, by the claim's own answer, never by a read of events.
const SECRET: &str = "leaseToken";

/// A [`Value`] as JSON, lease tokens left out at any depth.
#[derive(Debug, Clone, Copy)]
pub struct Json<'v>(pub &'v Value<'v>);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Json(item))?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in entries.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(SECRET)) {
                    map.serialize_entry(name, &Json(value))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_token_is_never_written() {
        let secret = || ("leaseToken".into(), Value::text("s3cret"));
        let value = Value::Map(vec![
            secret(),
            ("epoch".into(), Value::Int(1)),
            ("extra".into(), Value::List(vec![Value::Map(vec![("LEASETOKEN".into(), Value::text("s3cret"))])])),
        ]);
        assert_eq!(serde_json::to_string(&Json(&value)).unwrap(), r#"{"epoch":1,"extra":[{}]}"#);
    }

    #[test]
    fn what_json_cannot_say_is_null() {
        assert_eq!(serde_json::to_string(&Json(&Value::Float(f64::NAN))).unwrap(), "null");
    }
}
