//! Brings what agents are handed to their streams, and takes it back.

use std::sync::Arc;

use conductor_actors::{Closed, Coordinator, Deliver, Setback};
use conductor_core::decider::StreamState;
use conductor_core::entry::{self, Entry, EntryOf, Moot};
use conductor_core::identity::{EventId, IssueRef, StreamId};
use conductor_core::issue::Issue;
use conductor_core::port::{Broker, BrokerFailure, PendingEffect, StoreFailure, StoredRow};
use conductor_core::pull_request::PullRequest;
use conductor_core::reaction::{About, Destination, Effect, ForgetSession, Offer, Withdraw};
use conductor_http::leases::LeaseKeeper;

/// Delivers to agents' streams.
pub struct EntryDeliverer {
    coordinator: Coordinator,
    broker: Arc<dyn Broker>,
    leases: LeaseKeeper,
}

/// What becomes of an offer.
enum Due {
    /// It is told to the agent; for a lease with its epoch, whose time begins then.
    Tell(Box<Entry>, Option<(IssueRef, u32)>),
    /// It isn't.
    Moot(Moot),
}

impl EntryDeliverer {
    /// A deliverer to that broker, of what that coordinator's streams say.
    #[must_use]
    pub fn new(coordinator: Coordinator, broker: Arc<dyn Broker>, leases: LeaseKeeper) -> Self {
        Self { coordinator, broker, leases }
    }

    async fn offer(&self, offer: &Offer, event: EventId) -> Result<Closed, Setback> {
        let (entry, lease) = match self.due(offer, event).await? {
            Due::Tell(entry, lease) => (entry, lease),
            Due::Moot(why) => return Ok(Closed::Obsolete(why.to_string())),
        };
        self.broker.offer(&offer.entry.agent, &entry).await.map_err(setback)?;
        if let Some((issue, epoch)) = lease {
            // Also where it had been added before: whoever added it may have ended before it could say so.
            self.leases.entry_added(&issue, epoch, self.coordinator.clock().now());
        }
        Ok(Closed::Delivered)
    }

    /// Whether the lease or dispatch is live, by the row of this moment, and what its entry says.
    async fn due(&self, offer: &Offer, event: EventId) -> Result<Due, Setback> {
        let row = self.row(&offer.about.stream()).await?;
        Ok(match row.map(|row| (row.state, row.body)) {
            Some((StreamState::Issue(issue), body)) => due(
                entry::of_issue(&issue, body, &offer.entry, event),
                issue.lease.as_ref().map(|lease| (issue.reference.clone(), lease.epoch)),
            ),
            Some((StreamState::PullRequest(pull), _)) => {
                let wanted_by = self.wanted_by(&pull).await?;
                let wanted_by = wanted_by.as_ref().map(|(issue, body)| (&**issue, body.clone()));
                due(entry::of_pull_request(&pull, wanted_by, &offer.entry, event), None)
            }
            Some((StreamState::Agent(_) | StreamState::Rig(_), _)) | None => {
                return Err(Setback::Failed(format!("find {}, which the event is about", offer.about.reference)));
            }
        })
    }

    /// The first issue that the pull request is for, with its text.
    async fn wanted_by(&self, pull: &PullRequest) -> Result<Option<(Box<Issue>, Option<String>)>, Setback> {
        for issue in pull.issues() {
            match self.row(&StreamId::Issue(issue)).await?.map(|row| (row.state, row.body)) {
                Some((StreamState::Issue(issue), body)) if issue.state().is_some() => return Ok(Some((issue, body))),
                Some((
                    StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_),
                    _,
                ))
                | None => {}
            }
        }
        Ok(None)
    }

    async fn withdraw(&self, Withdraw { about, entry }: &Withdraw) -> Result<Closed, Setback> {
        let event = self.event_of(about, entry).await?;
        let withdrawn = self.broker.withdraw(&entry.agent, event).await.map_err(setback)?;
        tracing::debug!(agent = %entry.agent, %event, ?withdrawn, "took the entry of {event} back: {withdrawn:?}");
        Ok(Closed::Delivered)
    }

    /// The event that an entry was added for.
    async fn event_of(&self, about: &About, entry: &EntryOf) -> Result<EventId, Setback> {
        let found = self.coordinator.store().read_stream(&about.stream(), entry.version.saturating_sub(1), 1).await;
        let event = found.map_err(unread)?.first().filter(|event| event.version == entry.version).map(|event| event.id);
        event.ok_or_else(|| Setback::Failed(format!("find version {} of {}", entry.version, about.reference)))
    }

    async fn forget(&self, ForgetSession { issue, pulls }: &ForgetSession) -> Result<Closed, Setback> {
        for about in std::iter::once(issue).chain(pulls) {
            self.broker.forget_session(about).await.map_err(setback)?;
        }
        Ok(Closed::Delivered)
    }

    async fn row(&self, stream: &StreamId) -> Result<Option<StoredRow>, Setback> {
        self.coordinator.store().row(stream).await.map_err(unread)
    }
}

fn due(entry: Result<Entry, Moot>, lease: Option<(IssueRef, u32)>) -> Due {
    match entry {
        Ok(entry) => Due::Tell(Box::new(entry), lease),
        Err(why) => Due::Moot(why),
    }
}

/// An outage of the broker costs no try; a refusal does, until a person sees the dead letter.
fn setback(failure: BrokerFailure) -> Setback {
    let why = failure.to_string();
    match failure {
        BrokerFailure::Away(_) => Setback::Away(why),
        BrokerFailure::Refused(_) => Setback::Failed(why),
    }
}

/// An outage of the store is not the effect's fault either.
fn unread(failure: StoreFailure) -> Setback {
    let why = failure.to_string();
    match failure {
        StoreFailure::Unavailable(_) => Setback::NotNow(why),
        StoreFailure::Corrupt(_) => Setback::Failed(why),
    }
}

impl Deliver for EntryDeliverer {
    const DESTINATION: Destination = Destination::Valkey;

    /// An offer is asked in [`Deliver::deliver`], by the very row that its entry is made from: no time lies between the two.
    /// The rest holds always.
    async fn obsolete(&self, _effect: &PendingEffect) -> Result<Option<String>, Setback> {
        Ok(None)
    }

    async fn deliver(&self, effect: &PendingEffect) -> Result<Closed, Setback> {
        match &effect.effect {
            Effect::Offer(offer) => self.offer(offer, effect.event_id).await,
            Effect::Withdraw(withdraw) => self.withdraw(withdraw).await,
            Effect::ForgetSession(forget) => self.forget(forget).await,
            Effect::Tell(_) => Err(Setback::Failed("it is for another stream, not for an agent".to_owned())),
        }
    }
}
