use super::{FieldError, Value};

/// A struct whose fields have stored names; declared with [`record!`](crate::record).
pub trait Record: Sized {
    /// The stored names of the fields, in order.
    const FIELDS: &'static [&'static str];

    /// The record as a [`Value::Map`]; fields that hold nothing are left out.
    fn to_value(&self) -> Value<'_>;

    /// Reads the record; unknown names are passed over, absent optional ones are empty.
    ///
    /// # Errors
    /// Names the first field that is missing or malformed.
    fn from_value(value: &Value<'_>) -> Result<Self, FieldError>;
}

/// Declares a struct with public fields and its stored names: `"storedName" => field: Type`.
///
/// The stored name is written out on purpose: it is part of the log for ever, the field's name isn't.
#[macro_export]
macro_rules! record {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $( $(#[$note:meta])* $stored:literal => $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[$note])* pub $field: $type, )*
        }

        impl $crate::data::Record for $name {
            const FIELDS: &'static [&'static str] = &[$($stored),*];

            fn to_value(&self) -> $crate::data::Value<'_> {
                #[allow(unused_mut, reason = "a record may have no fields")]
                let mut entries: Vec<(std::borrow::Cow<'_, str>, $crate::data::Value<'_>)> =
                    Vec::with_capacity(Self::FIELDS.len());
                $(
                    if !$crate::data::Field::is_absent(&self.$field) {
                        entries.push((std::borrow::Cow::Borrowed($stored), $crate::data::Field::write(&self.$field)));
                    }
                )*
                $crate::data::Value::Map(entries)
            }

            fn from_value(value: &$crate::data::Value<'_>) -> Result<Self, $crate::data::FieldError> {
                if !matches!(value, $crate::data::Value::Map(_)) {
                    return Err($crate::data::FieldError::expected("an object", value));
                }
                Ok(Self {
                    $( $field: match value.get($stored) {
                        Some(found) if !found.is_null() => {
                            <$type as $crate::data::Field>::read(found).map_err(|error| error.within($stored))?
                        }
                        Some(_) | None => <$type as $crate::data::Field>::absent()
                            .ok_or_else(|| $crate::data::FieldError::new("is missing").within($stored))?,
                    }, )*
                })
            }
        }

        impl $crate::data::Field for $name {
            fn write(&self) -> $crate::data::Value<'_> {
                $crate::data::Record::to_value(self)
            }
            fn read(value: &$crate::data::Value<'_>) -> Result<Self, $crate::data::FieldError> {
                <Self as $crate::data::Record>::from_value(value)
            }
        }
    };
}

/// Declares an enum that is one word on the wire and in the log: `Variant = "word"`.
#[macro_export]
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $( $(#[$note:meta])* $variant:ident = $word:literal ),* $(,)? }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$note])* $variant, )* }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that stands for it on the wire and in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }

            /// The variant of a word, matched exactly.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $( $word => Some(Self::$variant), )* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::data::Field for $name {
            fn write(&self) -> $crate::data::Value<'_> {
                $crate::data::Value::text(self.as_str())
            }
            fn read(value: &$crate::data::Value<'_>) -> Result<Self, $crate::data::FieldError> {
                value.as_text().and_then(Self::from_word).ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|variant| variant.as_str()).collect();
                    $crate::data::FieldError::new(format!("must be one of {}", words.join(", ")))
                })
            }
        }
    };
}
