use conductor_core::data::Record;
use conductor_core::event::{Event, Metadata, Recorded};
use conductor_core::identity::{EventId, StreamId, StreamKind};
use conductor_core::time::Timestamp;

use super::{CodecError, parse, schema_version, upcast, write};

/// An event as text, ready for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// UPPER_SNAKE name of its type.
    pub type_name: &'static str,
    /// The schema version of `data`.
    pub schema: u16,
    /// The payload, JSON.
    pub data: String,
    /// Who and why, JSON.
    pub metadata: String,
}

/// Writes an event of a stream of that kind, in today's schema.
///
/// # Errors
/// When it holds what JSON can't.
pub fn encode_event(kind: StreamKind, event: &Event, metadata: &Metadata) -> Result<EncodedEvent, CodecError> {
    let type_name = event.type_name();
    Ok(EncodedEvent {
        type_name,
        schema: schema_version(kind, type_name),
        data: write(&event.to_value())?,
        metadata: write(&metadata.to_value())?,
    })
}

/// An event as a row holds it; texts are borrowed from the row.
#[derive(Debug, Clone)]
pub struct StoredEvent<'r> {
    /// Its id.
    pub id: u128,
    /// Its stream, in its first spelling.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: u64,
    /// Its place in the log.
    pub position: u64,
    /// Milliseconds since 1970.
    pub time: i64,
    /// UPPER_SNAKE name of its type.
    pub type_name: &'r str,
    /// The schema version of `data`.
    pub schema: u16,
    /// The payload, JSON.
    pub data: &'r str,
    /// Who and why, JSON.
    pub metadata: &'r str,
}

/// Reads an event of any schema that was ever written.
///
/// # Errors
/// When its text isn't what its type says, or a later version of the daemon wrote it.
pub fn decode_event(stored: StoredEvent<'_>) -> Result<Recorded, CodecError> {
    let kind = stored.stream.kind();
    let data = upcast(kind, stored.type_name, stored.schema, parse(stored.data)?)?;
    Ok(Recorded {
        id: EventId(stored.id),
        event: Event::from_value(kind, stored.type_name, &data)?,
        metadata: Metadata::from_value(&parse(stored.metadata)?)?,
        stream: stored.stream,
        version: stored.version,
        position: stored.position,
        time: Timestamp::from_millis(stored.time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::data::Value;
    use conductor_core::decider::Refusal;
    use conductor_core::event::{Actor, IssueEvent, IssueNeedsHuman, Rule};
    use conductor_core::identity::IssueRef;

    fn stored<'r>(schema: u16, encoded: &'r EncodedEvent) -> StoredEvent<'r> {
        StoredEvent {
            id: 7,
            stream: StreamId::Issue(IssueRef::parse("Acme/Web#7").unwrap()),
            version: 3,
            position: 9,
            time: 1_795_253_400_123,
            type_name: encoded.type_name,
            schema,
            data: &encoded.data,
            metadata: &encoded.metadata,
        }
    }

    #[test]
    fn an_event_reads_back_with_all_of_its_metadata() {
        let event = Event::Issue(IssueEvent::from(IssueNeedsHuman { reason: "no agent \"fits\"\n".to_owned() }));
        let metadata = Metadata {
            actor: Actor::Daemon("orphans".to_owned()),
            cause: Some("delivery-1".to_owned()),
            correlation: Some("Acme/Web#7".to_owned()),
            idempotency_key: Some("key".to_owned()),
            rule: Some(Rule::new("orphan", ["waited 24 h".to_owned()])),
            refusal: Some(Refusal::LostRace { why: "another was first".to_owned() }),
            extra: Value::Map(vec![("Zeit".into(), Value::Float(0.1))]),
        };
        let encoded = encode_event(StreamKind::Issue, &event, &metadata).unwrap();
        let read = decode_event(stored(1, &encoded)).unwrap();
        assert_eq!((&read.event, &read.metadata), (&event, &metadata));
        assert_eq!((read.id, read.version, read.position), (EventId(7), 3, 9));
        assert_eq!(read.time.to_string(), "2026-11-21T09:30:00.123Z");
    }

    #[test]
    fn an_event_of_a_newer_daemon_is_an_error_and_not_a_guess() {
        let event = Event::Issue(IssueEvent::from(IssueNeedsHuman { reason: "x".to_owned() }));
        let encoded = encode_event(StreamKind::Issue, &event, &Metadata::by(Actor::Daemon("x".to_owned()))).unwrap();
        assert!(matches!(decode_event(stored(2, &encoded)), Err(CodecError::NewerSchema { found: 2, known: 1, .. })));
    }
}
