use conductor_core::decider::Outcome;
use conductor_core::event::EventType;
use conductor_core::identity::StreamId;
use conductor_core::port::{Receipt, Store};
use conductor_core::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The answer to `POST /api/events`. Clients rely on the first three names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventAnswer {
    /// The stream that decided.
    pub stream_id: String,
    /// UPPER_SNAKE, as it was sent.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// When it was decided, or first was.
    pub timestamp: String,
    /// Its version in the stream; 0 where no event ever said it.
    pub version: u64,
    /// Its position in the log; 0 where no event ever said it.
    pub position: u64,
    /// Said before, and not appended again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// Where in its stream and in the log an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// 1, 2, 3 …
    pub version: u64,
    /// Its position.
    pub position: u64,
    /// When it was decided.
    pub time: Timestamp,
}

impl EventAnswer {
    /// Words what became of a report: its event stands there, or `now` finds that nothing ever said it.
    #[must_use]
    pub fn new(
        event_type: EventType,
        stream: &StreamId,
        outcome: &Outcome,
        said: Option<LogPlace>,
        now: Timestamp,
    ) -> Self {
        let since = match outcome {
            Outcome::Unchanged { since } => Some(*since),
            Outcome::Accepted | Outcome::Refused(_) => None,
        };
        Self {
            stream_id: stream.to_string(),
            event_type: event_type.as_str(),
            timestamp: said.map_or(now, |said| said.time).to_string(),
            version: said.map(|said| said.version).or(since).unwrap_or_default(),
            position: said.map(|said| said.position).unwrap_or_default(),
            duplicate: since.is_some(),
        }
    }
}

impl LogPlace {
    /// Where an append's event of this type stands; its first event where none has that type (an agent's report may be kept
    /// under another name).
    pub async fn of(store: &dyn Store, stream: &StreamId, receipt: &Receipt, event_type: EventType) -> Self {
        let Receipt { first_version, last_version, first_position, time, .. } = *receipt;
        let first = Self { version: first_version, position: first_position, time };
        if first_version == last_version {
            return first;
        }
        let count = usize::try_from(last_version.saturating_sub(first_version) + 1).unwrap_or(1);
        match store.read_stream(stream, first_version.saturating_sub(1), count).await {
            Ok(events) => events
                .iter()
                .find(|recorded| recorded.event.type_name() == event_type.as_str())
                .map_or(first, |recorded| Self { version: recorded.version, position: recorded.position, time }),
            Err(failure) => {
                // The report itself is durable; only its exact place among its consequences can't be told now.
                tracing::warn!(%stream, "answered with the first event of an append: failed to {failure}");
                first
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worded(outcome: Outcome, said: Option<LogPlace>) -> String {
        let stream = StreamId::parse(conductor_core::identity::StreamKind::Issue, "acme/web#4").unwrap();
        let event_type = EventType::parse("WORK_STARTED").unwrap();
        serde_json::to_string(&EventAnswer::new(event_type, &stream, &outcome, said, Timestamp::from_millis(0)))
            .unwrap()
    }

    fn said() -> Option<LogPlace> {
        Some(LogPlace { version: 3, position: 30, time: Timestamp::from_millis(0) })
    }

    #[test]
    fn an_accepted_report_names_its_event() {
        assert_eq!(
            worded(Outcome::Accepted, said()),
            r#"{"streamId":"acme/web#4","type":"WORK_STARTED","timestamp":"1970-01-01T00:00:00.000Z","version":3,"position":30}"#
        );
    }

    #[test]
    fn a_repeat_by_meaning_is_marked_and_names_the_first_event() {
        let answer = worded(Outcome::Unchanged { since: 3 }, said());
        assert!(answer.ends_with(r#""version":3,"position":30,"duplicate":true}"#), "{answer}");
        let answer = worded(Outcome::Unchanged { since: 0 }, None);
        assert!(answer.ends_with(r#""version":0,"position":0,"duplicate":true}"#), "{answer}");
    }
}
