use std::borrow::Cow;

use crate::data::{Field, FieldError, Value};
use crate::identity::Claimant;

/// Why a command was not done. The HTTP ring maps each to a status, in one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The lease isn't the caller's (any more): 409.
    StaleLease {
        /// Who reported.
        by: Claimant,
        /// Who holds it now.
        holder: Option<Claimant>,
        /// How many leases there were.
        epoch: u32,
    },
    /// Somebody else was faster, or the state has moved on: 409.
    LostRace {
        /// What is so instead.
        why: String,
    },
    /// It makes no sense where the target stands: 409, with that state.
    Inapplicable {
        /// Where the target stands.
        state: String,
        /// Why it makes no sense there, and what does.
        why: String,
    },
    /// The caller never may: 403.
    Forbidden {
        /// What is missing.
        why: String,
    },
    /// There is no such thing: 404.
    Unknown {
        /// What was looked for.
        what: String,
    },
    /// A rule of the domain: 422, with its name.
    Rule {
        /// Such as `self_approval`.
        rule: Cow<'static, str>,
        /// One sentence.
        why: String,
    },
    /// The request makes no sense: 400.
    Malformed {
        /// What to do about it.
        why: String,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StaleLease { holder: Some(holder), epoch, by: _ } => {
                write!(f, "stale lease: {holder} holds epoch {epoch}")
            }
            Self::StaleLease { holder: None, epoch, by: _ } => {
                write!(f, "stale lease: nobody holds it since epoch {epoch}")
            }
            Self::LostRace { why }
            | Self::Inapplicable { why, .. }
            | Self::Forbidden { why }
            | Self::Malformed { why } => f.write_str(why),
            Self::Unknown { what } => write!(f, "unknown {what}"),
            Self::Rule { rule, why } => write!(f, "{why} (rule {rule})"),
        }
    }
}

/// The stored names are part of the log for ever. `kind` is the word by which the refusal reads back.
impl Field for Refusal {
    fn write(&self) -> Value<'_> {
        let (kind, told) = match self {
            Self::StaleLease { by, holder, epoch } => {
                ("stale_lease", vec![("by", by.write()), ("holder", holder.write()), ("epoch", epoch.write())])
            }
            Self::LostRace { why } => ("lost_race", vec![("why", why.write())]),
            Self::Inapplicable { state, why } => ("inapplicable", vec![("state", state.write()), ("why", why.write())]),
            Self::Forbidden { why } => ("forbidden", vec![("why", why.write())]),
            Self::Unknown { what } => ("unknown", vec![("what", what.write())]),
            Self::Rule { rule, why } => ("rule", vec![("rule", Value::text(rule)), ("why", why.write())]),
            Self::Malformed { why } => ("malformed", vec![("why", why.write())]),
        };
        let kind = std::iter::once(("kind", Value::text(kind)));
        let told = told.into_iter().filter(|(_, value)| !value.is_null());
        Value::Map(kind.chain(told).map(|(name, value)| (name.into(), value)).collect())
    }

    fn read(value: &Value<'_>) -> Result<Self, FieldError> {
        Ok(match told::<String>(value, "kind")?.as_str() {
            "stale_lease" => Self::StaleLease {
                by: told(value, "by")?,
                holder: told(value, "holder")?,
                epoch: told(value, "epoch")?,
            },
            "lost_race" => Self::LostRace { why: told(value, "why")? },
            "inapplicable" => Self::Inapplicable { state: told(value, "state")?, why: told(value, "why")? },
            "forbidden" => Self::Forbidden { why: told(value, "why")? },
            "unknown" => Self::Unknown { what: told(value, "what")? },
            "rule" => Self::Rule { rule: told::<String>(value, "rule")?.into(), why: told(value, "why")? },
            "malformed" => Self::Malformed { why: told(value, "why")? },
            other => return Err(FieldError::new(format!("is no kind of refusal: {other}")).within("kind")),
        })
    }
}

fn told<T: Field>(refusal: &Value<'_>, name: &str) -> Result<T, FieldError> {
    let read = match refusal.get(name) {
        Some(found) if !found.is_null() => T::read(found),
        Some(_) | None => T::absent().ok_or_else(|| FieldError::new("is missing")),
    };
    read.map_err(|error| error.within(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind; a new kind breaks the build until it is here.
    fn every_kind() -> Vec<Refusal> {
        let why = || "since it is so".to_owned();
        let holder = Claimant::parse("dev-e-node/ab12c");
        let by = || Claimant::parse("dev-e-python").unwrap();
        let kinds = vec![
            Refusal::StaleLease { by: by(), holder, epoch: 3 },
            Refusal::StaleLease { by: by(), holder: None, epoch: 0 },
            Refusal::LostRace { why: why() },
            Refusal::Inapplicable { state: "done".to_owned(), why: why() },
            Refusal::Forbidden { why: why() },
            Refusal::Unknown { what: "acme/web#1".to_owned() },
            Refusal::Rule { rule: "self_approval".into(), why: why() },
            Refusal::Malformed { why: why() },
        ];
        for kind in &kinds {
            match kind {
                Refusal::StaleLease { .. }
                | Refusal::LostRace { .. }
                | Refusal::Inapplicable { .. }
                | Refusal::Forbidden { .. }
                | Refusal::Unknown { .. }
                | Refusal::Rule { .. }
                | Refusal::Malformed { .. } => {}
            }
        }
        kinds
    }

    #[test]
    fn each_refusal_reads_back_as_itself() {
        for refusal in every_kind() {
            assert_eq!(Refusal::read(&refusal.write()), Ok(refusal.clone()), "{refusal}");
        }
    }

    #[test]
    fn what_is_no_refusal_names_what_is_wrong() {
        let kind = |word: &'static str| Value::Map(vec![("kind".into(), Value::text(word))]);
        for (stored, path) in [(kind("mood"), "kind"), (kind("rule"), "rule"), (Value::Map(Vec::new()), "kind")] {
            assert_eq!(Refusal::read(&stored).unwrap_err().path, path);
        }
    }
}
