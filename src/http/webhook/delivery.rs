//! From verified bytes to what is stored.

use actix_web::web::Query;
use conductor_core::github::{Interpretation, interpret};
use conductor_core::port::Delivery;
use conductor_core::time::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ordering::ordering_key;
use super::payload;

/// GitHub's ids are UUIDs and its events words; whatever is longer is neither.
pub(super) const LONGEST_NAME: usize = 100;

/// Why bytes are no delivery, as a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotADelivery {
    /// A header that every delivery has.
    #[error("send the header {0}, as GitHub does with every delivery")]
    Header(&'static str),
    /// A body that isn't what GitHub sends.
    #[error("send a JSON object as GitHub does: {0}")]
    Body(String),
}

/// The name in a header: present, printable and of sane length.
pub(super) fn named(header: &'static str, value: Option<&str>) -> Result<String, NotADelivery> {
    let sane =
        |name: &&str| (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    value.filter(sane).map(str::to_owned).ok_or(NotADelivery::Header(header))
}

/// What is stored of a delivery: its body as JSON text, where it stands in order, and why it needs no work, if so.
pub(super) fn delivery(
    id: String,
    event: String,
    body: &[u8],
    received_at: Timestamp,
) -> Result<Delivery, NotADelivery> {
    let body = json_text(body)?;
    let (ordering_key, ignored) = match payload::read(&event, &body) {
        Ok(webhook) => {
            let ignored = match interpret(&webhook) {
                Interpretation::Ignored(why) => Some(why),
                Interpretation::Instructions(_) => None,
            };
            (ordering_key(&webhook), ignored)
        }
        // JSON of another shape than GitHub documents is kept and goes to the inbox, where it becomes a dead letter that
        // people see; refusing it would lose it, since GitHub never redelivers.
        Err(error) if error.is_data() && serde_json::from_str::<IgnoredAny>(&body).is_ok() => (String::new(), None),
        Err(error) => return Err(NotADelivery::Body(error.to_string())),
    };
    Ok(Delivery { id, event, ordering_key, body, received_at, ignored })
}

/// The JSON text of a body, which GitHub sends bare or as the field `payload` of a form.
fn json_text(body: &[u8]) -> Result<String, NotADelivery> {
    let text = std::str::from_utf8(body).map_err(|error| NotADelivery::Body(error.to_string()))?;
    let text = if text.starts_with("payload=") {
        let form = Query::<Form>::from_query(text).map_err(|error| NotADelivery::Body(error.to_string()))?;
        form.into_inner().payload
    } else {
        text.to_owned()
    };
    match text.trim_start().bytes().next() {
        Some(b'{') => Ok(text),
        Some(_) | None => Err(NotADelivery::Body("the body begins with something else than {".to_owned())),
    }
}

/// GitHub's other content type, `application/x-www-form-urlencoded`.
#[derive(Deserialize)]
struct Form {
    payload: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(event: &str, body: &[u8]) -> Result<Delivery, NotADelivery> {
        delivery("d1".to_owned(), event.to_owned(), body, Timestamp::default())
    }

    const MILESTONE: &str =
        r#"{"action":"closed","milestone":{"title":"v 1+"},"repository":{"id":1,"full_name":"Acme/Web"}}"#;

    #[test]
    fn what_needs_work_has_its_key_and_no_reason() {
        let delivery = stored("milestone", MILESTONE.as_bytes()).unwrap();
        assert_eq!(
            (delivery.ordering_key.as_str(), delivery.ignored, delivery.body.as_str()),
            ("acme/web", None, MILESTONE)
        );
    }

    #[test]
    fn what_needs_none_is_stored_with_the_reason() {
        let delivery = stored("ping", br#" {"zen":"Keep it logically awesome."}"#).unwrap();
        assert_eq!(delivery.ignored.as_deref(), Some("ping: nothing follows from this event"));
        let delivery = stored(
            "milestone",
            br#"{"action":"hyperspaced","milestone":{"title":"v1"},"repository":{"full_name":"a/b"}}"#,
        )
        .unwrap();
        assert_eq!(delivery.ignored.as_deref(), Some("milestone.hyperspaced: nothing follows from this action"));
    }

    #[test]
    fn a_form_is_unpacked() {
        let form = "payload=%7B%22action%22%3A%22closed%22%2C%22milestone%22%3A%7B%22title%22%3A%22v+1%2B%22%7D%2C%22\
                    repository%22%3A%7B%22id%22%3A1%2C%22full_name%22%3A%22Acme%2FWeb%22%7D%7D";
        assert_eq!(stored("milestone", form.as_bytes()).unwrap().body, MILESTONE);
    }

    #[test]
    fn what_is_not_a_json_object_is_refused() {
        for body in [
            &b""[..],
            b"nonsense",
            b"[]",
            b"5",
            b"null",
            b"{",
            b"{\"a\":1}x",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\0\"}",
            b"payload=5",
            b"other=%7B%7D",
        ] {
            assert!(matches!(stored("push", body), Err(NotADelivery::Body(_))), "{body:?}");
        }
        assert!(stored("issues", br#"{"issue":{"number":"seven"},"#).is_err(), "another shape, and not JSON at that");
    }

    #[test]
    fn json_of_another_shape_is_kept_for_people_to_see() {
        let delivery = stored("issues", br#"{"issue":{"number":"seven"}}"#).unwrap();
        assert_eq!((delivery.ordering_key.as_str(), delivery.ignored), ("", None));
    }

    #[test]
    fn a_name_is_present_printable_and_short() {
        assert_eq!(named("X-GitHub-Event", Some("issues")), Ok("issues".to_owned()));
        for value in [None, Some(""), Some("a b"), Some("é"), Some(&*"x".repeat(101))] {
            assert_eq!(named("X-GitHub-Event", value), Err(NotADelivery::Header("X-GitHub-Event")), "{value:?}");
        }
    }
}
