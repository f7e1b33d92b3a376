//! The query of a request: names in any casing, each at most once, values checked where they are used.

use std::collections::HashSet;

use actix_web::HttpRequest;
use actix_web::web::Query as Pairs;
use conductor_core::data::{Field, Value};

use crate::error::ApiError;

/// The longest value that is read; ids and names are far shorter.
const LONGEST_VALUE: usize = 1_024;

/// The query of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// When it isn't UTF-8, names something twice, or holds a NUL character or an overlong value.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        Self::parse(request.query_string(), &[])
    }

    /// The same where some names are lists, which may be given in one value with commas or one by one.
    ///
    /// # Errors
    /// As for [`Query::of`].
    pub fn with_lists(request: &HttpRequest, lists: &[&str]) -> Result<Self, ApiError> {
        Self::parse(request.query_string(), lists)
    }

    fn parse(text: &str, lists: &[&str]) -> Result<Self, ApiError> {
        let pairs = Pairs::<Vec<(String, String)>>::from_query(text)
            .map_err(|error| ApiError::malformed(format!("the query can't be read: {error}")))?
            .into_inner();
        let (mut seen, is_list) =
            (HashSet::new(), |name: &str| lists.iter().any(|list| list.eq_ignore_ascii_case(name)));
        for (name, value) in &pairs {
            if !seen.insert(name.to_ascii_lowercase()) && !is_list(name) {
                return Err(ApiError::malformed(format!("the query gives {name:?} twice: send it once")));
            }
            if value.len() > LONGEST_VALUE || value.contains('\0') {
                return Err(ApiError::malformed(format!(
                    "{name:?} in the query is longer than {LONGEST_VALUE} bytes or holds a NUL character"
                )));
            }
        }
        let mut joined: Vec<(String, String)> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            match joined.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, values)) => *values = format!("{values},{value}"),
                None => joined.push((name, value)),
            }
        }
        Ok(Self(joined))
    }

    /// The value under a name; empty is the same as left out.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The value under a name, read as a name of the domain.
    ///
    /// # Errors
    /// When it isn't one.
    pub fn read<T: Field>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        T::read(&Value::text(text)).map(Some).map_err(|error| error.within(name).into())
    }

    /// The value under a name, which must be given.
    ///
    /// # Errors
    /// When it is missing.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::malformed(format!("{name} is missing: send it in the query")))
    }

    /// A whole number under a name, within a range.
    ///
    /// # Errors
    /// When it is none, or outside.
    pub fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            ApiError::malformed(format!("{name} must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// The parts of a comma-separated value.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// The same query with this under a name, as text for a link.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(name));
        let pairs = kept.map(|(key, value)| (key.as_str(), value.as_str())).chain([(name, value)]);
        pairs.map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect::<Vec<_>>().join("&")
    }
}

/// Everything but letters, digits and `-_.~/` as `%XX`.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_casing_and_values_decoded() {
        let query = Query::parse("Id=acme%2Fweb%234&limit=5&empty=", &[]).unwrap();
        assert_eq!(query.get("id"), Some("acme/web#4"));
        assert_eq!(query.number("limit", 1..=1_000), Ok(Some(5)));
        assert_eq!(query.get("empty"), None);
    }

    #[test]
    fn twice_the_same_name_a_nul_or_a_huge_value_are_refused() {
        assert!(Query::parse("id=1&ID=2", &[]).is_err());
        assert!(Query::parse("id=%00", &[]).is_err());
        assert!(Query::parse(&format!("id={}", "x".repeat(LONGEST_VALUE + 1)), &[]).is_err());
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        for text in ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1e3", "limit=99999999999999999999"] {
            assert!(Query::parse(text, &[]).unwrap().number("limit", 1..=1_000).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_may_be_given_one_by_one_and_nothing_else_may() {
        let query = Query::parse("type=A,B&limit=1&Type=C", &["type"]).unwrap();
        assert_eq!(query.list("type").collect::<Vec<_>>(), ["A", "B", "C"]);
        assert_eq!(query.with("after", "7"), "type=A%2CB%2CC&limit=1&after=7");
        assert!(Query::parse("type=A&limit=1&limit=2", &["type"]).is_err());
    }

    #[test]
    fn a_link_keeps_the_filters_and_replaces_the_cursor() {
        let query = Query::parse("repo=acme/web&cursor=old&state=queued", &[]).unwrap();
        assert_eq!(query.with("cursor", "a b#"), "repo=acme/web&state=queued&cursor=a%20b%23");
    }
}
