//! What a stream's events add up to, for every store the same.

use conductor_core::agent::AgentDecider;
use conductor_core::decider::{Decider, Moment, StreamState};
use conductor_core::event::{Event, Recorded};
use conductor_core::identity::StreamId;
use conductor_core::issue::IssueDecider;
use conductor_core::port::StoreFailure;
use conductor_core::pull_request::PullRequestDecider;
use conductor_core::rig::RigDecider;

/// The number of today's projections: raise it whenever a state's document or columns change their shape or meaning.
///
/// A row that another number made is never read; stores replay the stream instead.
pub const PROJECTION_VERSION: u32 = 6;

/// A stream as its events leave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The version of the last event folded in; 0 before the first.
    pub version: u64,
    /// The state after it.
    pub state: StreamState,
    /// The last body that an event brought.
    pub body: Option<String>,
}

impl Replay {
    /// A stream without events.
    #[must_use]
    pub fn of(stream: &StreamId) -> Self {
        Self { version: 0, state: StreamState::initial(stream), body: None }
    }

    /// Folds the next event in.
    ///
    /// # Errors
    /// When the event isn't the next one, or not of this kind of stream: then the log itself is broken.
    pub fn fold(&mut self, recorded: Recorded) -> Result<(), StoreFailure> {
        let Recorded { version, position, time, event, .. } = recorded;
        if version != self.version + 1 {
            return Err(StoreFailure::Corrupt(format!("version {version} follows version {}", self.version)));
        }
        if let Some(body) = body_of(&event) {
            self.body = Some(body.to_owned());
        }
        let folded = self.state.evolve(event, Moment { version, time });
        folded.map_err(|event| {
            StoreFailure::Corrupt(format!("{} at position {position} is of another kind of stream", event.type_name()))
        })?;
        self.version = version;
        Ok(())
    }
}

/// The text that an event brings, which is kept beside the document.
#[must_use]
pub fn body_of(event: &Event) -> Option<&str> {
    match event {
        Event::Issue(event) => IssueDecider::body(event),
        Event::PullRequest(event) => PullRequestDecider::body(event),
        Event::Agent(event) => AgentDecider::body(event),
        Event::Rig(event) => RigDecider::body(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::event::{Actor, AgentEvent, AgentOnline, Metadata, MilestoneComplete, RigEvent};
    use conductor_core::identity::{AgentId, EventId};
    use conductor_core::time::Timestamp;

    fn recorded(version: u64, event: Event) -> Recorded {
        Recorded {
            id: EventId(1),
            stream: StreamId::Agent(AgentId::parse("dev-e-node").unwrap()),
            version,
            position: 40 + version,
            time: Timestamp::from_millis(0),
            event,
            metadata: Metadata::by(Actor::Daemon("test".to_owned())),
        }
    }

    fn online() -> Event {
        Event::Agent(AgentEvent::Online(AgentOnline { since: None }))
    }

    #[test]
    fn a_hole_in_the_versions_is_found() {
        let mut replay = Replay::of(&recorded(1, online()).stream);
        replay.fold(recorded(1, online())).unwrap();
        assert_eq!(replay.version, 1);
        assert!(matches!(replay.fold(recorded(3, online())), Err(StoreFailure::Corrupt(_))));
    }

    #[test]
    fn an_event_of_another_kind_of_stream_is_found() {
        let complete = MilestoneComplete { milestone: "1.0".to_owned(), repo: None, issue_count: 3 };
        let mut replay = Replay::of(&recorded(1, online()).stream);
        let failure = replay.fold(recorded(1, Event::Rig(RigEvent::MilestoneComplete(complete)))).unwrap_err();
        assert!(failure.to_string().contains("MILESTONE_COMPLETE at position 41"), "{failure}");
    }
}
