use std::borrow::Cow;

use conductor_core::cost::MOST_OF_ONE_ROW;
use conductor_core::identity::StreamId;
use conductor_core::port::{Body, Guard};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Queued;
use super::session::StreamIds;
use crate::codec::PreparedAppend;
use crate::postgres::costs::CostColumns;
use crate::postgres::rows::projection;
use crate::postgres::sql_types::{At, JsonText, bigint, without_nul};

/// Parameters that every batch has.
pub(super) const PLAIN: usize = 22;

/// Parameters of a batch in which something was spent, which has a function of its own.
pub(super) const WITH_COSTS: usize = FULL + 14;

/// Parameters of a batch with streams whose ids aren't known, or with keys, guards or effects.
pub(super) const FULL: usize = 40;

/// The call that judges and writes a batch (`migrations/postgres`), with the first `params` of its parameters. Each costs the
/// server a microsecond, so a batch that has nothing for the last ones leaves them to their defaults.
pub(super) fn call(params: usize) -> String {
    let places: Vec<String> = (1..=params).map(|place| format!("${place}")).collect();
    let function = if params > FULL { "append_batch_with_costs" } else { "append_batch" };
    format!("SELECT * FROM {function}({})", places.join(", "))
}

/// A batch turned on its side: one array per column.
#[derive(Default)]
pub(super) struct Arrays<'a> {
    streams: StreamColumns<'a>,
    events: EventColumns<'a>,
    rows: RowColumns<'a>,
    answers: AnswerColumns<'a>,
    guards: GuardColumns,
    effects: EffectColumns<'a>,
    /// The append of each of `costs`.
    cost_appends: Vec<i32>,
    costs: CostColumns,
    /// Where a row of costs stops counting.
    cost_most: i64,
    /// Whose rows these are: the number of the projections.
    projection: i32,
    /// Whether those who listen to the log are told.
    announce: bool,
}

#[derive(Default)]
struct StreamColumns<'a> {
    id: Vec<Option<i64>>,
    key: Vec<&'a str>,
    kind: Vec<&'a str>,
    name: Vec<String>,
    sort_name: Vec<&'a str>,
    number: Vec<i64>,
    expected: Vec<i64>,
    count: Vec<i32>,
    time: Vec<At>,
}

#[derive(Default)]
struct AnswerColumns<'a> {
    scope: Vec<Option<&'a str>>,
    key: Vec<Option<&'a str>>,
    fingerprint: Vec<Option<&'a str>>,
}

#[derive(Default)]
struct GuardColumns {
    append: Vec<i32>,
    rule: Vec<&'static str>,
    subject: Vec<String>,
    bound: Vec<i64>,
}

#[derive(Default)]
struct EventColumns<'a> {
    append: Vec<i32>,
    place: Vec<i32>,
    id: Vec<Uuid>,
    type_name: Vec<&'a str>,
    schema: Vec<i32>,
    data: Vec<&'a str>,
    metadata: Vec<&'a str>,
}

#[derive(Default)]
struct RowColumns<'a> {
    shown: Vec<bool>,
    state: Vec<Option<&'a str>>,
    priority: Vec<Option<&'a str>>,
    holder: Vec<Option<&'a str>>,
    claimant: Vec<Option<String>>,
    unstarted: Vec<bool>,
    head: Vec<Option<&'a str>>,
    document: Vec<&'a str>,
    body: Vec<Option<Cow<'a, str>>>,
}

#[derive(Default)]
struct EffectColumns<'a> {
    append: Vec<i32>,
    id: Vec<Uuid>,
    destination: Vec<&'a str>,
    key: Vec<&'a str>,
    event_id: Vec<Uuid>,
    effect: Vec<JsonText<'a>>,
}

impl<'a> Arrays<'a> {
    pub(super) fn of(batch: &'a [Queued], ids: &mut StreamIds, announce: bool) -> Self {
        let mut arrays =
            Self { projection: projection(), announce, cost_most: bigint(MOST_OF_ONE_ROW), ..Self::default() };
        for (number, queued) in (1..).zip(batch) {
            let append = &queued.append;
            arrays.streams.push(append, ids.get(append.key.as_str()));
            arrays.events.push(number, append);
            arrays.rows.push(append);
            arrays.answers.push(append);
            append.guards.iter().for_each(|guard| arrays.guards.push(number, guard));
            arrays.effects.push(number, append);
            for (key, spent) in &append.costs {
                arrays.cost_appends.push(number);
                arrays.costs.push(key, spent);
            }
        }
        arrays
    }

    /// Whether something was spent: that needs all parameters.
    pub(super) fn has_costs(&self) -> bool {
        !self.costs.is_empty()
    }

    /// Whether the first [`PLAIN`] parameters say it all, where nothing was spent.
    pub(super) fn is_plain(&self) -> bool {
        let keyed = self.answers.scope.iter().any(Option::is_some);
        let strangers = self.streams.id.iter().any(Option::is_none);
        !keyed && !strangers && self.guards.append.is_empty() && self.effects.append.is_empty()
    }

