use conductor_core::github::{Review, Subject, Thread, Word};
use serde::Deserialize;

use super::Account;
use super::field::{Text, sha, text, time};
use super::pull_request::PullRequestFields;

/// `pull_request_review`
#[derive(Deserialize)]
pub(super) struct Reviews {
    review: Option<ReviewFields>,
    pull_request: Option<PullRequestFields>,
}

#[derive(Deserialize)]
struct ReviewFields {
    id: Option<u64>,
    user: Option<Account>,
    state: Option<String>,
    commit_id: Option<String>,
    submitted_at: Option<String>,
    body: Option<Text>,
}

impl Reviews {
    fn read(self) -> Option<Review> {
        let (review, pull_request) = (self.review?, self.pull_request?);
        Some(Review {
            id: review.id?,
            reviewer: review.user.and_then(Account::login),
            state: Word::new(&review.state?),
            head: sha(review.commit_id.as_deref()),
            submitted_at: time(review.submitted_at.as_deref()),
            body: text(review.body),
            pull_request: pull_request.number?,
            shown: pull_request.read(),
        })
    }
}

impl From<Reviews> for Subject {
    fn from(read: Reviews) -> Self {
        read.read().map_or(
            Subject::Incomplete { lacks: "a review with id and state, or the number of its pull request" },
            |review| Subject::Review(Box::new(review)),
        )
    }
}

/// `pull_request_review_thread`
#[derive(Deserialize)]
pub(super) struct Threads {
    thread: Option<ThreadFields>,
    pull_request: Option<PullRequestFields>,
}

#[derive(Deserialize)]
struct ThreadFields {
    node_id: Option<Text>,
}

impl Threads {
    fn read(self) -> Option<Thread> {
        let (thread, pull_request) = (self.thread?, self.pull_request?);
        let id = text(thread.node_id)?;
        Some(Thread { id, pull_request: pull_request.number?, shown: pull_request.read() })
    }
}

impl From<Threads> for Subject {
    fn from(read: Threads) -> Self {
        read.read().map_or(
            Subject::Incomplete { lacks: "a thread with node id, or the number of its pull request" },
            |thread| Subject::Thread(Box::new(thread)),
        )
    }
}
