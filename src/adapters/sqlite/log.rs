use std::collections::HashMap;

use conductor_core::decider::StreamState;
use conductor_core::event::Recorded;
use conductor_core::identity::{StreamId, StreamKind};
use conductor_core::port::{Append, AppendError, EventStore, LogFilter, PortFuture, Receipt, StoreFailure};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};

use super::SqliteStore;
use super::append::append;
use super::failure::{Fault, limit, signed, unsigned};
use crate::codec::{CodecError, PreparedAppend, StoredEvent, decode_event, decode_state};
use crate::replay::{PROJECTION_VERSION, Replay};

/// The columns of an event, in the order in which [`Events`] reads them.
macro_rules! event_columns {
    () => {
        "e.position, e.id, e.stream, e.version, e.type, e.schema, e.time, e.data, e.metadata"
    };
}

/// A stream's name as it is stored.
pub(super) fn stream_id(kind: StreamKind, id: &str) -> Result<StreamId, Fault> {
    Ok(StreamId::parse(kind, id).ok_or_else(|| CodecError::Stream(id.to_owned()))?)
}

/// A stream from columns that hold kind and name.
pub(super) fn stream_of(row: &Row<'_>, kind: usize, id: usize) -> Result<StreamId, Fault> {
    let word = row.get_ref(kind)?.as_str().map_err(rusqlite::Error::from)?;
    let kind = StreamKind::from_word(word).ok_or_else(|| CodecError::Stream(word.to_owned()))?;
    stream_id(kind, row.get_ref(id)?.as_str().map_err(rusqlite::Error::from)?)
}

/// Reads events, and the name of each stream once per query instead of joining it to every row.
struct Events<'c> {
    connection: &'c Connection,
    streams: HashMap<i64, StreamId>,
}

impl<'c> Events<'c> {
    fn new(connection: &'c Connection) -> Self {
        Self { connection, streams: HashMap::new() }
    }

    fn collect(&mut self, mut rows: Rows<'_>) -> Result<Vec<Recorded>, Fault> {
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(self.decode(row)?);
        }
        Ok(events)
    }

    fn decode(&mut self, row: &Row<'_>) -> Result<Recorded, Fault> {
        let text = |at: usize| -> rusqlite::Result<&str> { row.get_ref(at)?.as_str().map_err(Into::into) };
        let stored = StoredEvent {
            position: unsigned(row.get(0)?),
            id: u128::from_be_bytes(row.get(1)?),
            stream: self.stream(row.get(2)?)?,
            version: unsigned(row.get(3)?),
            type_name: text(4)?,
            schema: row.get(5)?,
            time: row.get(6)?,
            data: text(7)?,
            metadata: text(8)?,
        };
        Ok(decode_event(stored)?)
    }

    fn stream(&mut self, number: i64) -> Result<StreamId, Fault> {
        if let Some(known) = self.streams.get(&number) {
            return Ok(known.clone());
        }
        let mut statement = self.connection.prepare_cached("SELECT kind, id FROM streams WHERE number = ?1")?;
        let stream = statement.query_row([number], |row| Ok(stream_of(row, 0, 1)))??;
        self.streams.insert(number, stream.clone());
        Ok(stream)
    }
}

fn read_stream(connection: &Connection, key: &str, after: u64, most: usize) -> Result<Vec<Recorded>, Fault> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        event_columns!(),
        " FROM events e WHERE e.stream = (SELECT number FROM streams WHERE key = ?1) AND e.version > ?2
         ORDER BY e.version LIMIT ?3"
    ))?;
    Events::new(connection).collect(statement.query(params![key, signed(after), limit(most)])?)
}

pub(super) fn read_log(
    connection: &Connection,
    after: u64,
    most: usize,
    types: &[String],
) -> Result<Vec<Recorded>, Fault> {
    let mut events = Events::new(connection);
    if types.is_empty() {
        let mut statement = connection.prepare_cached(concat!(
            "SELECT ",
            event_columns!(),
            " FROM events e WHERE e.position > ?1 ORDER BY e.position LIMIT ?2"
        ))?;
        return events.collect(statement.query(params![signed(after), limit(most)])?);
    }
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        event_columns!(),
        " FROM events e WHERE e.position > ?1 AND e.type IN (SELECT value FROM json_each(?3))
         ORDER BY e.position LIMIT ?2"
    ))?;
    let types = serde_json::to_string(types).map_err(CodecError::Json)?;
    events.collect(statement.query(params![signed(after), limit(most), types])?)
}

/// Folds a whole stream, a page at a time.
pub(super) fn replay(connection: &Connection, stream: &StreamId) -> Result<Replay, Fault> {
    const PAGE: usize = 500;
    let (key, mut replay) = (stream.key(), Replay::of(stream));
    loop {
        let page = read_stream(connection, &key, replay.version, PAGE)?;
        if page.is_empty() {
            return Ok(replay);
        }
        for event in page {
            replay.fold(event)?;
        }
    }
}

fn load(connection: &Connection, key: &str) -> Result<Option<(u64, StreamState)>, Fault> {
    // One snapshot for the row and, where that is of another build, the events.
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(
        "SELECT s.kind, s.id, s.version, m.document
         FROM streams s LEFT JOIN read_models m ON m.stream = s.number AND m.version = s.version AND m.projection = ?2
         WHERE s.key = ?1",
    )?;
    let found = statement
        .query_row(params![key, PROJECTION_VERSION], |row| {
            Ok((stream_of(row, 0, 1), unsigned(row.get(2)?), row.get::<_, Option<String>>(3)?))
        })
        .optional()?;
    let Some((stream, version, document)) = found else { return Ok(None) };
    let stream = stream?;
    match document {
        Some(document) => Ok(Some((version, decode_state(stream.kind(), &document)?))),
        None => replay(&transaction, &stream).map(|replay| Some((replay.version, replay.state))),
    }
}

impl EventStore for SqliteStore {
    fn append(&self, new: Append) -> PortFuture<'_, Result<Receipt, AppendError>> {
        Box::pin(async move {
            let prepared = PreparedAppend::new(new)?;
            self.write(move |connection| append(connection, &prepared)).await?
        })
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        after: u64,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        let key = stream.key();
        self.read(move |connection| read_stream(connection, &key, after, limit))
    }

    fn read_log<'a>(
        &'a self,
        after: u64,
        limit: usize,
        filter: &'a LogFilter,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        let types = filter.types.clone();
        self.read(move |connection| read_log(connection, after, limit, &types))
    }

    fn head(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT coalesce(max(position), 0) FROM events")?;
            Ok(unsigned(statement.query_row([], |row| row.get(0))?))
        })
    }

    fn wait_past(&self, position: u64) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.tail.wait_past(position))
    }

    fn load<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<(u64, StreamState)>, StoreFailure>> {
        let key = stream.key();
        self.read(move |connection| load(connection, &key))
    }
}