    /// In the order of the function's parameters.
    pub(super) fn params(&self) -> [&(dyn ToSql + Sync); WITH_COSTS] {
        let Self { streams: s, events: e, rows: r, answers: a, guards: g, effects: f, projection, announce, .. } = self;
        let [day, agent, repo_key, repo, number, model, input, output, cache_read, cache_creation, micros, reports] =
            self.costs.params();
        [
            &s.id,
            &s.expected,
            &s.count,
            &s.time,
            &e.append,
            &e.place,
            &e.id,
            &e.type_name,
            &e.schema,
            &e.data,
            &e.metadata,
            projection,
            &r.shown,
            &r.state,
            &r.priority,
            &r.holder,
            &r.claimant,
            &r.unstarted,
            &r.head,
            &r.document,
            &r.body,
            announce,
            &s.key,
            &s.kind,
            &s.name,
            &s.sort_name,
            &s.number,
            &a.scope,
            &a.key,
            &a.fingerprint,
            &g.append,
            &g.rule,
            &g.subject,
            &g.bound,
            &f.append,
            &f.id,
            &f.destination,
            &f.key,
            &f.event_id,
            &f.effect,
            &self.cost_appends,
            day,
            agent,
            repo_key,
            repo,
            number,
            model,
            input,
            output,
            cache_read,
            cache_creation,
            micros,
            reports,
            &self.cost_most,
        ]
    }
}

impl<'a> StreamColumns<'a> {
    fn push(&mut self, append: &'a PreparedAppend, id: Option<i64>) {
        self.id.push(id);
        self.key.push(&append.key);
        self.kind.push(append.stream.kind().as_str());
        self.name.push(append.stream.to_string());
        self.sort_name.push(&append.place.name);
        self.number.push(bigint(append.place.number));
        self.expected.push(bigint(append.expected));
        self.count.push(i32::try_from(append.events.len()).unwrap_or(i32::MAX));
        self.time.push(At(append.time));
    }
}

impl<'a> AnswerColumns<'a> {
    fn push(&mut self, append: &'a PreparedAppend) {
        let answer = append.idempotency.as_ref();
        self.scope.push(answer.map(|answer| answer.scope.as_str()));
        self.key.push(answer.map(|answer| answer.key.as_str()));
        self.fingerprint.push(answer.map(|answer| answer.fingerprint.as_str()));
    }
}

impl GuardColumns {
    fn push(&mut self, append: i32, guard: &Guard) {
        let (rule, subject, bound) = match guard {
            Guard::StreamAt { stream, version } => ("stream_at", stream.key(), bigint(*version)),
            Guard::LeasesBelow { agent, limit } => ("leases_below", agent.to_string(), i64::from(*limit)),
            Guard::NothingUnstarted { claimant } => ("nothing_unstarted", claimant.to_string(), 0),
            Guard::LeaseSilentSince { issue, epoch, since } => {
                let key = StreamId::Issue(issue.clone()).key();
                ("lease_silent_since", format!("{key}@{epoch}"), since.as_millis())
            }
        };
        self.append.push(append);
        self.rule.push(rule);
        self.subject.push(subject);
        self.bound.push(bound);
    }
}

impl<'a> EventColumns<'a> {
    fn push(&mut self, append: i32, prepared: &'a PreparedAppend) {
        for (place, event) in (0..).zip(&prepared.events) {
            self.append.push(append);
            self.place.push(place);
            self.id.push(Uuid::from_u128(event.id.0));
            self.type_name.push(event.encoded.type_name);
            self.schema.push(i32::from(event.encoded.schema));
            self.data.push(&event.encoded.data);
            self.metadata.push(&event.encoded.metadata);
        }
    }
}

impl<'a> RowColumns<'a> {
    fn push(&mut self, append: &'a PreparedAppend) {
        let columns = &append.columns;
        self.shown.push(columns.shown);
        self.state.push(columns.state);
        self.priority.push(columns.priority);
        self.holder.push(columns.holder.as_ref().map(|claimant| claimant.agent.as_str()));
        self.claimant.push(columns.holder.as_ref().map(ToString::to_string));
        self.unstarted.push(columns.unstarted);
        self.head.push(columns.head.as_ref().map(|head| head.as_str()));
        self.document.push(&append.document);
        self.body.push(match &append.body {
            Body::Keep => None,
            Body::Set(text) => Some(without_nul(text)),
        });
    }
}

impl<'a> EffectColumns<'a> {
    fn push(&mut self, append: i32, prepared: &'a PreparedAppend) {
        for effect in &prepared.effects {
            self.append.push(append);
            self.id.push(Uuid::from_u128(effect.id.0));
            self.destination.push(effect.destination);
            self.key.push(&effect.key);
            self.event_id.push(Uuid::from_u128(effect.event_id.0));
            self.effect.push(JsonText(&effect.data));
        }
    }
}
