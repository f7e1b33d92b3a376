use actix_web::web::Bytes;
use conductor_core::event::{Recorded, pascal_case};

use crate::error::json_text;
use crate::wire::StoredEvent;

/// An event as it goes over the wire, encoded once for all readers.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) position: u64,
    /// The UPPER_SNAKE name, which filters compare.
    pub(super) kind: &'static str,
    pub(super) bytes: Bytes,
}

impl Frame {
    pub(super) fn of(event: Recorded) -> Self {
        let (position, kind) = (event.position, event.event.type_name());
        // JSON on one line: a line end inside of a text is escaped there.
        let data = json_text(&StoredEvent::of_log(event));
        let text = format!("id: {position}\nevent: {}\ndata: {data}\n\n", pascal_case(kind));
        Self { position, kind, bytes: Bytes::from(text) }
    }
}

/// What a reader gets first: when to come back if the connection is lost, and from where, even before its first event.
pub(super) fn opening(position: u64, come_back_after: std::time::Duration) -> Bytes {
    Bytes::from(format!("retry: {}\nid: {position}\n\n", come_back_after.as_millis()))
}

/// A comment, with the position up to which there was nothing (more) for this reader: an id without data is no event, but it is
/// where a client resumes, and a filter that seldom matches must not make it read everything again.
pub(super) fn comment(text: &str, position: u64) -> Bytes {
    Bytes::from(format!(": {text}\nid: {position}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::event::{Actor, AssignmentKind, Event, IssueAssigned, IssueEvent, Metadata};
    use conductor_core::identity::{AgentId, EventId, IssueRef, StreamId};
    use conductor_core::time::Timestamp;

    #[test]
    fn an_event_is_one_block_with_its_position_and_without_the_lease_token() {
        let agent = AgentId::parse("dev-e-node").unwrap();
        let payload = IssueAssigned {
            agent: agent.clone(),
            instance: None,
            attempt: 1,
            epoch: 1,
            lease_token: "s3cret".to_owned(),
            expires_at: Timestamp::from_millis(0),
            branch_hint: "two\nlines".to_owned(),
            kind: AssignmentKind::Work,
            hook: false,
            demanded: false,
            pushed: false,
        };
        let event = Recorded {
            id: EventId(1),
            stream: StreamId::Issue(IssueRef::parse("acme/web#4").unwrap()),
            version: 2,
            position: 9,
            time: Timestamp::from_millis(0),
            event: Event::Issue(IssueEvent::from(payload)),
            metadata: Metadata::by(Actor::Agent(agent)),
        };
        let expected = serde_json::to_string(&StoredEvent::of_log(event.clone())).unwrap();
        let frame = Frame::of(event);
        let text = std::str::from_utf8(&frame.bytes).unwrap();
        assert_eq!(text, format!("id: 9\nevent: IssueAssigned\ndata: {expected}\n\n"));
        assert_eq!((text.lines().count(), text.contains("s3cret"), frame.kind), (4, false, "ISSUE_ASSIGNED"));
    }
}
