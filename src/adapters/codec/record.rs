use conductor_core::data::Record;
use conductor_core::decider::StreamState;
use conductor_core::identity::StreamKind;
use conductor_core::reaction::{Destination, Effect};

use super::{CodecError, parse, write};

/// Writes a stream's state as its row's document.
///
/// # Errors
/// When it holds what JSON can't.
pub fn encode_state(state: &StreamState) -> Result<String, CodecError> {
    write(&state.to_value())
}

/// Reads a row's document.
///
/// # Errors
/// When it is no state of that kind of stream.
pub fn decode_state(kind: StreamKind, text: &str) -> Result<StreamState, CodecError> {
    Ok(StreamState::from_value(kind, &parse(text)?)?)
}

/// Writes an effect for the outbox.
///
/// # Errors
/// When it holds what JSON can't.
pub fn encode_effect(effect: &Effect) -> Result<String, CodecError> {
    write(&effect.to_value())
}

/// Reads an effect from the outbox.
///
/// # Errors
/// When it is none for that destination.
pub fn decode_effect(destination: Destination, text: &str) -> Result<Effect, CodecError> {
    Ok(Effect::from_value(destination, &parse(text)?)?)
}

/// What a stored effect is, for people; also where it can't be read.
#[must_use]
pub fn summary_of(destination: Destination, text: &str) -> String {
    decode_effect(destination, text).map_or_else(|error| format!("failed to {error}"), |effect| effect.summary())
}

/// Writes any record of core's, such as a check that came early.
///
/// # Errors
/// When it holds what JSON can't.
pub fn encode_record<R: Record>(record: &R) -> Result<String, CodecError> {
    write(&record.to_value())
}

/// Reads any record of core's.
///
/// # Errors
/// When it is none.
pub fn decode_record<R: Record>(text: &str) -> Result<R, CodecError> {
    Ok(R::from_value(&parse(text)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::decider::Moment;
    use conductor_core::event::{
        AgentEvent, AgentOnline, Event, IssueDone, IssueEvent, MergeConflict, PullRequestEvent,
    };
    use conductor_core::identity::{AgentId, IssueRef, StreamId};
    use conductor_core::reaction::Tell;
    use conductor_core::time::Timestamp;

    #[test]
    fn a_state_reads_back_as_the_same_document() {
        let stream = StreamId::Agent(AgentId::parse("dev-e-node").unwrap());
        let mut state = StreamState::initial(&stream);
        let at = Moment { version: 1, time: Timestamp::from_millis(1_795_253_400_123) };
        state.evolve(Event::Agent(AgentEvent::Online(AgentOnline { since: None })), at).unwrap();
        let text = encode_state(&state).unwrap();
        assert_eq!(decode_state(StreamKind::Agent, &text).unwrap(), state);
        assert!(decode_state(StreamKind::Agent, "[]").is_err());
    }

    #[test]
    fn an_effect_reads_back_as_what_it_tells() {
        let issue = StreamId::Issue(IssueRef::parse("acme/web#7").unwrap());
        let pull = StreamId::PullRequest(IssueRef::parse("acme/web#8").unwrap());
        let done = IssueEvent::from(IssueDone { duration_minutes: Some(5), by: "merged".to_owned(), updated_at: None });
        let effect = Tell::pull_request(&pull, &issue, &done);
        let read = decode_effect(Destination::Internal, &encode_effect(&effect).unwrap()).unwrap();
        assert_eq!(read, effect);
        assert!(decode_effect(Destination::Internal, "{}").is_err());
    }

    #[test]
    fn a_record_reads_back_and_another_shape_is_refused() {
        let conflict = MergeConflict { head_sha: None, updated_at: None };
        assert_eq!(decode_record::<MergeConflict>(&encode_record(&conflict).unwrap()).unwrap(), conflict);
        assert!(PullRequestEvent::from_value("MERGE_CONFLICT", &parse("3").unwrap()).unwrap().is_err());
    }
}
