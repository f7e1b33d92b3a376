use crate::decider::{Decider, Decision, Given, Moment, Refusal, StreamState};
use crate::event::{Decided, Event, PauseScope, Paused, RepoRenamed, Resumed, RigEvent};
use crate::hold::Hold;
use crate::identity::{RepoName, StreamId, StreamKind};
use crate::overrule::{OverrideKind, Ruling, Target};
use crate::port::Columns;
use crate::reaction::Effect;

use super::{Rig, RigCommand, Said, repository};

/// The rules of the rig.
#[derive(Debug)]
pub struct RigDecider;

impl Decider for RigDecider {
    type State = Rig;
    type Command = RigCommand;
    type Event = RigEvent;

    const KIND: StreamKind = StreamKind::Rig;

    fn initial(_stream: &StreamId) -> Rig {
        Rig::unknown()
    }

    fn reads(_state: &Rig, _command: &RigCommand) -> Vec<StreamId> {
        Vec::new()
    }

    fn decide(rig: &Rig, command: &RigCommand, _given: &Given<'_>) -> Decision<RigEvent> {
        match command {
            RigCommand::Rename { from, to } => {
                if rig.canonical(to) == rig.canonical(from) {
                    return Decision::unchanged(rig.version);
                }
                fact(RepoRenamed { from: from.clone(), to: to.clone() })
            }
            RigCommand::Meet { id, name, before } => repository::meet(rig, *id, name, before.as_ref()),
            RigCommand::Record(event) => record(rig, event),
            RigCommand::Pause { repo, paused, by } => pause(rig, repo.as_ref(), *paused, by),
        }
    }

    fn evolve(rig: &mut Rig, event: &RigEvent, at: Moment) {
        rig.version = at.version;
        rig.updated_at = Some(at.time);
        let said = || Said { event_type: event.type_name().to_owned(), version: at.version };
        match event {
            RigEvent::RepoRenamed(renamed) => {
                let first = rig.canonical(&renamed.from).clone();
                rig.aliases.remove(&first);
                if renamed.to != first {
                    rig.aliases.insert(renamed.to.clone(), first);
                }
            }
            RigEvent::RepoIdentified(identified) => repository::identify(rig, identified),
            RigEvent::RepoRefused(refused) => {
                rig.strangers.insert(refused.repository_id, refused.repo.clone());
            }
            RigEvent::Paused(paused) => hold(rig, paused.target.as_deref(), true, at),
            RigEvent::Resumed(resumed) => hold(rig, resumed.target.as_deref(), false, at),
            RigEvent::ProposalCreated(created) => {
                rig.proposals.insert(created.proposal_id.clone(), said());
            }
            RigEvent::ProposalApproved(approved) => {
                rig.proposals.insert(approved.proposal_id.clone(), said());
            }
            RigEvent::ProposalRejected(rejected) => {
                rig.proposals.insert(rejected.proposal_id.clone(), said());
            }
            RigEvent::MilestoneComplete(complete) => {
                rig.milestones.insert(milestone_key(complete.repo.as_ref(), &complete.milestone), said());
            }
            RigEvent::Override(_) => {}
        }
    }

    fn reactions(_state: &Rig, _event: &RigEvent) -> Vec<Effect> {
        Vec::new()
    }

    fn columns(rig: &Rig) -> Columns {
        Columns { shown: true, state: Some(if rig.paused { "paused" } else { "running" }), ..Columns::default() }
    }

    fn body(_event: &RigEvent) -> Option<&str> {
        None
    }

    fn wrap(event: RigEvent) -> Event {
        Event::Rig(event)
    }

    fn unwrap(event: Event) -> Option<RigEvent> {
        match event {
            Event::Rig(event) => Some(event),
            Event::Issue(_) | Event::PullRequest(_) | Event::Agent(_) => None,
        }
    }

    fn wrap_state(rig: Rig) -> StreamState {
        StreamState::Rig(Box::new(rig))
    }

    fn unwrap_state(state: StreamState) -> Option<Rig> {
        match state {
            StreamState::Rig(rig) => Some(*rig),
            StreamState::Issue(_) | StreamState::PullRequest(_) | StreamState::Agent(_) => None,
        }
    }
}

fn fact(event: impl Into<RigEvent>) -> Decision<RigEvent> {
    Decision::accept(vec![Decided::fact(event)])
}

fn milestone_key(repo: Option<&RepoName>, milestone: &str) -> String {
    format!("{}/{milestone}", repo.map_or("", RepoName::as_str).to_ascii_lowercase())
}

fn hold(rig: &mut Rig, target: Option<&str>, hold: bool, at: Moment) {
    rig.pause_version = at.version;
    match (target.and_then(RepoName::parse), hold) {
        (None, hold) => {
            rig.paused = hold;
            Hold::turn(&mut rig.held, hold, at.time);
        }
        (Some(repo), hold) => {
            let mut held = rig.held_repos.remove(&repo);
            Hold::turn(&mut held, hold, at.time);
            rig.held_repos.extend(held.map(|held| (repo.clone(), held)));
            if hold {
                rig.paused_repos.insert(repo);
            } else {
                rig.paused_repos.remove(&repo);
            }
        }
    }
}

