use conductor_core::github::{Issue, Subject, Word};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::field::{Label, Milestone, Text, names, text, time};

/// `issues`
#[derive(Deserialize)]
pub(super) struct Issues {
    issue: Option<IssueFields>,
    /// The label that was set or taken off.
    label: Option<Label>,
}

#[derive(Deserialize)]
struct IssueFields {
    number: Option<u64>,
    title: Option<Text>,
    html_url: Option<Text>,
    body: Option<Text>,
    labels: Option<Vec<Label>>,
    milestone: Option<Milestone>,
    state: Option<String>,
    state_reason: Option<String>,
    pull_request: Option<IgnoredAny>,
    updated_at: Option<String>,
}

impl From<Issues> for Subject {
    fn from(read: Issues) -> Self {
        let label = read.label.and_then(|label| text(label.name));
        let issue = read.issue.and_then(|issue| issue.read(label));
        issue.map_or(Subject::Incomplete { lacks: "an issue with number, title, state and updated_at" }, |issue| {
            Subject::Issue(Box::new(issue))
        })
    }
}

impl IssueFields {
    fn read(self, label: Option<String>) -> Option<Issue> {
        Some(Issue {
            number: self.number?,
            title: text(self.title)?,
            url: text(self.html_url),
            body: text(self.body),
            labels: names(self.labels.unwrap_or_default()),
            milestone: self.milestone.and_then(|milestone| text(milestone.title)),
            state: Word::new(&self.state?),
            state_reason: self.state_reason.as_deref().map(Word::new),
            is_pull_request: self.pull_request.is_some(),
            updated_at: time(self.updated_at.as_deref())?,
            label,
        })
    }
}
