//! `GET /api/issues` and one of them

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::decider::StreamState;
use conductor_core::event::{IssueState, Priority};
use conductor_core::identity::{Claimant, IssueRef, StreamId, StreamKind};
use conductor_core::port::{Cursor, ExecutionFilter, RowFilter, Store, StoreFailure, StoredRow};
use futures_util::stream::{Stream, try_unfold};
use serde::Serialize;
use serde_json::json;

use super::events::pages_of;
use crate::dependencies::OpenDependencies;
use crate::edge::Edge;
use crate::error::{ApiError, Code, json_text};
use crate::openapi::{Answer, Operation, Parameter, Tag, Texts, claimant, issue_number, one_of, owner_or_name, repo};
use crate::paging::{LARGEST_PAGE, PAGE, cursor_of, cursor_text, page, streamed};
use crate::query::Query;
use crate::subject;
use crate::wire::{CostOfOne, ExecutionRow, IssueRow, PullRow, Sums, with_timeline};

/// Runs that are shown with an issue: the latest; GET /api/execution-logs has all.
const RUNS: usize = 50;

/// The rows that match, by repo and number: all of them, streamed, or a page of them.
///
/// # Errors
/// When a filter is malformed or the store can't answer.
pub async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let filter = RowFilter {
        repo: query.read("repo")?.map(|repo| edge.first_name(repo)),
        states: states(&query)?,
        priority: priority(&query)?,
        agent: query.read::<Claimant>("agentId")?.map(|claimant| claimant.agent),
    };
    let (store, after) = (Arc::clone(edge.store()), cursor_of(&query)?);
    let Some(limit) = query.number("limit", 1..=LARGEST_PAGE)? else {
        return streamed("[".to_owned(), all(store, filter, after), "]").await;
    };
    let limit = usize::try_from(limit).unwrap_or(PAGE);
    let stored = store.rows(StreamKind::Issue, &filter, after.as_ref(), limit + 1).await?;
    let next = stored.get(limit).and_then(|_| stored.get(limit - 1)).map(StoredRow::cursor);
    let next = next.map(|cursor| format!("{}?{}", request.path(), query.with("cursor", &cursor_text(&cursor))));
    let mut dependencies = OpenDependencies::default();
    let rows = rows(&*store, stored.into_iter().take(limit), &mut dependencies).await?;
    Ok(page(&rows, next))
}

/// `failed` is what old clients call `escalated`.
fn states(query: &Query) -> Result<Vec<&'static str>, ApiError> {
    let known = |word: &str| match word {
        "failed" => Some(IssueState::Escalated),
        word => IssueState::from_word(word),
    };
    let read = query.list("state").map(|word| {
        known(&word.to_ascii_lowercase()).map(IssueState::as_str).ok_or_else(|| {
            let words: Vec<&str> = IssueState::ALL.iter().map(|state| state.as_str()).collect();
            ApiError::malformed(format!("state must be one of {}", words.join(", ")))
        })
    });
    read.collect()
}

fn priority(query: &Query) -> Result<Option<&'static str>, ApiError> {
    Ok(query.read::<Priority>("priority")?.map(Priority::as_str))
}

fn all(
    store: Arc<dyn Store>,
    filter: RowFilter,
    after: Option<Cursor>,
) -> impl Stream<Item = Result<Vec<IssueRow>, StoreFailure>> {
    struct Reading {
        after: Option<Cursor>,
        dependencies: OpenDependencies,
        more: bool,
    }
    let start = Reading { after, dependencies: OpenDependencies::default(), more: true };
    try_unfold(start, move |mut reading| {
        let (store, filter) = (Arc::clone(&store), filter.clone());
        async move {
            if !reading.more {
                return Ok(None);
            }
            let stored = store.rows(StreamKind::Issue, &filter, reading.after.as_ref(), PAGE).await?;
            reading.more = stored.len() == PAGE;
            reading.after = stored.last().map(StoredRow::cursor);
            let rows = rows(&*store, stored, &mut reading.dependencies).await?;
            Ok(Some((rows, reading)))
        }
    })
}

