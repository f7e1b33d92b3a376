use conductor_core::github::{PullRequest, Subject, Word};
use serde::Deserialize;

use super::Account;
use super::field::{Label, Text, names, said, sha, text, time};

/// `pull_request`
#[derive(Deserialize)]
pub(super) struct PullRequests {
    pull_request: Option<PullRequestFields>,
}

impl From<PullRequests> for Subject {
    fn from(read: PullRequests) -> Self {
        read.pull_request
            .and_then(PullRequestFields::read)
            .map_or(Subject::Incomplete { lacks: "a pull request with number, title, state and updated_at" }, |shown| {
                Subject::PullRequest(Box::new(shown))
            })
    }
}

/// A pull request, also where it stands beside a review.
#[derive(Deserialize)]
pub(super) struct PullRequestFields {
    pub(super) number: Option<u64>,
    title: Option<Text>,
    html_url: Option<Text>,
    #[serde(default, deserialize_with = "said")]
    body: Option<Option<Text>>,
    head: Option<Head>,
    user: Option<Account>,
    author_association: Option<String>,
    draft: Option<bool>,
    labels: Option<Vec<Label>>,
    state: Option<String>,
    merged: Option<bool>,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    mergeable: Option<bool>,
    changed_files: Option<u32>,
    additions: Option<u32>,
    deletions: Option<u32>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    branch: Option<Text>,
    sha: Option<String>,
}

impl PullRequestFields {
    pub(super) fn read(self) -> Option<PullRequest> {
        let (branch, head) = self.head.map_or((None, None), |head| (text(head.branch), sha(head.sha.as_deref())));
        Some(PullRequest {
            number: self.number?,
            title: text(self.title)?,
            url: text(self.html_url),
            body: self.body.map(|body| text(body).unwrap_or_default()),
            branch,
            head,
            author: self.user.and_then(Account::login),
            author_association: self.author_association.as_deref().map(Word::new),
            draft: self.draft,
            labels: self.labels.map(names),
            state: Word::new(&self.state?),
            // Beside a review only the time says so.
            merged: self.merged.unwrap_or_else(|| self.merged_at.is_some()),
            merge_commit: sha(self.merge_commit_sha.as_deref()),
            mergeable: self.mergeable,
            files: self.changed_files,
            additions: self.additions,
            deletions: self.deletions,
            updated_at: time(self.updated_at.as_deref())?,
        })
    }
}
