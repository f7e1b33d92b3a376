use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Value;

/// Why a record could not be read: where, and what was wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Dotted path from the record's root, such as `dependsOn[2]`; empty for the root itself.
    pub path: String,
    /// A fragment such as `must be text, not a list`.
    pub problem: String,
}

impl FieldError {
    /// A problem with the value at hand; the path is filled in on the way out.
    #[must_use]
    pub fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }

    /// The value has another type than the field.
    #[must_use]
    pub fn expected(wanted: &str, found: &Value<'_>) -> Self {
        Self::new(format!("must be {wanted}, not {}", found.kind()))
    }

    /// The same problem, seen from the record that holds the field `name`.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => name.to_owned(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.problem) } else { write!(f, "{} {}", self.path, self.problem) }
    }
}

impl std::error::Error for FieldError {}

/// A type that can stand in a record.
pub trait Field: Sized {
    /// Writes the value.
    fn write(&self) -> Value<'_>;

    /// Whether it holds nothing, so that a record leaves the field out; [`Field::absent`] then reads it back.
    fn is_absent(&self) -> bool {
        false
    }

    /// Reads the value back.
    ///
    /// # Errors
    /// When the value has another type or is outside the field's range.
    fn read(value: &Value<'_>) -> Result<Self, FieldError>;

    /// What an absent (or `null`) field stands for; `None` where it must be given.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// A [`Field`] that may be a key of a map: it has a text form that reads back as itself.
pub trait FieldKey: Sized + Ord {
    /// The text form.
    fn to_key(&self) -> String;
    /// Reads the text form.
    ///
    /// # Errors
    /// When the text isn't one of this type.
    fn from_key(text: &str) -> Result<Self, FieldError>;
}

impl Field for String {
    fn write(&self) -> Value<'_> {
        Value::text(self)
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        value.as_text().map(str::to_owned).ok_or_else(|| FieldError::expected("text", value))
    }
}

impl FieldKey for String {
    fn to_key(&self) -> String {
        self.clone()
    }
    fn from_key(text: &str) -> Result<Self, FieldError> {
        Ok(text.to_owned())
    }
}

impl FieldKey for u64 {
    fn to_key(&self) -> String {
        self.to_string()
    }
    fn from_key(text: &str) -> Result<Self, FieldError> {
        text.parse().map_err(|_| FieldError::new("must be a whole number"))
    }
}

impl Field for bool {
    fn write(&self) -> Value<'_> {
        Value::Bool(*self)
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        match value {
            Value::Bool(flag) => Ok(*flag),
            Value::Null | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(FieldError::expected("true or false", value))
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(false)
    }
}

macro_rules! whole_number {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn write(&self) -> Value<'_> {
                // Beyond i64 nothing of ours counts; a float keeps the size visible instead of wrapping.
                i64::try_from(*self).map_or_else(|_| Value::Float(*self as f64), Value::Int)
            }
            fn read(value: &Value<'_>) -> Result<Self, FieldError> {
                match value {
                    Value::Int(number) => <$number>::try_from(*number)
                        .map_err(|_| FieldError::new(format!("must be a whole number from {} to {}", <$number>::MIN, <$number>::MAX))),
                    Value::Null | Value::Bool(_) | Value::Float(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                        Err(FieldError::expected("a whole number", value))
                    }
                }
            }
        }
    )*};
}
whole_number!(u8, u16, u32, u64, i64);

impl Field for f64 {
    fn write(&self) -> Value<'_> {
        Value::Float(*self)
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        match value {
            Value::Float(number) => Ok(*number),
            #[expect(clippy::cast_precision_loss, reason = "a measurement: percent, dollars, megabytes")]
            Value::Int(number) => Ok(*number as f64),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(FieldError::expected("a number", value))
            }
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn write(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Field::write)
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Field> Field for Box<T> {
    fn write(&self) -> Value<'_> {
        (**self).write()
    }
    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        T::read(value).map(Box::new)
    }
    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }
}

fn read_list<T: Field, C: FromIterator<T>>(value: &Value<'_>) -> Result<C, FieldError> {
    let Value::List(items) = value else { return Err(FieldError::expected("a list", value)) };
    items.iter().enumerate().map(|(at, item)| T::read(item).map_err(|error| error.within(&format!("[{at}]")))).collect()
}

impl<T: Field> Field for Vec<T> {
    fn write(&self) -> Value<'_> {
        Value::List(self.iter().map(Field::write).collect())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        read_list(value)
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Field + Ord> Field for BTreeSet<T> {
    fn write(&self) -> Value<'_> {
        Value::List(self.iter().map(Field::write).collect())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        read_list(value)
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<K: FieldKey, T: Field> Field for BTreeMap<K, T> {
    fn write(&self) -> Value<'_> {
        Value::Map(self.iter().map(|(key, value)| (key.to_key().into(), value.write())).collect())
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        let Value::Map(entries) = value else { return Err(FieldError::expected("an object", value)) };
        entries
            .iter()
            .map(|(key, value)| {
                let read = K::from_key(key).and_then(|key| T::read(value).map(|value| (key, value)));
                read.map_err(|error| error.within(key))
            })
            .collect()
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl Field for Value<'static> {
    fn write(&self) -> Value<'_> {
        self.clone()
    }
    fn is_absent(&self) -> bool {
        self.is_null()
    }
    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        Ok(value.clone().into_owned())
    }
    fn absent() -> Option<Self> {
        Some(Value::Null)
    }
}
