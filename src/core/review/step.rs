use crate::claim::Obstacle;
use crate::identity::AgentId;
use crate::quota::Rest;
use crate::time::Timestamp;

use super::NotWanted;

/// What is to be done about the review of a pull request's head.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// This reviewer is asked.
    Ask {
        /// Whom.
        reviewer: AgentId,
        /// What the choice looked at, in words.
        facts: Vec<String>,
    },
    /// Who was asked has let the deadline pass.
    GiveUp,
    /// A person is called.
    Call(Alarm),
    /// Nothing now.
    Nothing(Wait),
}

crate::words! {
    /// Why a person is called.
    pub enum Alarm {
        /// As often as may be asked, or as long as may be waited, nobody gave a verdict.
        Unanswered = "review_unanswered",
        /// Nobody may judge it: every reviewer of the roster produced it, or there is none.
        NoReviewer = "no_reviewer",
    }
}

/// Why nothing is done now.
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    /// No verdict is wanted of anybody.
    NotWanted(NotWanted),
    /// Somebody was asked and has until then.
    Asked {
        /// Whom.
        reviewer: AgentId,
        /// Until when.
        deadline: Timestamp,
    },
    /// Somebody was asked, by an entry that is still on its way: no time runs.
    OnItsWay(AgentId),
    /// A person was called, and acts.
    PersonCalled,
    /// An operator holds it.
    Held(Obstacle),
    /// An operator holds every reviewer that may judge it.
    ReviewersHeld,
    /// The head is too young: whatever else is on its way comes first.
    Young(Timestamp),
    /// Everybody was asked: the next time is then.
    Apart(Timestamp),
    /// Nobody is heard from: the next one is asked then.
    Silence(Timestamp),
    /// Whoever may judge it has no quota left.
    Dry(Vec<(AgentId, Option<Rest>)>),
}

impl Wait {
    /// The rule's name.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NotWanted(_) => "review_not_wanted",
            Self::Asked { .. } | Self::OnItsWay(_) => "review",
            Self::PersonCalled => Alarm::Unanswered.as_str(),
            Self::Held(obstacle) => obstacle.rule(),
            Self::ReviewersHeld => "paused",
            Self::Young(_) => "review_settling",
            Self::Apart(_) | Self::Silence(_) => "review_back_off",
            Self::Dry(_) => "quota_exhausted",
        }
    }
}

impl Wait {
    /// When it is over, where that is a matter of time alone.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Asked { deadline: until, .. } | Self::Young(until) | Self::Apart(until) | Self::Silence(until) => {
                Some(*until)
            }
            Self::Dry(reviewers) => reviewers.iter().filter_map(|(_, rest)| rest.and_then(Rest::until)).min(),
            Self::NotWanted(_) | Self::OnItsWay(_) | Self::PersonCalled | Self::Held(_) | Self::ReviewersHeld => None,
        }
    }
}

impl std::fmt::Display for Wait {
    /// Of what is waited for: "it waits for …", but for what isn't waited for at all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotWanted(why) => why.fmt(f),
            Self::Asked { reviewer, deadline } => {
                write!(f, "a verdict of {reviewer}, who was asked and has until {deadline}")
            }
            Self::OnItsWay(reviewer) => {
                write!(f, "a verdict of {reviewer}, to whose stream the question is on its way")
            }
            Self::PersonCalled => f.write_str("a person: nobody who was asked gave a verdict, or nobody may"),
            Self::Held(obstacle) => write!(f, "the end of a pause: {obstacle}"),
            Self::ReviewersHeld => f.write_str("a reviewer: every one that may judge it is paused"),
            Self::Young(until) => write!(f, "{until}: nobody is asked about a head that is so new"),
            Self::Apart(until) => write!(f, "{until}: everybody was asked, and is asked again then"),
            Self::Silence(until) => write!(f, "{until}: no reviewer is heard from, and the next one is asked then"),
            Self::Dry(reviewers) => {
                f.write_str("quota: ")?;
                for (at, (reviewer, rest)) in reviewers.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    match rest {
                        Some(rest) => write!(f, "{comma}{reviewer} has none {rest}")?,
                        None => write!(f, "{comma}{reviewer} reports that it has none")?,
                    }
                }
                Ok(())
            }
        }
    }
}
