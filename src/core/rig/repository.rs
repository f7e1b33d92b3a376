//! Which repository is which. GitHub's id is what makes one: names change, and a name that is given up may be another one's next.
//!
//! A repository's streams are *kept under* the name that it had when it was first heard of, for good; every later name is an
//! alias of that one. Invariant: no streams are kept under one name for two repositories. So a repository that is called by the
//! very name under which another one's streams are kept is a *stranger*, of which nothing is taken: its issue 1 would overwrite
//! the other's. Renamed at GitHub it is taken up.

use crate::decider::Decision;
use crate::event::{Decided, RepoIdentified, RepoRefused, RepoRenamed, RigEvent};
use crate::identity::RepoName;

use super::Rig;

/// What is known of a repository that GitHub tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Its streams are kept under this name.
    Kept(RepoName),
    /// The name belongs to the streams of another repository.
    Stranger,
    /// The rig has to be told first.
    News,
}

impl Rig {
    /// What is known of the repository with that id, which is called so.
    #[must_use]
    pub fn whose(&self, id: u64, name: &RepoName) -> Whose {
        match self.repositories.get(&id) {
            Some(kept) if self.goes_by(kept, name) => Whose::Kept(kept.clone()),
            None if self.strangers.get(&id) == Some(name) => Whose::Stranger,
            Some(_) | None => Whose::News,
        }
    }

    /// Whether nothing is left to learn of the name of a repository whose streams are kept under `kept`. The name of another
    /// one's streams is never an alias; by its id alone this one is told from that.
    fn goes_by(&self, kept: &RepoName, name: &RepoName) -> bool {
        self.canonical(name) == kept || self.owner_of(name).is_some()
    }

    /// The id of the repository whose streams are kept under that name.
    fn owner_of(&self, kept: &RepoName) -> Option<u64> {
        self.repositories.iter().find(|(_, name)| *name == kept).map(|(id, _)| *id)
    }
}

/// Learns what GitHub says: an id, and what goes by it. A rename that was missed is learned from any later delivery.
pub(super) fn meet(rig: &Rig, id: u64, name: &RepoName, before: Option<&RepoName>) -> Decision<RigEvent> {
    if let Some(kept) = rig.repositories.get(&id) {
        if rig.goes_by(kept, name) {
            return Decision::unchanged(rig.version);
        }
        return facts([RepoRenamed { from: kept.clone(), to: name.clone() }.into()]);
    }
    let kept_before = before.map(|before| rig.canonical(before)).filter(|kept| rig.owner_of(kept).is_none());
    if let Some(kept) = kept_before.filter(|_| rig.owner_of(name).is_none()) {
        let renamed = RepoRenamed { from: kept.clone(), to: name.clone() };
        let renamed = (rig.canonical(name) != kept).then(|| renamed.into());
        return facts(renamed.into_iter().chain([identified(kept, id)]));
    }
    let kept = rig.canonical(name);
    match rig.owner_of(kept) {
        None => facts([identified(kept, id)]),
        // A former name of another repository, under which no streams are kept: it is this one's from now on.
        Some(_) if kept != name => facts([identified(name, id)]),
        Some(_) if rig.strangers.get(&id) == Some(name) => Decision::unchanged(rig.version),
        Some(kept_for) => {
            let facts = [format!("repository {kept_for} has streams under {kept}")];
            let refused = RepoRefused { repo: name.clone(), repository_id: id, kept_for };
            Decision::accept(vec![Decided::by_rule(refused, "repository_id", facts)])
        }
    }
}

fn identified(repo: &RepoName, id: u64) -> RigEvent {
    RepoIdentified { repo: repo.clone(), repository_id: id }.into()
}

fn facts(events: impl IntoIterator<Item = RigEvent>) -> Decision<RigEvent> {
    Decision::accept(events.into_iter().map(Decided::fact).collect())
}

