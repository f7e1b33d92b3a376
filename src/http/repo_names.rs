//! What repositories are called, and under which name their streams are kept. **Every endpoint that is given the name of a
//! repository asks here** (by way of the edge), in whatever casing and of whatever age the name is, before it looks anything up.
//!
//! The map follows the log: it hears of every change that this process appends before the caller is answered, and of other
//! replicas' as soon as their log is followed. No request reads the store for it. What is answered names a repository as its
//! streams do: by the name that it had when it was first heard of.

use std::sync::{Arc, PoisonError, RwLock};

use conductor_actors::StateListener;
use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, RepoName, StreamId};
use conductor_core::port::{Store, StoreFailure};
use conductor_core::rig::{Rig, Whose};

use crate::json::Properties;

/// Properties of requests that name a repository, or an issue in one.
const PROPERTIES: &[&str] = &["repo", "prRepo", "currentRepo", "target", "dependsOn"];

/// The names that are known.
#[derive(Debug)]
pub struct RepoNames(RwLock<Arc<Rig>>);

impl Default for RepoNames {
    fn default() -> Self {
        Self(RwLock::new(Arc::new(Rig::unknown())))
    }
}

impl RepoNames {
    /// Fills it from the rig's row.
    ///
    /// # Errors
    /// When the store can't answer.
    pub async fn fill(&self, store: &dyn Store) -> Result<(), StoreFailure> {
        if let Some((version, state)) = store.load(&StreamId::Rig).await? {
            self.changed(&StreamId::Rig, version, &state);
        }
        Ok(())
    }

    /// The name under which the streams of a repository are kept.
    #[must_use]
    pub fn kept_under(&self, repo: &RepoName) -> RepoName {
        self.known().canonical(repo).clone()
    }

    /// What is known of the repository with that id at GitHub, which is called so.
    #[must_use]
    pub fn whose(&self, id: u64, name: &RepoName) -> Whose {
        self.known().whose(id, name)
    }

    /// A request with every repository that it names under the name that is kept.
    pub fn settle(&self, properties: &mut Properties) {
        properties.reword(PROPERTIES, |text| self.kept_text(text));
    }

    /// `None` where the name is the kept one, or the text names no repository.
    fn kept_text(&self, text: &str) -> Option<String> {
        let known = self.known();
        if known.aliases.is_empty() {
            return None;
        }
        if let Some(reference) = IssueRef::parse(text) {
            let repo = known.aliases.get(&reference.repo)?.clone();
            return Some(IssueRef { repo, ..reference }.to_string());
        }
        known.aliases.get(&RepoName::parse(text)?).map(ToString::to_string)
    }

    /// It is exchanged as a whole, so a poisoned lock is as good as any.
    fn known(&self) -> Arc<Rig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StateListener for RepoNames {
    fn changed(&self, _: &StreamId, version: u64, state: &StreamState) {
        let rig = match state {
            StreamState::Rig(rig) => rig,
            StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_) => return,
        };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // The actor and whoever follows the log tell of the same changes, in either order.
        if known.version < version {
            *known = Arc::new(Rig {
                version,
                aliases: rig.aliases.clone(),
                repositories: rig.repositories.clone(),
                strangers: rig.strangers.clone(),
                ..Rig::unknown()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::data::Value;

    fn repo(text: &str) -> RepoName {
        RepoName::parse(text).unwrap()
    }

    /// acme/site was acme/web before.
    fn renamed() -> RepoNames {
        let names = RepoNames::default();
        let mut rig = Rig { version: 2, ..Rig::unknown() };
        rig.aliases.insert(repo("acme/site"), repo("acme/web"));
        names.changed(&StreamId::Rig, 2, &StreamState::Rig(Box::new(rig)));
        names
    }

    #[test]
    fn a_repository_is_known_by_every_name_in_any_casing() {
        let names = renamed();
        for name in ["acme/web", "acme/site", "ACME/Site"] {
            assert_eq!(names.kept_under(&repo(name)), repo("acme/web"));
        }
        assert_eq!(names.kept_text("Acme/SITE#4").as_deref(), Some("acme/web#4"));
        for other in ["acme/api", "acme/api#4", "Acme/Web#4", "dev-e-node", "rig", "agent:dev-e-node"] {
            assert_eq!(names.kept_text(other), None, "{other} stays as it is spelled");
        }
    }

    #[test]
    fn whatever_a_request_says_of_a_repository_is_put_under_its_kept_name() {
        let text = |text: &'static str| Value::text(text);
        let given = vec![
            ("Repo".into(), text("acme/site")),
            ("PRREPO".into(), text("acme/fork")),
            ("title".into(), text("acme/site")),
            ("dependsOn".into(), Value::List(vec![text("acme/site#3"), Value::Int(4), text("#5")])),
        ];
        let mut properties = Properties::of(Value::Map(given)).unwrap();
        renamed().settle(&mut properties);
        let settled = vec![
            ("Repo".into(), text("acme/web")),
            ("PRREPO".into(), text("acme/fork")),
            ("title".into(), text("acme/site")),
            ("dependsOn".into(), Value::List(vec![text("acme/web#3"), Value::Int(4), text("#5")])),
        ];
        assert_eq!(properties.rest(), Value::Map(settled));
    }

    #[test]
    fn what_is_heard_late_changes_nothing() {
        let names = renamed();
        names.changed(&StreamId::Rig, 1, &StreamState::Rig(Box::new(Rig::unknown())));
        assert_eq!(names.kept_under(&repo("acme/site")), repo("acme/web"));
    }
}
