use std::borrow::Cow;

use conductor_core::port::Body;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Queued;
use super::session::StreamIds;
use crate::codec::{PreparedAppend, PreparedEvent};
use crate::postgres::rows::projection;
use crate::postgres::sql_types::{At, bigint, without_nul};

/// How many parameters `append_one` has.
const PARAMS: usize = 19;

/// The call that writes a [`Lone`] append, or says by an absent position that it is none for it.
pub(super) const CALL: &str =
    "SELECT append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

/// A batch of one append of the ordinary kind, as scalars: one event, to a stream whose id is known, without guards, key,
/// effects and costs.
pub(super) struct Lone<'a> {
    append: &'a PreparedAppend,
    event: &'a PreparedEvent,
    stream: i64,
    expected: i64,
    at: At,
    id: Uuid,
    schema: i32,
    projection: i32,
    holder: Option<&'a str>,
    claimant: Option<String>,
    head: Option<&'a str>,
    body: Option<Cow<'a, str>>,
    announce: bool,
}

impl<'a> Lone<'a> {
    /// `None` for whatever else a batch may be.
    pub(super) fn of(batch: &'a [Queued], ids: &mut StreamIds, announce: bool) -> Option<Self> {
        let [Queued { append, .. }] = batch else { return None };
        let [event] = append.events.as_slice() else { return None };
        let bare = append.guards.is_empty() && append.effects.is_empty() && append.costs.is_empty();
        if !bare || append.idempotency.is_some() {
            return None;
        }
        let columns = &append.columns;
        Some(Self {
            stream: ids.get(append.key.as_str())?,
            append,
            event,
            expected: bigint(append.expected),
            at: At(append.time),
            id: Uuid::from_u128(event.id.0),
            schema: i32::from(event.encoded.schema),
            projection: projection(),
            holder: columns.holder.as_ref().map(|claimant| claimant.agent.as_str()),
            claimant: columns.holder.as_ref().map(ToString::to_string),
            head: columns.head.as_ref().map(|head| head.as_str()),
            body: match &append.body {
                Body::Keep => None,
                Body::Set(text) => Some(without_nul(text)),
            },
            announce,
        })
    }

    /// In the order of the function's parameters.
    pub(super) fn params(&self) -> [&(dyn ToSql + Sync); PARAMS] {
        let (encoded, columns) = (&self.event.encoded, &self.append.columns);
        [
            &self.stream,
            &self.expected,
            &self.at,
            &self.id,
            &encoded.type_name,
            &self.schema,
            &encoded.data,
            &encoded.metadata,
            &self.projection,
            &columns.shown,
            &columns.state,
            &columns.priority,
            &self.holder,
            &self.claimant,
            &columns.unstarted,
            &self.head,
            &self.append.document,
            &self.body,
            &self.announce,
        ]
    }
}
