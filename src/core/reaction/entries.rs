use crate::data::{Field, FieldError, Value};
use crate::entry::EntryOf;
use crate::identity::{IssueRef, StreamId, StreamKind};
use crate::record;

crate::words! {
    /// Which of the effects for agents' streams it is.
    pub enum Deed {
        /// [`Offer`]
        Offer = "offer",
        /// [`Withdraw`]
        Withdraw = "withdraw",
        /// [`ForgetSession`]
        ForgetSession = "forget_session",
    }
}

const DEED: &str = "do";

/// The effect's data, with what it is.
pub(super) fn named(deed: Deed, data: Value<'_>) -> Value<'_> {
    let mut fields = vec![(DEED.into(), Value::text(deed.as_str()))];
    if let Value::Map(own) = data {
        fields.extend(own);
    }
    Value::Map(fields)
}

/// What it is.
pub(super) fn deed(value: &Value<'_>) -> Result<Deed, FieldError> {
    let found = value.get(DEED).ok_or_else(|| FieldError::new("is missing").within(DEED))?;
    Deed::read(found).map_err(|error| error.within(DEED))
}

record! {
    /// The issue that an agent works on, or the pull request that it reviews.
    pub struct About {
        /// Which kind of stream.
        "kind" => kind: StreamKind,
        /// Its number there.
        "reference" => reference: IssueRef,
    }
}

impl About {
    /// That issue.
    #[must_use]
    pub fn issue(reference: &IssueRef) -> Self {
        Self { kind: StreamKind::Issue, reference: reference.clone() }
    }

    /// That pull request.
    #[must_use]
    pub fn pull_request(reference: &IssueRef) -> Self {
        Self { kind: StreamKind::PullRequest, reference: reference.clone() }
    }

    /// Its stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        match self.kind {
            StreamKind::PullRequest => StreamId::PullRequest(self.reference.clone()),
            StreamKind::Issue | StreamKind::Agent | StreamKind::Rig => StreamId::Issue(self.reference.clone()),
        }
    }

    /// One entry after the other: those of one stream are told in the order of its events.
    pub(super) fn key(&self) -> String {
        self.reference.to_string().to_lowercase()
    }
}

record! {
    /// Put the entry of a lease or dispatch into an agent's stream; the event is the effect's own cause.
    pub struct Offer {
        /// What is to be done about.
        "about" => about: About,
        /// Which entry.
        "entry" => entry: EntryOf,
    }
}

record! {
    /// The lease or dispatch is over: take its entry back, unless a consumer has read it.
    pub struct Withdraw {
        /// What was to be done about.
        "about" => about: About,
        /// Which entry.
        "entry" => entry: EntryOf,
    }
}

record! {
    /// Drop what agents keep of their conversations about an issue that is done, and about its pull requests.
    pub struct ForgetSession {
        /// The issue.
        "issue" => issue: IssueRef,
        /// The pull requests that named it.
        "pulls" => pulls: Vec<IssueRef>,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Destination, Effect};
    use super::*;
    use crate::identity::AgentId;

    #[test]
    fn effects_for_agents_streams_read_back_and_keep_their_order_per_subject() {
        let issue = IssueRef::parse("Acme/Web#42").unwrap();
        let pull = IssueRef::parse("acme/web#57").unwrap();
        let entry = EntryOf { agent: AgentId::parse("dev-e-node").unwrap(), version: 2 };
        let offer = Effect::Offer(Offer { about: About::issue(&issue), entry: entry.clone() });
        let review = Effect::Offer(Offer { about: About::pull_request(&pull), entry: entry.clone() });
        let withdraw = Effect::Withdraw(Withdraw { about: About::issue(&issue), entry });
        let forget = Effect::ForgetSession(ForgetSession { issue: issue.clone(), pulls: vec![pull] });
        for effect in [&offer, &review, &withdraw, &forget] {
            assert_eq!(effect.destination(), Destination::Valkey);
            assert_eq!(Effect::from_value(Destination::Valkey, &effect.to_value()).as_ref(), Ok(effect));
        }
        assert_eq!(offer.key(), "acme/web#42");
        assert_eq!([withdraw.key(), forget.key()], [offer.key(), offer.key()]);
        assert_eq!(review.key(), "acme/web#57");
        assert!(Effect::from_value(Destination::Valkey, &Value::Map(Vec::new())).is_err());
    }
}
