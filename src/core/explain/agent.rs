//! Why an agent does what it does, or gets nothing.

use crate::claim::obstacle::{self, Obstacle};
use crate::identity::StreamId;
use crate::overrule::{OverrideKind, Target};

use super::{AroundAgent, Explanation, Known, Offer, overrule};

/// Where an agent stands, the weightiest first.
#[derive(Clone, Copy)]
enum Standing {
    /// Held by an operator.
    Paused,
    /// Not heard from within the time for it.
    Offline,
    /// Its provider has run dry.
    Exhausted,
    /// It holds as much as it may.
    Busy,
    /// It could be given something.
    Idle,
}

impl Standing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Offline => "offline",
            Self::Exhausted => "exhausted",
            Self::Busy => "busy",
            Self::Idle => "idle",
        }
    }
}

/// Explains an agent.
#[must_use]
pub fn agent(known: &Known<'_>, around: &AroundAgent<'_>) -> Explanation {
    let own: Vec<Obstacle> = known.state.into_iter().flat_map(|agent| obstacle::of_agent(agent, around.now)).collect();
    let online = known.is_online(around.policy, around.now);
    let standing = standing(known, around, &own, online);
    let decided = known.state.map_or(0, |agent| match standing {
        Standing::Paused => agent.pause_version,
        Standing::Exhausted => agent.quota_version.max(agent.dry_version),
        Standing::Offline | Standing::Busy | Standing::Idle => agent.version,
    });
    let mut told = Explanation::new(StreamId::Agent(known.id.clone()), standing.as_str(), decided);
    told.summary = summary(known, around);
    if !online {
        let heard =
            known.heard.map_or_else(|| "was never heard from".to_owned(), |at| format!("was last heard from at {at}"));
        told.waits("silence", format!("a sign of life: it {heard}"));
        told.moved("its heartbeat");
    }
    for obstacle in &own {
        hold_back(&mut told, obstacle, known);
    }
    if around.rig.paused {
        told.waits_on("paused", "an operator paused the rig", StreamId::Rig, Some(around.rig.pause_version));
        told.moved(overrule(OverrideKind::Resume, Target::Rig));
    }
    told.issues = offers(known, around);
    what_it_gets(&mut told, known, around);
    told
}

fn standing(known: &Known<'_>, around: &AroundAgent<'_>, own: &[Obstacle], online: bool) -> Standing {
    if own.contains(&Obstacle::AgentPaused) {
        Standing::Paused
    } else if !online {
        Standing::Offline
    } else if own.iter().any(|obstacle| matches!(obstacle, Obstacle::QuotaExhausted | Obstacle::Rests(_))) {
        Standing::Exhausted
    } else if is_busy(known, around) {
        Standing::Busy
    } else {
        Standing::Idle
    }
}

fn is_busy(known: &Known<'_>, around: &AroundAgent<'_>) -> bool {
    known.held >= known.claimant(around.policy).capacity()
}

fn summary(known: &Known<'_>, around: &AroundAgent<'_>) -> String {
    let claimant = known.claimant(around.policy);
    let (capacity, taken_for) = (claimant.capacity(), claimant.taken_for());
    let held: Vec<String> = around.holds.iter().map(ToString::to_string).collect();
    let holds = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
    format!("{taken_for}; it holds {holds} ({} of {capacity})", known.held)
}

fn hold_back(told: &mut Explanation, obstacle: &Obstacle, known: &Known<'_>) {
    let stream = StreamId::Agent(known.id.clone());
    let rule = obstacle.rule();
    match obstacle {
        Obstacle::AgentPaused => {
            told.waits_on(rule, "an operator paused it", stream, known.state.map(|agent| agent.pause_version));
            told.moved(overrule(OverrideKind::Resume, Target::Agent(known.id.clone())));
        }
        Obstacle::Rests(rest) => {
            let why = format!("its provider ran dry while it worked: it rests {rest}");
            told.waits_on(rule, why, stream, known.state.map(|agent| agent.dry_version));
            told.moved("AGENT_QUOTA_REPORTED below 80 %, or time");
        }
        Obstacle::QuotaExhausted => {
            told.waits_on(
                rule,
                "its provider: it has used up a quota",
                stream,
                known.state.map(|agent| agent.quota_version),
            );
            told.moved("AGENT_QUOTA_REPORTED with less than 100 percent");
        }
        Obstacle::IssuePaused
        | Obstacle::RigPaused
        | Obstacle::RepoPaused(_)
        | Obstacle::Excluded
        | Obstacle::DependencyOpen(_)
        | Obstacle::NotInRoster
        | Obstacle::Misfit(_)
        | Obstacle::AuthorFirst { .. }
        | Obstacle::Full { .. } => told.waits(rule, obstacle.to_string()),
    }
}

/// What waits, and what keeps each from it: the issue's own reasons first.
fn offers(known: &Known<'_>, around: &AroundAgent<'_>) -> Vec<Offer> {
    let claimant = known.claimant(around.policy);
    let offer = |(wanted, of_issue): &(crate::claim::Wanted<'_>, &[Obstacle])| {
        let of_agent = obstacle::for_agent(wanted, known.state, claimant, known.held, around.now);
        Offer { issue: wanted.issue.clone(), obstacles: of_issue.iter().cloned().chain(of_agent).collect() }
    };
    around.waiting.iter().map(offer).collect()
}

fn what_it_gets(told: &mut Explanation, known: &Known<'_>, around: &AroundAgent<'_>) {
    if let Some(next) = told.issues.iter().find(|offer| offer.obstacles.is_empty()) {
        let next = next.issue.to_string();
        told.waits("claim", format!("nothing: it gets {next} when it asks"));
        told.moved("its GET /api/assignments/next");
    } else if around.waiting_in_all == 0 {
        told.waits("queue", "work: nothing waits");
    } else {
        let looked = told.issues.len();
        let of = if looked < around.waiting_in_all { format!("the first {looked} of ") } else { String::new() };
        told.waits("no_fit", format!("work for it: {of}{} wait, none for it now", around.waiting_in_all));
        if !around.holds.is_empty() && is_busy(known, around) {
            told.moved("the end of what it holds");
        }
    }
}
