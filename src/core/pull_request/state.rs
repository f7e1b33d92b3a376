use std::collections::{BTreeMap, BTreeSet};

use crate::entry::EntryOf;
use crate::event::{GateState, PullRequestState};
use crate::identity::{AgentId, IssueRef, Login, PrRef, Sha};
use crate::record;
use crate::time::Timestamp;

use super::Head;

record! {
    /// A reviewer was asked and has not answered yet.
    pub struct Dispatch {
        /// Whom.
        "reviewer" => reviewer: AgentId,
        /// About which head.
        "head" => head: Option<Sha>,
        /// Until when; of one that is on its way, as if it had been there at once.
        "deadline" => deadline: Timestamp,
        /// It reaches its reviewer by an entry in that one's stream.
        "pushed" => pushed: bool,
        /// When it did.
        "deliveredAt" => delivered_at: Option<Timestamp>,
        /// Version of its event.
        "version" => version: u64,
    }
}

impl Dispatch {
    /// The entry that tells its reviewer.
    #[must_use]
    pub fn entry(&self) -> EntryOf {
        EntryOf { agent: self.reviewer.clone(), version: self.version }
    }

    /// Whether its reviewer has yet to be told.
    #[must_use]
    pub fn is_on_its_way(&self) -> bool {
        self.pushed && self.delivered_at.is_none()
    }
}

record! {
    /// A decision that only a person may take.
    pub struct Gate {
        /// Which kind.
        "gate" => gate: String,
        /// Open, approved, rejected, moot.
        "state" => state: GateState,
        /// The head that it was opened or decided for.
        "sha" => sha: Option<Sha>,
        /// Since when.
        "since" => since: Option<Timestamp>,
        /// What opened it.
        "reason" => reason: String,
        /// The files that opened it.
        "files" => files: Vec<String>,
    }
}

record! {
    /// How long the merge has waited for the same.
    pub struct GateWait {
        /// Since it was said what for, or since its head.
        "since" => since: Timestamp,
        /// When people were told of it.
        "reminded" => reminded: Option<Timestamp>,
    }
}

record! {
    /// The last deployment report, to recognise its repeat.
    pub struct LastReport {
        /// Its wire name.
        "type" => event_type: String,
        /// All it said.
        "data" => data: crate::data::Value<'static>,
        /// Its version.
        "version" => version: u64,
    }
}

record! {
    /// All that is known of a pull request.
    pub struct PullRequest {
        /// Which one, as first spelled.
        "pr" => reference: PrRef,
        /// Version of its stream.
        "version" => version: u64,
        /// Whether PR_CREATED came: facts may come before it, a row comes with it.
        "known" => known: bool,
        /// Version of PR_CREATED.
        "createdVersion" => created_version: u64,
        /// Version at which state or superseding last changed.
        "stateVersion" => state_version: u64,
        /// Where people read it.
        "url" => url: Option<String>,
        /// Title.
        "title" => title: Option<String>,
        /// Head branch.
        "branch" => branch: Option<String>,
        /// Who opened it.
        "author" => author: Option<Login>,
        /// GitHub's word for the author's relation to the repository.
        "authorAssociation" => author_association: Option<String>,
        /// The agent that reported it as its own.
        "agentId" => agent: Option<AgentId>,
        /// Who pushed heads of it.
        "pushers" => pushers: BTreeSet<Login>,
        /// The current head.
        "head" => head: Option<Sha>,
        /// Heads that were current, oldest first.
        "headOrder" => head_order: Vec<Sha>,
        /// Facts by head, current or not.
        "heads" => heads: BTreeMap<Sha, Head>,
        /// Not ready for review.
        "draft" => draft: bool,
        /// Labels.
        "labels" => labels: Vec<String>,
        /// Issues that it closes by keyword or branch name.
        "linkedIssues" => linked_issues: Vec<IssueRef>,
        /// Issues whose holders reported it.
        "reportedFor" => reported_for: BTreeSet<IssueRef>,
        /// Issues that were ever linked: they hear of it.
        "told" => told: BTreeSet<IssueRef>,
        /// At GitHub.
        "state" => state: PullRequestState,
        /// Taken out of the play by one of its issues.
        "superseded" => superseded: bool,
        /// Whether it can be merged, where GitHub said.
        "mergeable" => mergeable: Option<bool>,
        /// Threads that wait for an answer, by node id.
        "threads" => threads: BTreeSet<String>,
        /// Changed files.
        "files" => files: Option<u32>,
        /// Added lines.
        "additions" => additions: Option<u32>,
        /// Removed lines.
        "deletions" => deletions: Option<u32>,
        /// The merge's commit.
        "mergeSha" => merge_sha: Option<Sha>,
        /// GitHub's `updated_at` of the newest observation.
        "githubUpdatedAt" => github_updated_at: Option<Timestamp>,
        /// Reviews that count no more.
        "dismissed" => dismissed: BTreeSet<u64>,
        /// The open dispatch.
        "dispatch" => dispatch: Option<Dispatch>,
        /// Since when this head could be reviewed, as far as the pull request itself knows.
        "reviewableSince" => reviewable_since: Option<Timestamp>,
        /// The entry of the dispatch that the last event ended.
        "recalled" => recalled: Option<EntryOf>,
        /// Gates by id.
        "gates" => gates: BTreeMap<String, Gate>,
        /// What the merge waits for, as last said.
        "waitingFor" => waiting_for: Vec<String>,
        /// Since when, once anything was said.
        "gateWait" => gate_wait: Option<GateWait>,
        /// With a person.
        "escalated" => escalated: bool,
        /// Rounds at which REVIEW_LOOP_EXCEEDED was last said.
        "loopExceededAt" => loop_exceeded_at: u32,
        /// The last deployment report.
        "lastReport" => last_report: Option<LastReport>,
        /// Last event.
        "updatedAt" => updated_at: Option<Timestamp>,
    }
}

