use conductor_core::decider::StreamState;
use conductor_core::identity::{IssueRef, PrRef, RepoName, StreamId, StreamKind};
use conductor_core::port::Store;

use crate::error::ApiError;
use crate::json::Properties;
use crate::numbers::Numbers;
use crate::subject;

/// Where a report belongs, once the read models have said what its number is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    issue: Option<IssueRef>,
    pull_request: Option<PrRef>,
}

/// What a report wants to know of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// The issue alone: a number that is an issue is looked up no further.
    Issue,
    /// The pull request, too.
    PullRequest,
}

impl Place {
    /// Takes `repo`, `issueNumber`, `prRepo` and `prNumber` out of a report and finds out what they mean: a number that is
    /// a known pull request means that pull request (review runs report its number as `issueNumber`), an issue stands for the
    /// pull request that it shows as well, a pull request for the one issue that it closes.
    ///
    /// # Errors
    /// When a property is missing or malformed, when `prNumber` is an issue, or when the store can't answer.
    pub async fn take(
        properties: &mut Properties,
        store: &dyn Store,
        numbers: &Numbers,
        sought: Sought,
    ) -> Result<Self, ApiError> {
        let repo: RepoName = properties.required("repo")?;
        let pull_repo = properties.optional::<RepoName>("prRepo")?.unwrap_or_else(|| repo.clone());
        let number = number(properties, "issueNumber")?.map(|number| reference(&repo, number)).transpose()?;
        let pull_number = number_of_pull(properties)?;
        let pull = pull_number.map(|number| reference(&pull_repo, number)).transpose()?;
        if let Some(pull) = &pull
            && numbers.kind_of(store, pull).await? == Some(StreamKind::Issue)
        {
            return Err(ApiError::malformed(format!("prNumber is wrong: {pull} is an issue")));
        }
        match (number, pull) {
            (Some(number), pull) => match numbers.kind_of(store, &number).await? {
                Some(StreamKind::PullRequest) => Self::of_pull_request(store, number).await,
                Some(StreamKind::Issue) if pull.is_none() && sought == Sought::PullRequest => {
                    Self::of_issue(store, number).await
                }
                Some(StreamKind::Issue | StreamKind::Agent | StreamKind::Rig) | None => {
                    Ok(Self { issue: Some(number), pull_request: pull })
                }
            },
            (None, Some(pull)) => Self::of_pull_request(store, pull).await,
            (None, None) => Err(ApiError::malformed("issueNumber is missing: say which issue it is about")),
        }
    }

    async fn of_issue(store: &dyn Store, issue: IssueRef) -> Result<Self, ApiError> {
        let pull_request = match subject::state(store, &StreamId::Issue(issue.clone())).await? {
            Some(StreamState::Issue(issue)) => subject::pull_request_of(&issue),
            Some(StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_)) | None => None,
        };
        Ok(Self { issue: Some(issue), pull_request })
    }

    async fn of_pull_request(store: &dyn Store, pull_request: PrRef) -> Result<Self, ApiError> {
        let issue = subject::issue_of_pull_request(store, &pull_request).await?;
        Ok(Self { issue, pull_request: Some(pull_request) })
    }

    /// The issue, where one is known or meant.
    #[must_use]
    pub fn issue(&self) -> Option<&IssueRef> {
        self.issue.as_ref()
    }

    /// The issue that decides a report about work.
    ///
    /// # Errors
    /// When the number is a pull request that closes no issue, or several.
    pub fn the_issue(&self) -> Result<IssueRef, ApiError> {
        self.issue.clone().ok_or_else(|| {
            let number = self.pull_request.as_ref().map(ToString::to_string).unwrap_or_default();
            ApiError::unknown(format!(
                "{number} is a pull request that does not stand for one issue: send the issue's number as issueNumber"
            ))
        })
    }

    /// The pull request that decides a report about a change.
    ///
    /// # Errors
    /// When none is known for the issue.
    pub fn the_pull_request(&self) -> Result<PrRef, ApiError> {
        self.pull_request.clone().ok_or_else(|| {
            let issue = self.issue.as_ref().map(ToString::to_string).unwrap_or_default();
            ApiError::unknown(format!("no pull request of {issue} is known: send its number as prNumber"))
        })
    }

    #[cfg(test)]
    pub(super) fn of(issue: Option<&str>, pull_request: Option<&str>) -> Self {
        let read = |text: &str| IssueRef::parse(text).expect("tests name issues");
        Self { issue: issue.map(read), pull_request: pull_request.map(read) }
    }
}

/// A number; 0 means none, as telemetry of old clients says it.
fn number(properties: &mut Properties, name: &str) -> Result<Option<u64>, ApiError> {
    Ok(properties.optional::<u64>(name)?.filter(|number| *number != 0))
}