async fn rows(
    store: &dyn Store,
    stored: impl IntoIterator<Item = StoredRow>,
    dependencies: &mut OpenDependencies,
) -> Result<Vec<IssueRow>, StoreFailure> {
    let mut rows = Vec::new();
    for row in stored {
        if let StreamState::Issue(issue) = &row.state {
            let open = dependencies.of(store, issue).await?;
            rows.extend(IssueRow::of(issue, row.body, &open));
        }
    }
    Ok(rows)
}

/// One issue with its body and its timeline. A number that is a pull request means that pull request here too.
///
/// # Errors
/// When the path is no issue, when nothing is known of it, or the store can't answer.
pub async fn one(edge: Data<Edge>, path: Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let (owner, name, number) = path.into_inner();
    let text = format!("{owner}/{name}#{number}");
    let reference = IssueRef::parse(&text)
        .map(|reference| edge.first_named(reference))
        .ok_or_else(|| ApiError::malformed(format!("{text} is no issue: use /api/issues/owner/repo/42")))?;
    let store = edge.store();
    let unknown =
        || ApiError::unknown(format!("nothing is known of {reference}: approve it first, or check the number"));
    let stream = match subject::kind_of(&**store, &reference).await? {
        Some(StreamKind::PullRequest) => StreamId::PullRequest(reference.clone()),
        Some(StreamKind::Issue) => StreamId::Issue(reference.clone()),
        Some(StreamKind::Agent | StreamKind::Rig) | None => return Err(unknown()),
    };
    let row = store.row(&stream).await?.ok_or_else(unknown)?;
    let (mut numbers, mut runs) = (vec![reference.clone()], Vec::new());
    if let StreamState::Issue(issue) = &row.state {
        // Whoever reviews it runs, and spends, under the number of its pull request.
        numbers.extend(subject::pull_request_of(issue));
    }
    let mut cost = Sums::default();
    for number in &numbers {
        runs.extend(store.executions(&ExecutionFilter::about(number), None, RUNS).await?);
        cost = cost.joined(super::costs::of_issue(&edge, number).await?);
    }
    runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
    let beside =
        Beside { execution_logs: runs.iter().take(RUNS).map(ExecutionRow::of).collect(), cost: CostOfOne::from(cost) };
    let head = match &row.state {
        StreamState::Issue(issue) => {
            let open = OpenDependencies::default().of(&**store, issue).await?;
            opened(IssueRow::of(issue, row.body, &open), &beside)
        }
        StreamState::PullRequest(pull) => opened(PullRow::of(pull), &beside),
        StreamState::Agent(_) | StreamState::Rig(_) => None,
    };
    let head = head.ok_or_else(unknown)?;
    streamed(head, pages_of(Arc::clone(store), stream), "]}").await
}

/// What stands beside a row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Beside {
    execution_logs: Vec<ExecutionRow>,
    cost: CostOfOne,
}

/// A row's JSON with what stands beside it, left open for its timeline.
fn opened(row: Option<impl Serialize>, beside: &Beside) -> Option<String> {
    let (row, beside) = (json_text(&row?), json_text(beside));
    let (row, beside) = (row.strip_suffix('}')?, beside.strip_prefix('{')?.strip_suffix('}')?);
    Some(format!("{row},{beside},\"timeline\":["))
}

pub(crate) fn list_described() -> Operation {
    let mut states = IssueState::texts();
    states.push("failed");
    let state =
        Parameter::list("state", &one_of(&states), "In one of these states; `failed` is the old word for `escalated`.");
    Operation::new("issues", Tag::State, "Issues as they stand")
        .about("By repository and number. Without `limit` everything, streamed.")
        .with(Parameter::query("repo", repo(), "Of this repository.").example("some", "acme/web"))
        .with(state.example("some", "queued,assigned"))
        .with(Parameter::query("priority", one_of(&Priority::texts()), "With this priority."))
        .with(Parameter::query("agentId", claimant(), "Held by this agent."))
        .with(super::limit().example("some", 10))
        .with(super::cursor())
        .answers(super::paged(Answer::json::<Vec<IssueRow>>(200, "Rows.")))
        .refuses(&[Code::Malformed])
        .refuses(super::READS)
}

