//! Rows of the database as core's types.

use conductor_core::event::Recorded;
use conductor_core::identity::{StreamId, StreamKind};
use conductor_core::port::StoreFailure;
use tokio_postgres::Row;
use uuid::Uuid;

use super::sql_types::{At, count};
use crate::codec::{CodecError, StoredEvent, decode_event};
use crate::replay::PROJECTION_VERSION;

/// Reads a stream's id; a kind or name that can't be one means that somebody else wrote the row.
pub(super) fn stream_id(kind: &str, name: &str) -> Result<StreamId, StoreFailure> {
    let known = StreamKind::from_word(kind).and_then(|kind| StreamId::parse(kind, name));
    known.ok_or_else(|| CodecError::Stream(name.to_owned()).into())
}

/// The number of this build's projections, as rows carry it.
pub(super) fn projection() -> i32 {
    i32::try_from(PROJECTION_VERSION).unwrap_or(i32::MAX)
}

/// Whether a row (if there is one) holds a document of this build's.
pub(super) fn is_current(found: Option<i32>) -> bool {
    found == Some(projection())
}

/// The columns that [`recorded`] reads, of `events e`, the stream's id last. By number, since a lookup by name for each of nine
/// columns costs a replay a tenth.
pub(super) const EVENT: &str = "e.position, e.version, e.id, e.type, e.schema, e.time, e.data, e.metadata, e.stream";

/// The stream's id of the same row.
pub(super) fn of_stream(row: &Row) -> i64 {
    row.get(8)
}

/// Reads one event of that stream.
pub(super) fn recorded(row: &Row, stream: StreamId) -> Result<Recorded, StoreFailure> {
    let schema: i32 = row.get(4);
    let stored = StoredEvent {
        id: row.get::<_, Uuid>(2).as_u128(),
        stream,
        version: count(row.get(1)),
        position: count(row.get(0)),
        time: row.get::<_, At>(5).0.as_millis(),
        type_name: row.get(3),
        schema: u16::try_from(schema).unwrap_or(u16::MAX),
        data: row.get(6),
        metadata: row.get(7),
    };
    Ok(decode_event(stored)?)
}