impl PullRequest {
    /// A pull request of which nothing is known.
    #[must_use]
    pub fn unknown(reference: PrRef) -> Self {
        Self {
            reference,
            version: 0,
            known: false,
            created_version: 0,
            state_version: 0,
            url: None,
            title: None,
            branch: None,
            author: None,
            author_association: None,
            agent: None,
            pushers: BTreeSet::new(),
            head: None,
            head_order: Vec::new(),
            heads: BTreeMap::new(),
            draft: false,
            labels: Vec::new(),
            linked_issues: Vec::new(),
            reported_for: BTreeSet::new(),
            told: BTreeSet::new(),
            state: PullRequestState::Open,
            superseded: false,
            mergeable: None,
            threads: BTreeSet::new(),
            files: None,
            additions: None,
            deletions: None,
            merge_sha: None,
            github_updated_at: None,
            dismissed: BTreeSet::new(),
            dispatch: None,
            reviewable_since: None,
            recalled: None,
            gates: BTreeMap::new(),
            waiting_for: Vec::new(),
            gate_wait: None,
            escalated: false,
            loop_exceeded_at: 0,
            last_report: None,
            updated_at: None,
        }
    }

    /// The state that people see: a superseded one is that until it is merged or closed.
    #[must_use]
    pub fn shown_state(&self) -> PullRequestState {
        match self.state {
            PullRequestState::Open if self.superseded => PullRequestState::Superseded,
            PullRequestState::Open => PullRequestState::Open,
            PullRequestState::Superseded => PullRequestState::Superseded,
            PullRequestState::Merged => PullRequestState::Merged,
            PullRequestState::Closed => PullRequestState::Closed,
        }
    }

    /// The facts of the current head.
    #[must_use]
    pub fn current_head(&self) -> Option<&Head> {
        self.facts_of(None)
    }

    /// The facts of a head; of the current one where none is named.
    pub(super) fn facts_of(&self, sha: Option<&Sha>) -> Option<&Head> {
        self.heads.get(&self.head_named(sha))
    }

    /// The head that is meant. A pull request may be reported without one; it can be judged all the same, until one is known.
    pub(super) fn head_named(&self, sha: Option<&Sha>) -> Sha {
        sha.or(self.head.as_ref()).cloned().unwrap_or_else(Sha::null)
    }

    /// The issues that it is for: by keyword, branch name or a holder's report.
    #[must_use]
    pub fn issues(&self) -> Vec<IssueRef> {
        let mut all = self.linked_issues.clone();
        all.extend(self.reported_for.iter().filter(|issue| !self.linked_issues.contains(issue)).cloned());
        all
    }

    /// Heads that ever were trouble.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        let troubled = self.head_order.iter().filter(|sha| self.heads.get(sha).is_some_and(|head| head.troubled));
        u32::try_from(troubled.count()).unwrap_or(u32::MAX)
    }

    /// Heads in a row, up to the newest one that was judged, whose required checks were red.
    #[must_use]
    pub fn red_streak(&self) -> u32 {
        use crate::event::CiState;
        let judged = self
            .head_order
            .iter()
            .rev()
            .filter_map(|sha| self.heads.get(sha))
            .skip_while(|head| matches!(head.ci, CiState::Unknown | CiState::Pending | CiState::None));
        u32::try_from(judged.take_while(|head| head.red).count()).unwrap_or(u32::MAX)
    }

    /// Whether the author may write to the repository, in GitHub's words.
    #[must_use]
    pub fn author_may_write(&self) -> bool {
        let word = self.author_association.as_deref().unwrap_or_default();
        ["OWNER", "MEMBER", "COLLABORATOR"].iter().any(|trusted| word.eq_ignore_ascii_case(trusted))
    }
}
