use conductor_core::identity::{EventId, StreamId};
use conductor_core::port::{AppendError, Body, Columns, Cursor, KeyedAnswer, Receipt};
use conductor_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::{Fault, signed, unsigned};
use super::{costs, guards};
use crate::codec::{PreparedAppend, PreparedEffect, PreparedEvent};
use crate::replay::PROJECTION_VERSION;

/// A stream as the writer finds it.
struct Found {
    number: i64,
    version: u64,
}

/// Checks key, version and guards, then records everything. The outer error is SQLite's; a refusal has written nothing.
pub(super) fn append(connection: &Connection, append: &PreparedAppend) -> Result<Result<Receipt, AppendError>, Fault> {
    if let Some(key) = &append.idempotency
        && let Some(refusal) = repeated(connection, key)?
    {
        return Ok(Err(refusal));
    }
    let found = find(connection, &append.key)?;
    let actual = found.as_ref().map_or(0, |found| found.version);
    if actual != append.expected {
        return Ok(Err(AppendError::Conflict { actual }));
    }
    for guard in &append.guards {
        if let Some(refusal) = guards::refusal(connection, guard)? {
            return Ok(Err(refusal));
        }
    }
    record(connection, append, found).map(Ok)
}

fn find(connection: &Connection, key: &str) -> Result<Option<Found>, Fault> {
    let mut statement = connection.prepare_cached("SELECT number, version FROM streams WHERE key = ?1")?;
    let found = statement.query_row([key], |row| Ok(Found { number: row.get(0)?, version: unsigned(row.get(1)?) }));
    Ok(found.optional()?)
}

fn repeated(connection: &Connection, key: &KeyedAnswer) -> Result<Option<AppendError>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, stream IS NOT NULL, first_version, last_version, first_position, last_position, since
         FROM answers WHERE scope = ?1 AND key = ?2",
    )?;
    let found = statement.query_row([&key.scope, &key.key], |row| {
        let (fingerprint, appended): (String, bool) = (row.get(0)?, row.get(1)?);
        if fingerprint != key.fingerprint || !appended {
            return Ok(AppendError::KeyReused);
        }
        Ok(AppendError::Duplicate(Receipt {
            first_version: unsigned(row.get(2)?),
            last_version: unsigned(row.get(3)?),
            first_position: unsigned(row.get(4)?),
            last_position: unsigned(row.get(5)?),
            time: Timestamp::from_millis(row.get(6)?),
        }))
    });
    Ok(found.optional()?)
}

fn record(connection: &Connection, append: &PreparedAppend, found: Option<Found>) -> Result<Receipt, Fault> {
    let last_version = append.expected + append.events.len() as u64;
    let stream = keep_stream(connection, append, found, last_version)?;
    let mut last_position = 0;
    for (version, event) in (append.expected + 1..).zip(&append.events) {
        last_position = insert_event(connection, stream, version, append.time, event)?;
    }
    let receipt = Receipt {
        first_version: append.expected + 1,
        last_version,
        first_position: last_position + 1 - append.events.len() as u64,
        last_position,
        time: append.time,
    };
    keep_row(connection, stream, &append.stream, last_version, &append.columns, &append.document)?;
    match &append.body {
        Body::Keep => {}
        Body::Set(body) => keep_body(connection, stream, body)?,
    }
    for (key, spent) in &append.costs {
        costs::add(connection, key, spent)?;
    }
    for effect in &append.effects {
        insert_effect(connection, append.time, effect)?;
    }
    if let Some(key) = &append.idempotency {
        keep_answer(connection, stream, key, &receipt)?;
    }
    Ok(receipt)
}

fn keep_stream(
    connection: &Connection,
    append: &PreparedAppend,
    found: Option<Found>,
    version: u64,
) -> Result<i64, Fault> {
    if let Some(Found { number, .. }) = found {
        let mut statement = connection.prepare_cached("UPDATE streams SET version = ?2 WHERE number = ?1")?;
        statement.execute(params![number, signed(version)])?;
        return Ok(number);
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO streams (key, id, kind, version) VALUES (?1, ?2, ?3, ?4)")?;
    let kind = append.stream.kind().as_str();
    Ok(statement.insert(params![append.key, append.stream.to_string(), kind, signed(version)])?)
}

/// Gives the event's position: one above the highest, since this is the only writer and events are never deleted.
fn insert_event(
    connection: &Connection,
    stream: i64,
    version: u64,
    time: Timestamp,
    event: &PreparedEvent,
) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (id, stream, version, type, schema, time, data, metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let encoded = &event.encoded;
    let position = statement.insert(params![
        bytes(event.id),
        stream,
        signed(version),
        encoded.type_name,
        encoded.schema,
        time.as_millis(),
        encoded.data,
        encoded.metadata,
    ])?;
    Ok(unsigned(position))
}

/// Writes a stream's row as of `version`; a rebuild does it the same way.
pub(super) fn keep_row(
    connection: &Connection,
    stream: i64,
    id: &StreamId,
    version: u64,
    columns: &Columns,
    document: &str,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO read_models (stream, kind, version, projection, shown, place_name, place_number, repo, number,
                                  state, priority, holder, holder_agent, unstarted, head, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (stream) DO UPDATE SET
             version = excluded.version, projection = excluded.projection, shown = excluded.shown,
             repo = excluded.repo, number = excluded.number, state = excluded.state, priority = excluded.priority,
             holder = excluded.holder, holder_agent = excluded.holder_agent, unstarted = excluded.unstarted,
             head = excluded.head, document = excluded.document",
    )?;
    let place = Cursor::of(id);
    statement.execute(params![
        stream,
        id.kind().as_str(),
        signed(version),
        PROJECTION_VERSION,
        columns.shown,
        place.name,
        signed(place.number),
        columns.repo.as_ref().map(|repo| repo.as_str().to_ascii_lowercase()),
        columns.number.map(signed),
        columns.state,
        columns.priority,
        columns.holder.as_ref().map(ToString::to_string),
        columns.holder.as_ref().map(|holder| holder.agent.as_str()),
        columns.unstarted,
        columns.head.as_ref().map(|head| head.as_str()),
        document,
    ])?;
    Ok(())
}

/// Writes the text beside a stream's row.
pub(super) fn keep_body(connection: &Connection, stream: i64, body: &str) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO bodies (stream, body) VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET body = excluded.body",
    )?;
    statement.execute(params![stream, body])?;
    Ok(())
}

fn insert_effect(connection: &Connection, since: Timestamp, effect: &PreparedEffect) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO outbox (id, event_id, destination, key, data, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let (id, event_id) = (bytes(effect.id), bytes(effect.event_id));
    statement.execute(params![id, event_id, effect.destination, effect.key, effect.data, since.as_millis()])?;
    Ok(())
}

fn keep_answer(connection: &Connection, stream: i64, key: &KeyedAnswer, receipt: &Receipt) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO answers (scope, key, fingerprint, since, stream, first_version, last_version, first_position,
                              last_position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        key.scope,
        key.key,
        key.fingerprint,
        receipt.time.as_millis(),
        stream,
        signed(receipt.first_version),
        signed(receipt.last_version),
        signed(receipt.first_position),
        signed(receipt.last_position),
    ])?;
    Ok(())
}

/// A UUID as it is stored.
pub(super) fn bytes(id: EventId) -> [u8; 16] {
    id.0.to_be_bytes()
}
