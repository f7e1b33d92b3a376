use std::borrow::Cow;

use conductor_core::data::Record;
use conductor_core::event::{EventType, Recorded, pascal_case};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::{CostOfOne, ExecutionRow};
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

/// The event as clients see it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Event")]
struct Shape<'e> {
    id: String,
    /// Left out where one stream is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_id: Option<String>,
    /// Such as `IssueApproved`.
    #[serde(rename = "type")]
    #[schemars(schema_with = "names")]
    event_type: String,
    /// What that type says.
    #[schemars(schema_with = "object")]
    data: Json<'e>,
    timestamp: String,
    /// In its stream: 1, 2, 3 …
    #[schemars(range(min = 1))]
    version: u64,
    /// In the log.
    #[schemars(range(min = 1))]
    position: u64,
    /// Who said it, and what came with it.
    #[schemars(schema_with = "object")]
    metadata: Json<'e>,
}

fn object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

fn names(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<String> = EventType::all().map(EventType::pascal_case).collect();
    json_schema!({ "type": "string", "enum": names })
}

impl Serialize for StoredEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = &self.event;
        let (data, metadata) = (event.event.to_value(), event.metadata.to_value());
        let shape = Shape {
            id: event.id.to_string(),
            stream_id: self.names_stream.then(|| event.stream.to_string()),
            event_type: pascal_case(event.event.type_name()),
            data: Json(&data),
            timestamp: event.time.to_string(),
            version: event.version,
            position: event.position,
            metadata: Json(&metadata),
        };
        shape.serialize(serializer)
    }
}

impl JsonSchema for StoredEvent {
    fn schema_name() -> Cow<'static, str> {
        Shape::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Shape::json_schema(generator)
    }
}

/// The shape of a row with its runs, its cost, and its events under `timeline`.
pub(crate) fn with_timeline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let (row, timeline) = (generator.subschema_for::<T>(), generator.subschema_for::<Vec<StoredEvent>>());
    let (runs, cost) = (generator.subschema_for::<Vec<ExecutionRow>>(), generator.subschema_for::<CostOfOne>());
    json_schema!({ "allOf": [row, {
        "type": "object", "required": ["executionLogs", "cost", "timeline"],
        "properties": { "executionLogs": runs, "cost": cost, "timeline": timeline },
    }] })
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
            demanded: false,
            pushed: false,
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
                r#""kind":"work","hook":false,"demanded":false,"pushed":false},"timestamp":"1970-01-01T00:00:00.000Z","version":2,"position":9,"#,
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
