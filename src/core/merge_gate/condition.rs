use crate::roster::GitHubMode;

/// Something that a merge waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is merged, closed or superseded: there is nothing to merge.
    NotOpen,
    /// It is the current pull request of no issue.
    NoIssue,
    /// An issue of it is with a person.
    Escalated,
    /// An operator holds the rig, its repository or an issue of it.
    Paused,
    /// No allowed reviewer has approved its head.
    Approval,
    /// An allowed reviewer asks for changes.
    Dispute,
    /// No check of its head was seen.
    NoChecks,
    /// Required checks of its head have not finished.
    ChecksPending,
    /// Required checks of its head are red: these.
    RedChecks(Vec<String>),
    /// A person decides at this gate.
    HumanGate(String),
    /// A person rejected this head at a gate.
    GateRejected,
    /// A label keeps it from being merged.
    Label(&'static str),
    /// It is larger than a change may be.
    Size {
        /// Files that it touches.
        files: u32,
        /// Lines that it adds and removes.
        lines: u32,
    },
    /// Threads that wait for an answer: so many.
    Threads(usize),
    /// Its author isn't done.
    Draft,
    /// It conflicts with its base.
    Conflict,
    /// Nothing else, but GitHub can't be asked to merge. On no list of the gate: that says what the change and its issues need.
    NotConnected,
}

impl Condition {
    /// The rule's name.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NotOpen => "not_open",
            Self::NoIssue => "linked_issue",
            Self::Escalated => "escalated",
            Self::Paused => "paused",
            Self::Approval | Self::Dispute => "review",
            Self::NoChecks | Self::ChecksPending | Self::RedChecks(_) => "ci",
            Self::HumanGate(_) | Self::GateRejected => "human_gate",
            Self::Label(_) => "blocking_label",
            Self::Size { .. } => "size",
            Self::Threads(_) => "unresolved_threads",
            Self::Draft => "draft",
            Self::Conflict => "merge_conflict",
            Self::NotConnected => "github_connection",
        }
    }

    /// What is waited for, as a fragment that fits after "it waits for".
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::NotOpen => "nothing: it is merged, closed or superseded".to_owned(),
            Self::NoIssue => "an issue that follows it".to_owned(),
            Self::Escalated => "a person: its issue was escalated".to_owned(),
            Self::Paused => "an operator: it is paused".to_owned(),
            Self::Approval => "an approval of its head by an allowed reviewer".to_owned(),
            Self::Dispute => "more commits: a reviewer asks for changes".to_owned(),
            Self::NoChecks => "checks of its head: none was seen".to_owned(),
            Self::ChecksPending => "checks of its head that have not finished".to_owned(),
            Self::RedChecks(names) => format!("red checks: {}", names.join(", ")),
            Self::HumanGate(gate) => format!("a person at the gate {gate}"),
            Self::GateRejected => "more commits: a person rejected it at a gate".to_owned(),
            Self::Label(label) => format!("the label {label}"),
            Self::Size { files, lines } => {
                format!("a smaller change, or the label large-pr-ok: it touches {files} files and {lines} lines")
            }
            Self::Threads(threads) => format!("{threads} threads that wait for an answer"),
            Self::Draft => "its author to say that it is ready: it is a draft".to_owned(),
            Self::Conflict => "its author: it conflicts with its base".to_owned(),
            Self::NotConnected => {
                "a person who merges it: nothing else is in its way, and this daemon has no credentials".to_owned()
            }
        }
    }

    /// What would meet it, where facts come from there.
    #[must_use]
    pub fn moved_by(&self, github: GitHubMode) -> &'static str {
        match (github, self) {
            (GitHubMode::None, told) => told.moved_by_report(),
            (GitHubMode::Webhook | GitHubMode::Connected, told) => told.moved_at_github(),
        }
    }

    /// Without GitHub: who has to report what.
    fn moved_by_report(&self) -> &'static str {
        match self {
            Self::NoIssue => "PR_CREATED by the holder of the issue that it is for",
            Self::Escalated => "a person: requeue its issue",
            Self::Approval => "REVIEW_PASSED, reported by a reviewer who was asked and did not produce it",
            Self::Dispute => "PR_CREATED with a new headSha by its author, or another verdict of that reviewer",
            Self::NoChecks | Self::ChecksPending => {
                "CI_PASSED for its head, reported by a monitor, coordinator or operator"
            }
            Self::RedChecks(_) => "PR_CREATED with a new headSha by its author, or CI_PASSED after all",
            Self::Conflict | Self::GateRejected => "PR_CREATED with a new headSha by its author",
            Self::NotConnected => "MERGED, reported by a monitor, coordinator or operator once somebody has merged it",
            Self::NotOpen
            | Self::Paused
            | Self::HumanGate(_)
            | Self::Label(_)
            | Self::Size { .. }
            | Self::Threads(_)
            | Self::Draft => self.moved_at_github(),
        }
    }

    fn moved_at_github(&self) -> &'static str {
        match self {
            Self::NotOpen => "reopening it, where it is closed",
            Self::NoIssue => "closing keywords in its body, such as `Closes #42`",
            Self::Escalated => "a person: requeue its issue, or merge it at GitHub",
            Self::Paused => "an operator who resumes it",
            Self::Approval => "an approval by a reviewer who did not produce it",
            Self::Dispute => "a push, or another verdict of that reviewer",
            Self::NoChecks => "a check of its head that finishes well",
            Self::ChecksPending => "the checks of its head finish",
            Self::RedChecks(_) | Self::Conflict => "a push that mends it",
            Self::HumanGate(_) => "a person with the right to, at GitHub",
            Self::GateRejected => "a push",
            Self::Label(_) => "a person: merge it at GitHub, or take the label off",
            Self::Size { .. } => "a smaller change, or a person who sets the label large-pr-ok",
            Self::Threads(_) => "the threads are resolved",
            Self::Draft => "ready for review, at GitHub",
            Self::NotConnected => "a person who merges it at GitHub",
        }
    }
}

impl std::fmt::Display for Condition {
    /// As `waitingFor` names it: the rule, and after a colon what of several is meant.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule())?;
        match self {
            Self::Dispute => f.write_str(":disputed"),
            Self::GateRejected => f.write_str(":rejected"),
            Self::NoChecks => f.write_str(":none"),
            Self::ChecksPending => f.write_str(":pending"),
            Self::RedChecks(names) => write!(f, ":{}", names.join(",")),
            Self::HumanGate(gate) => write!(f, ":{gate}"),
            Self::Label(label) => write!(f, ":{label}"),
            Self::NotOpen
            | Self::NoIssue
            | Self::Escalated
            | Self::Paused
            | Self::Approval
            | Self::Size { .. }
            | Self::Threads(_)
            | Self::Draft
            | Self::Conflict
            | Self::NotConnected => Ok(()),
        }
    }
}