/// `prNumber`, or the number at the end of `prUrl`, which stays where it is.
fn number_of_pull(properties: &mut Properties) -> Result<Option<u64>, ApiError> {
    let given = number(properties, "prNumber")?;
    let Some(url) = properties.optional::<String>("prUrl")? else { return Ok(given) };
    let named = url.rsplit_once("/pull/").and_then(|(_, rest)| rest.split(['/', '?', '#']).next()?.parse().ok());
    properties.put("prUrl", conductor_core::data::Value::Text(url.into()));
    Ok(given.or(named))
}

fn reference(repo: &RepoName, number: u64) -> Result<IssueRef, ApiError> {
    IssueRef::new(repo.clone(), number).ok_or_else(|| {
        ApiError::malformed(format!("{repo}#{number} is no number that GitHub gives: send the real one"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Daemon;
    use serde_json::json;

    async fn place(daemon: &Daemon, text: &serde_json::Value) -> Result<(Option<String>, Option<String>), ApiError> {
        let read = crate::json::parse(text.to_string().as_bytes(), &crate::json::Limits::API)?;
        let place =
            Place::take(&mut Properties::of(read)?, &**daemon.store(), &daemon.edge.numbers, Sought::PullRequest)
                .await?;
        Ok((place.issue.map(|issue| issue.to_string()), place.pull_request.map(|pull| pull.to_string())))
    }

    fn names(issue: Option<&str>, pull: Option<&str>) -> (Option<String>, Option<String>) {
        (issue.map(str::to_owned), pull.map(str::to_owned))
    }

    #[actix_web::test]
    async fn a_number_means_what_the_read_models_know_it_as() {
        let daemon = Daemon::start().await;
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" });
        daemon.report(&approval).await;
        daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
        daemon.pull_request("acme/web#58", &["acme/web#4", "acme/web#5"]).await;
        for (text, expected) in [
            (json!({"repo": "acme/web", "issueNumber": 4}), names(Some("acme/web#4"), None)),
            (json!({"repo": "acme/web", "issueNumber": 57}), names(Some("acme/web#4"), Some("acme/web#57"))),
            (json!({"repo": "ACME/WEB", "prNumber": 57}), names(Some("acme/web#4"), Some("ACME/WEB#57"))),
            (json!({"repo": "acme/web", "issueNumber": 58}), names(None, Some("acme/web#58"))),
            (json!({"repo": "acme/web", "issueNumber": 9}), names(Some("acme/web#9"), None)),
            (
                json!({"repo": "acme/web", "issueNumber": 4, "prNumber": 60}),
                names(Some("acme/web#4"), Some("acme/web#60")),
            ),
            (
                json!({"repo": "acme/web", "issueNumber": 4, "prRepo": "acme/fork", "prNumber": 60}),
                names(Some("acme/web#4"), Some("acme/fork#60")),
            ),
            (
                json!({"repo": "acme/web", "issueNumber": 4, "prUrl": "https://github.com/acme/web/pull/61/files"}),
                names(Some("acme/web#4"), Some("acme/web#61")),
            ),
        ] {
            assert_eq!(place(&daemon, &text).await, Ok(expected), "{text}");
        }
    }

    #[actix_web::test]
    async fn an_address_that_is_no_text_is_refused_even_where_the_number_is_given() {
        let daemon = Daemon::start().await;
        let text = json!({ "repo": "acme/web", "issueNumber": 4, "prNumber": 57, "prUrl": {} });
        assert_eq!(place(&daemon, &text).await.unwrap_err().code(), "malformed");
        let both = json!({ "repo": "acme/web", "prNumber": 57, "prUrl": "https://github.com/acme/web/pull/61" });
        assert_eq!(place(&daemon, &both).await, Ok(names(None, Some("acme/web#57"))), "the number goes first");
    }

    #[actix_web::test]
    async fn a_pull_request_number_that_is_an_issue_is_refused() {
        let daemon = Daemon::start().await;
        let approval = json!({ "type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": 4, "title": "x" });
        daemon.report(&approval).await;
        let refused = place(&daemon, &json!({"repo": "acme/web", "issueNumber": 9, "prNumber": 4})).await.unwrap_err();
        assert!(refused.to_string().contains("acme/web#4 is an issue"), "{refused}");
    }

    #[actix_web::test]
    async fn a_place_needs_a_repository_and_a_number() {
        let daemon = Daemon::start().await;
        for text in [
            json!({"issueNumber": 4}),
            json!({"repo": "acme/web"}),
            json!({"repo": "acme/web", "issueNumber": 0}),
            json!({"repo": "acme/web", "issueNumber": 4, "prNumber": "57"}),
        ] {
            assert_eq!(place(&daemon, &text).await.unwrap_err().code(), "malformed", "{text}");
        }
    }
}
