use conductor_core::claim::Obstacle;
use conductor_core::explain::{Candidate, Explanation, Offer, Wait};
use conductor_core::identity::StreamKind;
use schemars::JsonSchema;
use serde::Serialize;

use super::{StoredEvent, time};
use crate::openapi::words;

/// Agents that are named; whoever could take an issue stands first, so the rest are those with the most reasons against them.
const MOST_AGENTS: usize = 200;

/// Why something is where it is, as `GET /api/explain` says it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Explanation")]
pub struct ExplanationView {
    /// `owner/repo#42`, an agent's id, or `rig`.
    id: String,
    #[schemars(schema_with = "words::<StreamKind>")]
    kind: &'static str,
    /// Of an issue or pull request as its row has it (`unapproved`, `unknown` where it has none); of an agent `idle`, `busy`,
    /// `paused`, `offline` or `exhausted`; of the rig `running` or `paused`.
    state: &'static str,
    /// When it came there.
    since: Option<String>,
    /// The same in one sentence.
    summary: String,
    /// Empty at its end.
    waits_for: Vec<WaitView>,
    /// What would move it, each in one sentence; where a person's command would, that command.
    moved_by: Vec<String>,
    /// The event that brought it there: `metadata.rule` has the rule and its facts, where the daemon decided.
    decided_by: Option<StoredEvent>,
    /// Of an issue that wants a holder: who could take it, and what keeps it from everybody else. At most 200.
    agents: Vec<CandidateView>,
    /// How many agents there are.
    agents_in_all: usize,
    /// Of an agent: the first 20 of the queue, and what keeps each from it.
    issues: Vec<OfferView>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Wait")]
struct WaitView {
    /// Such as `dependency_open`, `paused`, `no_agent`.
    rule: &'static str,
    why: String,
    /// The stream that decides it.
    on: Option<String>,
    /// Version and position of the event there that says so.
    version: Option<u64>,
    position: Option<u64>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Candidate")]
struct CandidateView {
    agent_id: String,
    /// It gets the issue when it asks, where others don't come first.
    fits: bool,
    is_online: bool,
    last_heartbeat: Option<String>,
    reasons: Vec<ReasonView>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Offer")]
struct OfferView {
    stream_id: String,
    /// The agent gets it when it asks, where others don't come first.
    fits: bool,
    reasons: Vec<ReasonView>,
}

/// What keeps an issue from an agent: the rule by which a claim would be refused.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Reason")]
struct ReasonView {
    rule: &'static str,
    why: String,
}

/// An explanation with what was looked up for it in the log.
pub struct Explained {
    /// As the core has it.
    pub explanation: Explanation,
    /// The event that brought the subject where it is.
    pub decided_by: Option<StoredEvent>,
    /// Its time.
    pub since: Option<conductor_core::time::Timestamp>,
    /// Positions of the events that say what is waited for, in the order of the waits.
    pub positions: Vec<Option<u64>>,
}

impl ExplanationView {
    /// Words an explanation.
    #[must_use]
    pub fn of(explained: Explained) -> Self {
        let Explained { explanation, decided_by, since, positions } = explained;
        let agents_in_all = explanation.agents.len();
        let positions = positions.into_iter().chain(std::iter::repeat(None));
        Self {
            id: explanation.subject.to_string(),
            kind: explanation.subject.kind().as_str(),
            state: explanation.state,
            since: time(since),
            summary: explanation.summary,
            waits_for: explanation.waits_for.into_iter().zip(positions).map(WaitView::of).collect(),
            moved_by: explanation.moved_by,
            decided_by,
            agents: explanation.agents.iter().take(MOST_AGENTS).map(CandidateView::of).collect(),
            agents_in_all,
            issues: explanation.issues.iter().map(OfferView::of).collect(),
        }
    }
}

impl WaitView {
    fn of((wait, position): (Wait, Option<u64>)) -> Self {
        let (on, version) = wait.on.map_or((None, None), |(stream, version)| (Some(stream.to_string()), version));
        Self { rule: wait.rule, why: wait.why, on, version, position }
    }
}

impl CandidateView {
    fn of(candidate: &Candidate) -> Self {
        Self {
            agent_id: candidate.agent.to_string(),
            fits: candidate.obstacles.is_empty(),
            is_online: candidate.online,
            last_heartbeat: time(candidate.heard),
            reasons: candidate.obstacles.iter().map(ReasonView::of).collect(),
        }
    }
}

impl OfferView {
    fn of(offer: &Offer) -> Self {
        Self {
            stream_id: offer.issue.to_string(),
            fits: offer.obstacles.is_empty(),
            reasons: offer.obstacles.iter().map(ReasonView::of).collect(),
        }
    }
}

impl ReasonView {
    fn of(obstacle: &Obstacle) -> Self {
        Self { rule: obstacle.rule(), why: obstacle.to_string() }
    }
}
