//! From a command to an append that is ready to be written: pure, and run under a guard.

use std::collections::BTreeMap;

use conductor_core::decider::{Decider, Given, Moment, Outcome, StreamState};
use conductor_core::event::Metadata;
use conductor_core::identity::StreamId;
use conductor_core::port::{Append, Body, Guard, NewEffect, NewEvent, Snapshot};

use crate::ports::Ports;
use crate::request::Request;

use super::memory::Known;
use super::neighbourhood::Seen;

/// The states of other streams that a decision looks at, with the guards that bind the append to them.
#[derive(Default)]
pub(super) struct Neighbours {
    pub(super) states: BTreeMap<StreamId, StreamState>,
    pub(super) guards: Vec<Guard>,
    /// Whether any of them is what was seen before this command.
    pub(super) remembered: bool,
}

impl Neighbours {
    /// With that stream, bound to what was seen of it.
    pub(super) fn take(&mut self, stream: StreamId, Seen { version, state }: Seen) {
        self.guards.push(Guard::StreamAt { stream: stream.clone(), version });
        self.states.extend(state.map(|state| (stream, state)));
    }
}

/// What a decision comes to.
pub(super) enum Plan<S> {
    /// These events are to be written, then the caller is told the outcome.
    Write(Box<Draft<S>>),
    /// Nothing is to be written.
    Tell(Outcome),
}

/// An append, and what the stream will be after it.
pub(super) struct Draft<S> {
    pub(super) append: Append,
    pub(super) next: S,
    pub(super) outcome: Outcome,
}

/// Decides `request` on what is known.
pub(super) fn plan<D: Decider>(
    stream: &StreamId,
    known: &Known<D::State>,
    neighbours: Neighbours,
    request: &Request<D::Command>,
    ports: &Ports,
) -> Plan<D::State> {
    let now = ports.clock.now();
    let given = Given { now, policy: &ports.policy, neighbours: &neighbours.states, entropy: ports.entropy.random() };
    let decision = D::decide(&known.state, &request.command, &given);
    if decision.events.is_empty() {
        return Plan::Tell(decision.outcome);
    }
    let mut next = D::State::clone(&known.state);
    let mut body = Body::Keep;
    let mut effects = Vec::new();
    let mut events = Vec::with_capacity(decision.events.len());
    let refusal = match &decision.outcome {
        Outcome::Refused(refusal) => Some(refusal.clone()),
        Outcome::Accepted | Outcome::Unchanged { .. } => None,
    };
    for (decided, version) in decision.events.into_iter().zip(known.version + 1..) {
        D::evolve(&mut next, &decided.event, Moment { version, time: now });
        if let Some(text) = D::body(&decided.event) {
            body = Body::Set(text.to_owned());
        }
        let event_id = ports.entropy.event_id(now);
        let reactions = D::reactions(&next, &decided.event).into_iter();
        let reactions = reactions.filter(|effect| ports.destinations.contains(&effect.destination()));
        effects.extend(reactions.map(|effect| NewEffect { id: ports.entropy.event_id(now), event_id, effect }));
        events.push(NewEvent {
            id: event_id,
            event: D::wrap(decided.event),
            metadata: Metadata { rule: decided.rule, refusal: refusal.clone(), ..request.metadata.clone() },
        });
    }
    let append = Append {
        stream: stream.clone(),
        expected: known.version,
        events,
        snapshot: Snapshot { state: D::wrap_state(next.clone()), body },
        effects,
        guards: decision.guards.into_iter().chain(neighbours.guards).collect(),
        key: request.key.clone(),
        time: now,
    };
    Plan::Write(Box::new(Draft { append, next, outcome: decision.outcome }))
}
