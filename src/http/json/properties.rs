use std::borrow::Cow;

use conductor_core::data::{Field, FieldError, Record, Value};

/// The properties of a request, found in any casing and taken one by one; what nobody takes is kept beside the event.
#[derive(Debug, Clone, PartialEq)]
pub struct Properties {
    entries: Vec<(Cow<'static, str>, Value<'static>)>,
}

impl Properties {
    /// The properties of an object.
    ///
    /// # Errors
    /// For anything else.
    pub fn of(value: Value<'static>) -> Result<Self, FieldError> {
        match value {
            Value::Map(entries) => Ok(Self { entries }),
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)) => Err(FieldError::expected("an object", &other).within("the request")),
        }
    }

    /// Takes a property out; `null` and absent are the same.
    pub fn take(&mut self, name: &str) -> Option<Value<'static>> {
        #[cfg(test)]
        ASKED_FOR.with_borrow_mut(|names| names.insert(name.to_owned()));
        let at = self.entries.iter().position(|(key, _)| same_name(key, name))?;
        Some(self.entries.remove(at).1).filter(|value| !value.is_null())
    }

    /// The text of a property, which stays where it is; `None` where there is none, or something else.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<String> {
        let (_, value) = self.entries.iter().find(|(key, _)| same_name(key, name))?;
        value.as_text().map(str::to_owned)
    }

    /// Takes a property that may be left out.
    ///
    /// # Errors
    /// When it has another type than the field, named.
    pub fn optional<T: Field>(&mut self, name: &str) -> Result<Option<T>, FieldError> {
        self.take(name).map(|value| T::read(&value).map_err(|error| error.within(name))).transpose()
    }

    /// Takes the first of several names that is given: the proper one, then the old ones.
    ///
    /// # Errors
    /// When it has another type than the field, named as the client named it.
    pub fn first_of<T: Field>(&mut self, names: &[&str]) -> Result<Option<T>, FieldError> {
        for name in names {
            if let Some(found) = self.optional(name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Takes a property that must be given.
    ///
    /// # Errors
    /// When it is missing, or has another type than the field.
    pub fn required<T: Field>(&mut self, name: &str) -> Result<T, FieldError> {
        self.required_of(&[name])
    }

    /// Takes the first of several names, one of which must be given.
    ///
    /// # Errors
    /// When none is given, or it has another type than the field.
    pub fn required_of<T: Field>(&mut self, names: &[&str]) -> Result<T, FieldError> {
        let name = names.first().copied().unwrap_or_default();
        self.first_of(names)?.ok_or_else(|| FieldError::new("is missing").within(name))
    }

    /// Takes every property that a record has, except those which the client may not set, and reads the record.
    ///
    /// # Errors
    /// When a field is missing or has another type.
    pub fn record<R: Record>(&mut self, except: &[&str]) -> Result<R, FieldError> {
        let mut taken = Vec::new();
        for name in R::FIELDS.iter().filter(|name| !except.contains(name)) {
            if let Some(value) = self.take(name) {
                taken.push((Cow::Borrowed(*name), value));
            }
        }
        R::from_value(&Value::Map(taken))
    }

    /// Rewords texts where they stand: those of these properties, and of lists under them. `None` leaves a text as it is.
    pub fn reword(&mut self, names: &[&str], reworded: impl Fn(&str) -> Option<String>) {
        let reword = |value: &mut Value<'static>| {
            if let Some(text) = value.as_text().and_then(&reworded) {
                *value = Value::Text(text.into());
            }
        };
        for (key, value) in &mut self.entries {
            if !names.iter().any(|name| same_name(key, name)) {
                continue;
            }
            match value {
                Value::List(items) => items.iter_mut().for_each(reword),
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Map(_) => {
                    reword(value);
                }
            }
        }
    }

    /// Puts a property back under its proper name, for [`Properties::record`] to take.
    pub fn put(&mut self, name: &'static str, value: Value<'static>) {
        self.entries.push((Cow::Borrowed(name), value));
    }

    /// What nobody took: a map, or null where nothing is left.
    #[must_use]
    pub fn rest(self) -> Value<'static> {
        if self.entries.is_empty() { Value::Null } else { Value::Map(self.entries) }
    }
}

/// The same object with the names of a record in their stored casing; other names stay as they are.
#[must_use]
pub fn canonical(value: Value<'static>, fields: &[&'static str]) -> Value<'static> {
    match value {
        Value::Map(entries) => {
            let stored = |key: Cow<'static, str>| match fields.iter().find(|field| same_name(&key, field)) {
                Some(field) => Cow::Borrowed(*field),
                None => key,
            };
            Value::Map(entries.into_iter().map(|(key, value)| (stored(key), value)).collect())
        }
        Value::List(items) => Value::List(items.into_iter().map(|item| canonical(item, fields)).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_)) => other,
    }
}

#[cfg(test)]
thread_local! {
    /// Every name that was asked for on this thread: tests hold the description of reports against it.
    pub(crate) static ASKED_FOR: std::cell::RefCell<std::collections::BTreeSet<String>> = const {
        std::cell::RefCell::new(std::collections::BTreeSet::new())
    };
}

/// Names that clients and records use are ASCII, so that is how far casing goes.
fn same_name(given: &str, known: &str) -> bool {
    given.eq_ignore_ascii_case(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::event::{Provider, SmokePassed};

    fn properties(text: &str) -> Properties {
        Properties::of(crate::json::parse(text.as_bytes(), &crate::json::Limits::API).unwrap()).unwrap()
    }

    #[test]
    fn properties_are_found_in_any_casing() {
        for text in [r#"{"issueNumber":4}"#, r#"{"IssueNumber":4}"#, r#"{"ISSUENUMBER":4}"#] {
            assert_eq!(properties(text).required::<u64>("issueNumber"), Ok(4));
        }
    }

    #[test]
    fn null_is_the_same_as_left_out() {
        assert_eq!(properties(r#"{"branch":null}"#).optional::<String>("branch"), Ok(None));
        let missing = properties(r#"{"repo":null}"#).required::<String>("repo");
        assert_eq!(missing.unwrap_err().to_string(), "repo is missing");
    }

    #[test]
    fn a_wrong_type_is_named() {
        let wrong = properties(r#"{"REPO":[]}"#).required::<String>("repo");
        assert_eq!(wrong.unwrap_err().to_string(), "repo must be text, not a list");
    }

    #[test]
    fn what_nobody_takes_is_kept() {
        let mut request = properties(r#"{"Environment":"staging","clientTime":"12:00"}"#);
        let record: SmokePassed = request.record(&[]).unwrap();
        assert_eq!(record.environment.as_deref(), Some("staging"));
        assert_eq!(request.rest(), Value::Map(vec![("clientTime".into(), Value::text("12:00"))]));
        assert_eq!(properties("{}").rest(), Value::Null);
    }

    #[test]
    fn records_within_a_list_get_their_stored_names() {
        let list = properties(r#"{"providers":[{"Name":"codex","ACTIVE":true}]}"#).take("providers").unwrap();
        let read = Vec::<Provider>::read(&canonical(list, Provider::FIELDS)).unwrap();
        assert_eq!((read[0].name.as_str(), read[0].active), ("codex", true));
    }

    #[test]
    fn only_an_object_has_properties() {
        assert!(Properties::of(Value::List(Vec::new())).is_err());
    }
}
