//! Brings what agents are handed to their streams, and takes it back.

use std::sync::Arc;

use conductor_actors::{Closed, Coordinator, Deliver, Rejected, Request, Setback};
use conductor_core::decider::StreamState;
use conductor_core::entry::{self, Entry, EntryOf, Moot};
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::{EventId, IssueRef, StreamId};
use conductor_core::issue::{Issue, IssueCommand, IssueDecider, Lease, LeaseEnd};
use conductor_core::port::{Broker, BrokerFailure, PendingEffect, StoreFailure, StoredRow};
use conductor_core::pull_request::{PullRequest, PullRequestCommand, PullRequestDecider};
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
    /// It is told to the agent, and the time of this begins.
    Tell(Box<Entry>, Asked),
    /// It isn't.
    Moot(Moot),
}

/// What an agent is asked by an entry.
enum Asked {
    /// To work: the lease with this epoch.
    Work(IssueRef, u32),
    /// For a verdict.
    Verdict,
}

impl EntryDeliverer {
    /// A deliverer to that broker, of what that coordinator's streams say.
    #[must_use]
    pub fn new(coordinator: Coordinator, broker: Arc<dyn Broker>, leases: LeaseKeeper) -> Self {
        Self { coordinator, broker, leases }
    }

    async fn offer(&self, offer: &Offer, event: EventId) -> Result<Closed, Setback> {
        let (entry, asked) = match self.due(offer, event).await? {
            Due::Tell(entry, asked) => (entry, asked),
            Due::Moot(why) => return Ok(Closed::Obsolete(why.to_string())),
        };
        self.broker.offer(&offer.entry.agent, &entry).await.map_err(setback)?;
        // Also where it had been added before: whoever added it may have ended before it could say so.
        match asked {
            Asked::Work(issue, epoch) => self.leases.entry_added(&issue, epoch, self.coordinator.clock().now()),
            Asked::Verdict => {
                let delivered = PullRequestCommand::Delivered { dispatch: offer.entry.version };
                self.tell_pull_request(offer, delivered).await?;
            }
        }
        Ok(Closed::Delivered)
    }

    async fn tell_pull_request(&self, offer: &Offer, command: PullRequestCommand) -> Result<(), Setback> {
        let request = Request::new(command, by_the_lane());
        settled(self.coordinator.execute::<PullRequestDecider>(offer.about.stream(), request).await)
    }

    /// The lease or dispatch that nobody will ever know of ends, so that the ordinary passes hand it out again.
    async fn undelivered(&self, offer: &Offer) -> Result<(), Setback> {
        let stream = offer.about.stream();
        match self.row(&stream).await?.map(|row| row.state) {
            Some(StreamState::Issue(issue)) => {
                let of_entry = |lease: &&Lease| lease.entry().as_ref() == Some(&offer.entry);
                let Some(lease) = issue.lease.as_ref().filter(of_entry) else { return Ok(()) };
                let command = IssueCommand::EndLease { epoch: lease.epoch, why: LeaseEnd::Undelivered };
                let request = Request::new(command, by_the_lane());
                settled(self.coordinator.execute::<IssueDecider>(stream, request).await)
            }
            Some(StreamState::PullRequest(_)) => {
                let undelivered = PullRequestCommand::Undelivered { dispatch: offer.entry.version };
                self.tell_pull_request(offer, undelivered).await
            }
            // There is nothing that could end.
            Some(StreamState::Agent(_) | StreamState::Rig(_)) | None => Ok(()),
        }
    }

    /// Whether the lease or dispatch is live, by the row of this moment, and what its entry says.
    async fn due(&self, offer: &Offer, event: EventId) -> Result<Due, Setback> {
        let row = self.row(&offer.about.stream()).await?;
        Ok(match row.map(|row| (row.state, row.body)) {
            Some((StreamState::Issue(issue), body)) => due(
                entry::of_issue(&issue, body, &offer.entry, event),
                Asked::Work(issue.reference.clone(), issue.epoch),
            ),
            Some((StreamState::PullRequest(pull), _)) => {
                let wanted_by = self.wanted_by(&pull).await?;
                let wanted_by = wanted_by.as_ref().map(|(issue, body)| (&**issue, body.clone()));
                due(entry::of_pull_request(&pull, wanted_by, &offer.entry, event), Asked::Verdict)
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

fn due(entry: Result<Entry, Moot>, asked: Asked) -> Due {
    match entry {
        Ok(entry) => Due::Tell(Box::new(entry), asked),
        Err(why) => Due::Moot(why),
    }
}

fn by_the_lane() -> Metadata {
    Metadata::by(Actor::Daemon(conductor_actors::lane(Destination::Valkey).to_owned()))
}

/// A stream that refuses has an answer of its own; telling it again would not change it.
fn settled<A>(told: Result<A, Rejected>) -> Result<(), Setback> {
    match told {
        Ok(_) | Err(Rejected::Refused(_)) => Ok(()),
        Err(rejected) => Err(rejected.into()),
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

    /// What is taken back in vain stays in the stream, where its events are refused; sessions end by themselves.
    async fn given_up(&self, effect: &PendingEffect) -> Result<(), Setback> {
        match &effect.effect {
            Effect::Offer(offer) => self.undelivered(offer).await,
            Effect::Withdraw(_) | Effect::ForgetSession(_) | Effect::Tell(_) => Ok(()),
        }
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
