use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use conductor_core::decider::{Decider, Decision, Given, Moment, Refusal, StreamState};
use conductor_core::event::{Decided, Event, IssueEdited, IssueEvent, OwnIssueEvent, Recorded};
use conductor_core::identity::{IssueRef, StreamId, StreamKind};
use conductor_core::issue::Issue;
use conductor_core::port::{Columns, Guard};
use conductor_core::reaction::{Effect, Tell};

/// Counts in an issue's `epoch`, by events whose title is the count after them: a lost update would show as a gap or a repeat.
pub(crate) struct Counter;

/// What may be asked of a counter.
#[derive(Debug, Clone)]
pub(crate) enum Count {
    /// One more, with this mark.
    Add(String),
    /// One more, told to another stream.
    Tell(String, StreamId),
    /// One more, with a text that is kept beside the document.
    Describe(String),
    /// One more, under a condition.
    AddUnder(String, Guard),
    /// Own count plus that of another stream.
    AddCountOf(StreamId),
    /// One more unless it stands there already.
    UpTo(u32),
    /// No, without a trace.
    Refuse,
    /// No, on record.
    RefuseOnRecord(String),
    /// One more, but the first so many decisions panic.
    Panic(Arc<AtomicU32>),
}

/// The count of a state.
pub(crate) fn count_of(state: &Issue) -> u32 {
    state.epoch
}

/// The marks of recorded events, in order.
pub(crate) fn marks_of(log: &[Recorded]) -> Vec<String> {
    log.iter().map(|recorded| edited(&recorded.event).map_or_else(String::new, |edited| edited.0)).collect()
}

/// Mark and count of an event.
fn edited(event: &Event) -> Option<(String, u32)> {
    let Event::Issue(IssueEvent::Own(OwnIssueEvent::Edited(edited))) = event else { return None };
    Some((edited.labels.clone()?.first()?.clone(), edited.title.as_ref()?.parse().ok()?))
}

fn event(mark: &str, count: u32, body: Option<String>, tell: Option<String>) -> Decided<IssueEvent> {
    let edited = IssueEdited {
        title: Some(count.to_string()),
        body,
        labels: Some(vec![mark.to_owned()]),
        milestone: tell,
        closed: None,
        updated_at: None,
    };
    Decided::by_rule(IssueEvent::Own(OwnIssueEvent::Edited(edited)), "counting", [format!("count {count}")])
}

impl Decider for Counter {
    type State = Issue;
    type Command = Count;
    type Event = IssueEvent;
    const KIND: StreamKind = StreamKind::Issue;

    fn initial(stream: &StreamId) -> Issue {
        conductor_core::issue::IssueDecider::initial(stream)
    }

    fn reads(_: &Issue, command: &Count) -> Vec<StreamId> {
        match command {
            Count::AddCountOf(other) => vec![other.clone()],
            Count::Add(_)
            | Count::Tell(..)
            | Count::Describe(_)
            | Count::AddUnder(..)
            | Count::UpTo(_)
            | Count::Refuse
            | Count::RefuseOnRecord(_)
            | Count::Panic(_) => Vec::new(),
        }
    }

    fn decide(state: &Issue, command: &Count, given: &Given<'_>) -> Decision<IssueEvent> {
        let next = state.epoch + 1;
        let refusal = Refusal::LostRace { why: "not in the mood".to_owned() };
        match command {
            Count::Add(mark) => Decision::accept(vec![event(mark, next, None, None)]),
            Count::Tell(mark, to) => Decision::accept(vec![event(mark, next, None, Some(to.to_string()))]),
            Count::Describe(body) => Decision::accept(vec![event("described", next, Some(body.clone()), None)]),
            Count::AddUnder(mark, guard) => {
                Decision::accept(vec![event(mark, next, None, None)]).guarded(guard.clone())
            }
            Count::AddCountOf(other) => {
                let theirs = given.neighbours.get(other).and_then(|state| match state {
                    StreamState::Issue(state) => Some(state.epoch),
                    StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
                });
                Decision::accept(vec![event("sum", state.epoch + theirs.unwrap_or(0), None, None)])
            }
            Count::UpTo(limit) if state.epoch >= *limit => Decision::unchanged(u64::from(*limit)),
            Count::UpTo(_) => Decision::accept(vec![event("up", next, None, None)]),
            Count::Refuse => Decision::refuse(refusal),
            Count::RefuseOnRecord(mark) => {
                let refusal = Refusal::LostRace { why: format!("not in the mood: {mark}") };
                Decision::refuse_on_record(vec![event(mark, next, None, None)], refusal)
            }
            Count::Panic(fuse) => {
                let left = fuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                assert!(left.is_err(), "no rule for that");
                Decision::accept(vec![event("survived", next, None, None)])
            }
        }
    }

    fn evolve(state: &mut Issue, event: &IssueEvent, at: Moment) {
        let (mark, count) = edited(&Event::Issue(event.clone())).expect("a counter only edits");
        (state.title, state.epoch, state.version) = (mark, count, at.version);
    }

    fn reactions(state: &Issue, event: &IssueEvent) -> Vec<Effect> {
        let IssueEvent::Own(OwnIssueEvent::Edited(edited)) = event else { return Vec::new() };
        let target = edited.milestone.as_deref().and_then(IssueRef::parse);
        let source = StreamId::Issue(state.reference.clone());
        target.map(|target| Tell::pull_request(&StreamId::PullRequest(target), &source, event)).into_iter().collect()
    }

    fn columns(state: &Issue) -> Columns {
        conductor_core::issue::IssueDecider::columns(state)
    }

    fn body(event: &IssueEvent) -> Option<&str> {
        conductor_core::issue::IssueDecider::body(event)
    }

    fn wrap(event: IssueEvent) -> Event {
        Event::Issue(event)
    }

    fn unwrap(event: Event) -> Option<IssueEvent> {
        conductor_core::issue::IssueDecider::unwrap(event)
    }

    fn wrap_state(state: Issue) -> StreamState {
        StreamState::Issue(Box::new(state))
    }

    fn unwrap_state(state: StreamState) -> Option<Issue> {
        conductor_core::issue::IssueDecider::unwrap_state(state)
    }
}