pub(crate) fn one_described() -> Operation {
    let part = |name, about| Parameter::path(name, owner_or_name(), about);
    let number = Parameter::path("number", issue_number(), "Its number; one of a pull request means that.");
    Operation::new("issue", Tag::State, "One issue or pull request, with its runs, its cost and its timeline")
        .with(part("owner", "Owner of the repository.").example("an_issue", "acme"))
        .with(part("repo", "Name of the repository.").example("an_issue", "web"))
        .with(number.example("an_issue", 42))
        .answers(
            Answer::text(
                200,
                "application/json",
                |generator| {
                    let kinds = [with_timeline::<IssueRow>(generator), with_timeline::<PullRow>(generator)];
                    schemars::json_schema!({ "anyOf": kinds })
                },
                "The row; under `executionLogs` its 50 latest runs, under `cost` what was spent on it, those of its pull request included, under `timeline` its events.",
            )
            .leads_to("events_of_stream", json!({ "id": "$response.body#/streamId" })),
        )
        .refuses(&[Code::Malformed, Code::Unknown])
        .refuses(super::READS)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Daemon, Reply};
    use serde_json::{Value, json};

    async fn approve(daemon: &Daemon, repo: &str, number: u64, more: Value) {
        let mut body =
            json!({ "type": "ISSUE_APPROVED", "repo": repo, "issueNumber": number, "title": "x", "body": "text" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        daemon.report(&body).await;
    }

    async fn with_issues() -> Daemon {
        let daemon = Daemon::start().await;
        approve(&daemon, "acme/web", 10, json!({ "priority": "high" })).await;
        approve(&daemon, "acme/web", 9, json!({ "dependsOn": [10, "acme/api#1"] })).await;
        approve(&daemon, "acme/api", 2, json!({})).await;
        approve(&daemon, "acme/api", 1, json!({})).await;
        daemon.report(&json!({ "type": "ESCALATED", "repo": "acme/api", "issueNumber": 2, "reason": "odd" })).await;
        let assigned =
            json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 10, "agentId": "dev-e-node/ab12c" });
        daemon.report(&assigned).await;
        daemon
    }

    fn names(rows: &Value) -> Vec<&str> {
        rows.as_array().unwrap().iter().map(|row| row["streamId"].as_str().unwrap()).collect()
    }

    fn next_of(reply: &Reply) -> Option<String> {
        let link = reply.headers.get("link")?;
        Some(link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?.to_owned())
    }

    const ALL: [&str; 4] = ["acme/api#1", "acme/api#2", "acme/web#9", "acme/web#10"];

    #[actix_web::test]
    async fn without_a_limit_it_is_everything_by_repo_and_number() {
        let daemon = with_issues().await;
        let rows = daemon.get("/api/issues").await.expect(200);
        assert_eq!(names(&rows), ALL);
        assert_eq!(Daemon::start().await.get("/api/issues").await.expect(200), json!([]));
    }

    #[actix_web::test]
    async fn filters_narrow_it_down() {
        let daemon = with_issues().await;
        for (query, expected) in [
            ("state=queued", vec!["acme/api#1", "acme/web#9"]),
            ("state=assigned", vec!["acme/web#10"]),
            ("state=escalated", vec!["acme/api#2"]),
            ("state=failed", vec!["acme/api#2"]),
            ("State=assigned,failed", vec!["acme/api#2", "acme/web#10"]),
            ("repo=ACME/WEB", vec!["acme/web#9", "acme/web#10"]),
            ("agentId=dev-e-node", vec!["acme/web#10"]),
            ("priority=high", vec!["acme/web#10"]),
            ("repo=acme/api&priority=high", vec![]),
            ("state=", ALL.to_vec()),
        ] {
            let rows = daemon.get(&format!("/api/issues?{query}")).await.expect(200);
            assert_eq!(names(&rows), expected, "{query}");
        }
        for query in [
            "state=stuck",
            "repo=acme",
            "agentId=a%20b",
            "priority=urgent",
            "limit=0",
            "limit=1001",
            "limit=2&cursor=x",
            "cursor=x",
        ] {
            daemon.get(&format!("/api/issues?{query}")).await.refused(400, "malformed");
        }
    }

    #[actix_web::test]
    async fn with_a_limit_pages_follow_each_other_without_gap_or_repeat() {
        let daemon = with_issues().await;
        let mut seen = Vec::new();
        let mut uri = Some("/api/issues?limit=3&repo=".to_owned());
        while let Some(at) = uri {
            let page = daemon.get(&at).await;
            seen.extend(names(&page.expect(200)).into_iter().map(str::to_owned));
            uri = next_of(&page);
        }
        assert_eq!(seen, ALL);
        assert_eq!(next_of(&daemon.get("/api/issues?limit=4").await), None);
        let second = next_of(&daemon.get("/api/issues?limit=3").await).unwrap();
        let rest = daemon.get(&second.replace("limit=3", "limit=")).await.expect(200);
        assert_eq!(names(&rest), ["acme/web#10"], "without a limit, all the rest");
    }

    #[actix_web::test]
    async fn a_list_is_longer_than_a_read_of_the_store() {
        let daemon = Daemon::start().await;
        let count = super::PAGE + 1;
        for number in 1..=count {
            approve(&daemon, "acme/web", number as u64, json!({})).await;
        }
        let rows = daemon.get("/api/issues").await.expect(200);
        assert_eq!(rows.as_array().unwrap().len(), count);
    }

    #[actix_web::test]
    async fn a_row_names_the_dependencies_that_keep_it_back() {
        let daemon = with_issues().await;
        let blocked = |rows: &Value| rows[0]["blockedBy"].clone();
        let waiting = "/api/issues?state=queued&repo=acme/web";
        assert_eq!(blocked(&daemon.get(waiting).await.expect(200)), json!(["acme/web#10", "acme/api#1"]));
        daemon.report(&json!({ "type": "ISSUE_DONE", "repo": "acme/api", "issueNumber": 1 })).await;
        assert_eq!(blocked(&daemon.get(waiting).await.expect(200)), json!(["acme/web#10"]));
    }

    #[actix_web::test]
    async fn one_issue_has_its_body_and_its_timeline() {
        let daemon = with_issues().await;
        let issue = daemon.get("/api/issues/acme/WEB/10").await.expect(200);
        assert_eq!((&issue["streamId"], &issue["body"]), (&json!("acme/web#10"), &json!("text")));
        assert_eq!((&issue["state"], &issue["agentId"]), (&json!("assigned"), &json!("dev-e-node")));
        let timeline: Vec<&str> =
            issue["timeline"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(timeline, ["IssueApproved", "IssueAssigned"]);
    }

    #[actix_web::test]
    async fn a_number_that_is_a_pull_request_means_it_here_too() {
        let daemon = with_issues().await;
        daemon.pull_request("acme/web#57", &["acme/web#9"]).await;
        let pull = daemon.get("/api/issues/acme/web/57").await.expect(200);
        assert_eq!((&pull["prNumber"], &pull["timeline"][0]["type"]), (&json!(57), &json!("PrCreated")));
    }

    #[actix_web::test]
    async fn what_was_never_approved_has_a_stream_and_no_row() {
        let daemon = Daemon::start().await;
        let hook = json!({ "type": "WORK_STARTED", "repo": "acme/web", "issueNumber": 4, "agentId": "somebody" });
        daemon.report(&hook).await;
        assert_eq!(daemon.get("/api/issues").await.expect(200), json!([]));
        daemon.get("/api/issues/acme/web/4").await.refused(404, "unknown");
        daemon.get("/api/issues/acme/web/99").await.refused(404, "unknown");
        daemon.get("/api/issues/acme/web/x").await.refused(400, "malformed");
        assert_eq!(daemon.get("/api/events/stream?id=acme/web%234").await.expect(200)[0]["type"], "WorkStarted");
    }
}
