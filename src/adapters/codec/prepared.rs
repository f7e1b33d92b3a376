use conductor_core::cost::{self, CostKey, Spent};
use conductor_core::identity::{EventId, StreamId};
use conductor_core::port::{
    Append, AppendError, Body, Columns, Cursor, Guard, KeyedAnswer, NewEffect, NewEvent, StoreFailure,
};
use conductor_core::time::Timestamp;

use super::{CodecError, EncodedEvent, encode_effect, encode_event, encode_state};

/// An [`Append`] with everything turned into text, as an SQL store binds it.
///
/// It is made on the caller's thread, so that the one writer of a store spends its time on nothing but SQL.
#[derive(Debug, Clone)]
pub struct PreparedAppend {
    /// The stream.
    pub stream: StreamId,
    /// [`StreamId::key`]: what stores compare.
    pub key: String,
    /// The version that the stream must have.
    pub expected: u64,
    /// At least one.
    pub events: Vec<PreparedEvent>,
    /// The row's document.
    pub document: String,
    /// The row's columns.
    pub columns: Columns,
    /// The row's place in the order of rows.
    pub place: Cursor,
    /// The text beside the document.
    pub body: Body,
    /// Rows of the outbox.
    pub effects: Vec<PreparedEffect>,
    /// What its events say was spent.
    pub costs: Vec<(CostKey, Spent)>,
    /// What must hold.
    pub guards: Vec<Guard>,
    /// Recognises a repeat.
    pub idempotency: Option<KeyedAnswer>,
    /// The time of all its events.
    pub time: Timestamp,
}

/// One event of a [`PreparedAppend`].
#[derive(Debug, Clone)]
pub struct PreparedEvent {
    /// UUID v7.
    pub id: EventId,
    /// Its texts.
    pub encoded: EncodedEvent,
}

/// One effect of a [`PreparedAppend`].
#[derive(Debug, Clone)]
pub struct PreparedEffect {
    /// Its own id.
    pub id: EventId,
    /// The id of the event that caused it.
    pub event_id: EventId,
    /// Lane.
    pub destination: &'static str,
    /// Order holds within a key.
    pub key: String,
    /// JSON.
    pub data: String,
}

impl PreparedAppend {
    /// Turns an append into text.
    ///
    /// # Errors
    /// [`StoreFailure::Corrupt`] when it has no event, or holds what JSON can't: such an append could never be read back.
    pub fn new(append: Append) -> Result<Self, AppendError> {
        if append.events.is_empty() {
            return Err(StoreFailure::Corrupt("an append without events".to_owned()).into());
        }
        Self::encode(append).map_err(|error| AppendError::Store(error.into()))
    }

    fn encode(append: Append) -> Result<Self, CodecError> {
        let kind = append.stream.kind();
        let prepared_event =
            |new: &NewEvent| Ok(PreparedEvent { id: new.id, encoded: encode_event(kind, &new.event, &new.metadata)? });
        let prepared_effect = |new: &NewEffect| {
            Ok(PreparedEffect {
                id: new.id,
                event_id: new.event_id,
                destination: new.effect.destination().as_str(),
                key: new.effect.key(),
                data: encode_effect(&new.effect)?,
            })
        };
        let spent = |new: &NewEvent| cost::of(&append.stream, &new.event, append.time);
        Ok(Self {
            costs: append.events.iter().filter_map(spent).collect(),
            key: append.stream.key(),
            expected: append.expected,
            events: append.events.iter().map(prepared_event).collect::<Result<_, CodecError>>()?,
            document: encode_state(&append.snapshot.state)?,
            columns: append.snapshot.state.columns(),
            place: Cursor::of(&append.stream),
            body: append.snapshot.body,
            effects: append.effects.iter().map(prepared_effect).collect::<Result<_, CodecError>>()?,
            guards: append.guards,
            idempotency: append.key,
            time: append.time,
            stream: append.stream,
        })
    }
}
