use crate::decider::{Decision, Given, Moment, Outcome, Refusal};
use crate::event::{Decided, IssueEvent};

use super::Issue;
use super::evolve::evolve;

/// A decision in the making: each event is folded into a working copy at once, so that the next rule sees its effect.
pub(super) struct Draft<'a> {
    /// The issue as it would be.
    pub(super) issue: Issue,
    /// What the rules may look at.
    pub(super) given: &'a Given<'a>,
    events: Vec<Decided<IssueEvent>>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(issue: &Issue, given: &'a Given<'a>) -> Self {
        Self { issue: issue.clone(), given, events: Vec::new() }
    }

    /// A fact: reported or observed.
    pub(super) fn fact(&mut self, event: impl Into<IssueEvent>) {
        self.push(Decided::fact(event));
    }

    /// What follows from a rule, with the facts that it used.
    pub(super) fn rule(&mut self, name: &str, facts: impl IntoIterator<Item = String>, event: impl Into<IssueEvent>) {
        self.push(Decided::by_rule(event, name, facts));
    }

    fn push(&mut self, decided: Decided<IssueEvent>) {
        let at = Moment { version: self.issue.version + 1, time: self.given.now };
        evolve(&mut self.issue, &decided.event, at);
        self.events.push(decided);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events with their consequences; a draft without events says that nothing changed since `since`.
    pub(super) fn accept_or_unchanged(mut self, since: u64) -> Decision<IssueEvent> {
        if self.is_empty() {
            return Decision::unchanged(since);
        }
        self.settle();
        Decision::accept(self.events)
    }

    /// The events with their consequences.
    pub(super) fn accept(mut self) -> Decision<IssueEvent> {
        self.settle();
        Decision::accept(self.events)
    }

    /// The events stand, and the caller is refused all the same.
    pub(super) fn refuse(self, refusal: Refusal) -> Decision<IssueEvent> {
        Decision { events: self.events, guards: Vec::new(), outcome: Outcome::Refused(refusal) }
    }
}