/// A repository is held under its first name, whichever of its names it is given: that is what its streams are kept under.
fn pause(rig: &Rig, repo: Option<&RepoName>, paused: bool, by: &Ruling) -> Decision<RigEvent> {
    let repo = repo.map(|repo| rig.canonical(repo));
    let held = repo.map_or(rig.paused, |repo| rig.paused_repos.contains(repo));
    if held == paused {
        return Decision::unchanged(rig.pause_version);
    }
    let scope = if repo.is_some() { PauseScope::Repo } else { PauseScope::Rig };
    let on = repo.map_or(Target::Rig, |repo| Target::Repo(repo.clone()));
    let (target, reason) = (repo.map(ToString::to_string), Some(by.why()));
    let (kind, event) = if paused {
        (OverrideKind::Pause, RigEvent::Paused(Paused { scope, target, reason }))
    } else {
        (OverrideKind::Resume, RigEvent::Resumed(Resumed { scope, target, reason }))
    };
    Decision::accept(vec![Decided::fact(by.on(kind, &on)), Decided::fact(event)])
}

fn record(rig: &Rig, event: &RigEvent) -> Decision<RigEvent> {
    let same =
        |known: Option<&Said>| known.filter(|said| said.event_type == event.type_name()).map(|said| said.version);
    let unknown = |id: &str| Decision::refuse(Refusal::Unknown { what: format!("proposal {id}") });
    let before = match event {
        RigEvent::ProposalCreated(created) => rig.proposals.get(&created.proposal_id).map(|said| said.version),
        RigEvent::ProposalApproved(approved) => match rig.proposals.get(&approved.proposal_id) {
            None => return unknown(&approved.proposal_id),
            known => same(known),
        },
        RigEvent::ProposalRejected(rejected) => match rig.proposals.get(&rejected.proposal_id) {
            None => return unknown(&rejected.proposal_id),
            known => same(known),
        },
        RigEvent::MilestoneComplete(complete) => {
            same(rig.milestones.get(&milestone_key(complete.repo.as_ref(), &complete.milestone)))
        }
        RigEvent::RepoRenamed(_)
        | RigEvent::RepoIdentified(_)
        | RigEvent::RepoRefused(_)
        | RigEvent::Override(_)
        | RigEvent::Paused(_)
        | RigEvent::Resumed(_) => None,
    };
    before.map_or_else(|| fact(event.clone()), Decision::unchanged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn repo(text: &str) -> RepoName {
        RepoName::parse(text).unwrap()
    }

    fn rename(rig: &mut Rig, from: &str, to: &str) -> usize {
        let policy = crate::roster::Policy::built_in(crate::roster::GitHubMode::Webhook);
        let neighbours = std::collections::BTreeMap::new();
        let given = Given { now: Timestamp::default(), policy: &policy, neighbours: &neighbours, entropy: 0 };
        let decision = RigDecider::decide(rig, &RigCommand::Rename { from: repo(from), to: repo(to) }, &given);
        for decided in &decision.events {
            RigDecider::evolve(rig, &decided.event, Moment { version: rig.version + 1, time: Timestamp::default() });
        }
        decision.events.len()
    }

    #[test]
    fn a_repository_keeps_its_first_name_through_every_rename() {
        let mut rig = Rig::unknown();
        assert_eq!(rename(&mut rig, "acme/web", "acme/site"), 1);
        assert_eq!(rename(&mut rig, "ACME/Web", "acme/site"), 0);
        assert_eq!(rename(&mut rig, "acme/site", "corp/site"), 1);
        for name in ["acme/web", "acme/site", "corp/site"] {
            assert_eq!(rig.canonical(&repo(name)), &repo("acme/web"), "{name}");
        }
        assert_eq!(rename(&mut rig, "corp/site", "acme/web"), 0, "the first name is an alias of itself already");
    }

    fn held(rig: &mut Rig, repo: Option<&str>, paused: bool) -> Vec<&'static str> {
        let repo = repo.map(|name| RepoName::parse(name).unwrap());
        let decision = pause(rig, repo.as_ref(), paused, &crate::world::ada());
        for decided in &decision.events {
            let at = Moment { version: rig.version + 1, time: Timestamp::default() };
            RigDecider::evolve(rig, &decided.event, at);
        }
        decision.events.iter().map(|decided| decided.event.type_name()).collect()
    }

    #[test]
    fn a_repository_is_held_under_whichever_of_its_names() {
        let mut rig = Rig::unknown();
        rename(&mut rig, "acme/web", "corp/site");
        assert_eq!(held(&mut rig, Some("corp/site"), true), ["OPERATOR_OVERRIDE", "PAUSED"]);
        assert!(rig.holds(&repo("acme/web")));
        assert_eq!(held(&mut rig, Some("acme/web"), true), [] as [&str; 0], "it is held already");
        assert_eq!(held(&mut rig, None, false), [] as [&str; 0], "the rig as a whole is not");
        assert_eq!(held(&mut rig, Some("ACME/WEB"), false), ["OPERATOR_OVERRIDE", "RESUMED"]);
        assert!(!rig.holds(&repo("acme/web")));
    }

    #[test]
    fn the_rig_and_each_repository_are_held_apart() {
        let mut rig = Rig::unknown();
        hold(&mut rig, Some("acme/web"), true, Moment { version: 1, time: Timestamp::default() });
        assert!(rig.holds(&repo("acme/web")) && !rig.holds(&repo("acme/api")));
        hold(&mut rig, None, true, Moment { version: 2, time: Timestamp::default() });
        assert!(rig.holds(&repo("acme/api")));
    }
}
