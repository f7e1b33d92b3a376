use conductor_core::event::{Recorded, pascal_case};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::json::Json;

/// An event as readers see it: PascalCase type, camelCase data, lease tokens left out.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    event: Recorded,
    /// Reads of one stream don't repeat its id.
    names_stream: bool,
}

impl StoredEvent {
    /// For a read of one stream.
    #[must_use]
    pub fn of_stream(event: Recorded) -> Self {
        Self { event, names_stream: false }
    }

    /// For a read of the whole log.
    #[must_use]
    pub fn of_log(event: Recorded) -> Self {
        Self { event, names_stream: true }
    }
}

impl Serialize for StoredEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = &self.event;
        let mut shape = serializer.serialize_struct("StoredEvent", 8)?;
        shape.serialize_field("id", &event.id.to_string())?;
        if self.names_stream {
            shape.serialize_field("streamId", &event.stream.to_string())?;
        }
        shape.serialize_field("type", &pascal_case(event.event.type_name()))?;
        shape.serialize_field("data", &Json(&event.event.to_value()))?;
        shape.serialize_field("timestamp", &event.time.to_string())?;
        shape.serialize_field("version", &event.version)?;
        shape.serialize_field("position", &event.position)?;
        shape.serialize_field("metadata", &Json(&conductor_core::data::Record::to_value(&event.metadata)))?;
        shape.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::event::{Actor, AssignmentKind, Event, IssueAssigned, IssueEvent, Metadata};
    use conductor_core::identity::{AgentId, EventId, IssueRef, StreamId};
    use conductor_core::time::Timestamp;

    fn assigned() -> Recorded {
        let agent = AgentId::parse("dev-e-node").unwrap();
        let payload = IssueAssigned {
            agent: agent.clone(),
            instance: None,
            attempt: 1,
            epoch: 1,
            lease_token: "s3cret".to_owned(),
            expires_at: Timestamp::from_millis(1_800_000),
            branch_hint: "agent/issue-4-1".to_owned(),
            kind: AssignmentKind::Work,
            hook: false,
        };
        Recorded {
            id: EventId(1),
            stream: StreamId::Issue(IssueRef::parse("acme/web#4").unwrap()),
            version: 2,
            position: 9,
            time: Timestamp::from_millis(0),
            event: Event::Issue(IssueEvent::from(payload)),
            metadata: Metadata::by(Actor::Agent(agent)),
        }
    }

    #[test]
    fn an_event_has_exactly_these_names_and_no_lease_token() {
        let shape = serde_json::to_string(&StoredEvent::of_stream(assigned())).unwrap();
        assert_eq!(
            shape,
            concat!(
                r#"{"id":"00000000-0000-0000-0000-000000000001","type":"IssueAssigned","data":{"agentId":"dev-e-node","#,
                r#""attempt":1,"epoch":1,"expiresAt":"1970-01-01T00:30:00.000Z","branchHint":"agent/issue-4-1","#,
                r#""kind":"work","hook":false},"timestamp":"1970-01-01T00:00:00.000Z","version":2,"position":9,"#,
                r#""metadata":{"actor":"agent:dev-e-node"}}"#
            )
        );
    }

    #[test]
    fn a_read_of_the_log_names_the_stream() {
        let shape = serde_json::to_value(StoredEvent::of_log(assigned())).unwrap();
        assert_eq!(shape["streamId"], "acme/web#4");
    }
}
