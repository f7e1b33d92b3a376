//! Every fact there is: one typed payload per event type, its wire name, and the envelope around it.
//!
//! To add an event: a payload in the file of its stream, one line in that file's `events!` list, and the decider that
//! says it; the codec's golden file is written by its test.

mod agent;
mod envelope;
mod issue;
mod pull_request;
mod rig;
mod types;
mod words;

pub use agent::*;
pub use envelope::{Actor, Decided, Event, Metadata, Recorded, Rule};
pub use issue::*;
pub use pull_request::*;
pub use rig::*;
pub use types::{EventType, pascal_case, upper_snake_case};
pub use words::*;

/// Declares the closed list of a stream's events: `Variant(Payload) = "WIRE_NAME"`.
macro_rules! events {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $( $(#[$note:meta])* $variant:ident($payload:ty) = $wire:literal ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $( $(#[$note])* $variant($payload), )* }

        impl $name {
            /// The wire names, in order of declaration.
            pub const TYPES: &'static [&'static str] = &[$($wire),*];

            /// The wire name of this event.
            #[must_use]
            pub fn type_name(&self) -> &'static str {
                match self { $( Self::$variant(_) => $wire, )* }
            }

            /// The payload as data.
            #[must_use]
            pub fn to_value(&self) -> $crate::data::Value<'_> {
                match self { $( Self::$variant(payload) => $crate::data::Record::to_value(payload), )* }
            }

            /// Reads a payload; `None` when this stream knows no event of that name.
            ///
            /// # Errors
            /// When the data isn't a payload of that type.
            pub fn from_value(
                type_name: &str,
                data: &$crate::data::Value<'_>,
            ) -> Option<Result<Self, $crate::data::FieldError>> {
                match type_name {
                    $( $wire => Some(<$payload as $crate::data::Record>::from_value(data).map(Self::$variant)), )*
                    _ => None,
                }
            }
        }

        $( impl From<$payload> for $name { fn from(payload: $payload) -> Self { Self::$variant(payload) } } )*
    };
}
pub(crate) use events;
