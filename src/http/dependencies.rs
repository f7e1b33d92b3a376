//! `blockedBy`: which of the issues that must be done first are not, joined when a row is read.

use std::collections::HashMap;

use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::issue::Issue;
use conductor_core::port::{Store, StoreFailure};

/// Answers that are remembered within one request; beyond it the memory starts anew.
const MOST_KNOWN: usize = 10_000;

/// Looks dependencies up, each once.
#[derive(Debug, Default)]
pub struct OpenDependencies {
    frees: HashMap<IssueRef, bool>,
}

impl OpenDependencies {
    /// The dependencies that keep an issue back. One of which nothing is known does; an issue at its end waits for nothing.
    ///
    /// # Errors
    /// When the store can't answer.
    pub async fn of(&mut self, store: &dyn Store, issue: &Issue) -> Result<Vec<IssueRef>, StoreFailure> {
        let mut open = Vec::new();
        if issue.state().is_none_or(conductor_core::event::IssueState::is_final) {
            return Ok(open);
        }
        for dependency in &issue.depends_on {
            if !self.frees_dependants(store, dependency).await? {
                open.push(dependency.clone());
            }
        }
        Ok(open)
    }

    async fn frees_dependants(&mut self, store: &dyn Store, dependency: &IssueRef) -> Result<bool, StoreFailure> {
        if let Some(frees) = self.frees.get(dependency) {
            return Ok(*frees);
        }
        let found = store.load(&StreamId::Issue(dependency.clone())).await?;
        let frees = match found {
            Some((_, StreamState::Issue(issue))) => issue.frees_dependants(),
            Some((_, StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_))) | None => false,
        };
        if self.frees.len() >= MOST_KNOWN {
            self.frees.clear();
        }
        self.frees.insert(dependency.clone(), frees);
        Ok(frees)
    }
}
