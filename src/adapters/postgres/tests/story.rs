use std::sync::atomic::{AtomicU64, Ordering};

use conductor_core::decider::{Moment, StreamState};
use conductor_core::event::{Actor, Event, IssueEvent, Metadata, Priority, PriorityChanged};
use conductor_core::identity::{EventId, IssueRef, StreamId};
use conductor_core::port::{Append, Body, NewEvent, Snapshot};
use conductor_core::time::Timestamp;

/// A moment like any other.
pub(super) fn noon() -> Timestamp {
    Timestamp::from_millis(1_795_262_400_000)
}

/// One event, on a stream that stands at `expected`.
pub(in crate::postgres) fn append_to(issue: &str, expected: u64) -> Append {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let stream = StreamId::Issue(IssueRef::parse(issue).unwrap());
    let event = Event::Issue(IssueEvent::from(PriorityChanged { priority: Priority::High, updated_at: None }));
    let mut state = StreamState::initial(&stream);
    state.evolve(event.clone(), Moment { version: expected + 1, time: noon() }).unwrap();
    let id = EventId(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    Append {
        stream,
        expected,
        events: vec![NewEvent { id, event, metadata: Metadata::by(Actor::Daemon("test".to_owned())) }],
        snapshot: Snapshot { state, body: Body::Keep },
        effects: Vec::new(),
        guards: Vec::new(),
        key: None,
        time: noon(),
    }
}