pub(super) fn identify(rig: &mut Rig, identified: &RepoIdentified) {
    rig.aliases.remove(&identified.repo);
    rig.strangers.remove(&identified.repository_id);
    rig.repositories.insert(identified.repository_id, identified.repo.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decider::{Decider, Moment};
    use crate::rig::RigDecider;
    use crate::time::Timestamp;

    fn repo(text: &str) -> RepoName {
        RepoName::parse(text).unwrap()
    }

    /// Tells the rig; gives what it says to that.
    fn told(rig: &mut Rig, id: u64, name: &str, before: Option<&str>) -> Vec<&'static str> {
        let before = before.map(repo);
        let events = meet(rig, id, &repo(name), before.as_ref()).events;
        for decided in &events {
            let at = Moment { version: rig.version + 1, time: Timestamp::default() };
            RigDecider::evolve(rig, &decided.event, at);
        }
        assert_ne!(rig.whose(id, &repo(name)), Whose::News, "nothing is left to tell of {id}, {name}");
        assert_eq!(meet(rig, id, &repo(name), before.as_ref()).events, [], "a repeat is none");
        for (alias, kept) in &rig.aliases {
            assert_ne!(alias, kept);
            assert_eq!(rig.owner_of(alias), None, "no alias hides the streams of another repository");
        }
        events.iter().map(|decided| decided.event.type_name()).collect()
    }

    fn kept(name: &str) -> Whose {
        Whose::Kept(repo(name))
    }

    #[test]
    fn a_repository_is_known_by_its_id_through_renames_that_were_told_and_missed() {
        let mut rig = Rig::unknown();
        assert_eq!(rig.whose(1, &repo("acme/web")), Whose::News);
        assert_eq!(told(&mut rig, 1, "acme/web", None), ["REPO_IDENTIFIED"]);
        assert_eq!(told(&mut rig, 1, "Acme/WEB", None), [] as [&str; 0]);
        assert_eq!(told(&mut rig, 1, "acme/site", Some("acme/web")), ["REPO_RENAMED"]);
        assert_eq!(told(&mut rig, 1, "acme/third", None), ["REPO_RENAMED"], "which nobody had told");
        assert_eq!(told(&mut rig, 1, "acme/web", None), [] as [&str; 0], "a delivery that comes late");
        for name in ["acme/web", "acme/site", "acme/third"] {
            assert_eq!(rig.canonical(&repo(name)), &repo("acme/web"));
            assert_eq!(rig.whose(1, &repo(name)), kept("acme/web"));
        }
    }

    #[test]
    fn a_rename_may_be_the_first_that_is_heard_of_a_repository() {
        let mut rig = Rig::unknown();
        assert_eq!(told(&mut rig, 1, "acme/site", Some("acme/web")), ["REPO_RENAMED", "REPO_IDENTIFIED"]);
        assert_eq!(
            (rig.whose(1, &repo("acme/site")), rig.canonical(&repo("acme/site"))),
            (kept("acme/web"), &repo("acme/web"))
        );
    }

    #[test]
    fn another_repository_under_the_name_of_ones_streams_is_a_stranger_until_it_is_renamed() {
        let mut rig = Rig::unknown();
        told(&mut rig, 1, "acme/web", None);
        told(&mut rig, 1, "acme/site", Some("acme/web"));
        assert_eq!(told(&mut rig, 2, "acme/web", None), ["REPO_REFUSED"]);
        assert_eq!(rig.whose(2, &repo("acme/web")), Whose::Stranger);
        assert_eq!(rig.whose(1, &repo("acme/web")), kept("acme/web"), "the old one is what it was");
        assert_eq!(told(&mut rig, 2, "acme/web2", Some("acme/web")), ["REPO_IDENTIFIED"]);
        assert_eq!(rig.whose(2, &repo("acme/web2")), kept("acme/web2"));
        assert_eq!(told(&mut rig, 2, "acme/web", None), [] as [&str; 0], "by its id it is told from the other since");
        assert_eq!(rig.whose(2, &repo("acme/web")), kept("acme/web2"));
    }

    #[test]
    fn a_name_that_one_has_had_in_between_is_free_for_another() {
        let mut rig = Rig::unknown();
        told(&mut rig, 1, "acme/web", None);
        told(&mut rig, 1, "acme/site", None);
        told(&mut rig, 1, "acme/third", None);
        assert_eq!(told(&mut rig, 3, "acme/site", None), ["REPO_IDENTIFIED"]);
        assert_eq!(rig.canonical(&repo("acme/site")), &repo("acme/site"));
        assert_eq!(told(&mut rig, 1, "acme/site", None), [] as [&str; 0], "a late delivery takes nothing back");
        assert_eq!(rig.whose(1, &repo("acme/site")), kept("acme/web"));
    }

    #[test]
    fn repositories_that_swap_names_keep_their_streams() {
        let mut rig = Rig::unknown();
        told(&mut rig, 1, "acme/a", None);
        told(&mut rig, 2, "acme/b", None);
        told(&mut rig, 1, "acme/b", Some("acme/a"));
        told(&mut rig, 2, "acme/a", Some("acme/b"));
        assert_eq!((rig.whose(1, &repo("acme/b")), rig.whose(2, &repo("acme/a"))), (kept("acme/a"), kept("acme/b")));
    }

    #[test]
    fn a_rename_without_id_is_joined_by_its_id_later() {
        let mut rig = Rig::unknown();
        RigDecider::evolve(
            &mut rig,
            &RepoRenamed { from: repo("acme/web"), to: repo("acme/site") }.into(),
            Moment { version: 1, time: Timestamp::default() },
        );
        assert_eq!(told(&mut rig, 1, "acme/site", None), ["REPO_IDENTIFIED"]);
        assert_eq!(rig.whose(1, &repo("acme/site")), kept("acme/web"));
    }
}
