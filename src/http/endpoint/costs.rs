//! `/api/usage`, `/api/costs/…` and `/public/cost-summary`: what was spent.
//!
//! **Every one of them asks [`sums`]**, which is one query of one moment over one table: two of them over the same days never
//! disagree.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::cost::{CostBy, CostFilter, Day};
use conductor_core::identity::IssueRef;
use conductor_core::port::StoreFailure;
use serde_json::json;

use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::paging::LARGEST_PAGE;
use crate::query::Query;
use crate::wire::{CostSummary, CostsByIssue, DailyCosts, MemoryView, PublicCosts, Span, Sums, UsageView};

/// Ten years: nobody has been counted for longer.
const MOST_DAYS: u64 = 3_660;
/// Issues that are shown, unless asked for more.
const ISSUES: u64 = 100;

/// Which days a request is about.
struct Days {
    span: Span,
    filter: CostFilter,
}

impl Days {
    fn of(edge: &Edge, query: &Query) -> Result<Self, ApiError> {
        let days = query.number("days", 1..=MOST_DAYS)?.and_then(|days| u32::try_from(days).ok());
        let since = days.map(|days| Day::first_of_last(days, edge.now()));
        Ok(Self { span: Span::of(days, since), filter: CostFilter { since, about: None } })
    }
}

async fn sums(edge: &Edge, filter: &CostFilter, by: &[CostBy]) -> Result<Sums, StoreFailure> {
    edge.store().costs(filter, by).await.map(Sums::new)
}

/// What was spent on one issue or pull request, of all time.
pub(super) async fn of_issue(edge: &Edge, about: &IssueRef) -> Result<Sums, StoreFailure> {
    let filter = CostFilter { since: None, about: Some(about.clone()) };
    sums(edge, &filter, &[CostBy::All, CostBy::Model, CostBy::Agent]).await
}

/// By model, agent, repository and day, and what was done with memory on those days.
///
/// # Errors
/// When `days` is malformed or the store can't answer.
pub async fn usage(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let Days { span, filter } = Days::of(&edge, &Query::of(&request)?)?;
    let by = [CostBy::All, CostBy::Model, CostBy::Agent, CostBy::Repo, CostBy::Day];
    let memory = edge.memory.since(&**edge.store(), filter.since).await?;
    let sums = sums(&edge, &filter, &by).await?;
    Ok(HttpResponse::Ok().json(UsageView {
        span,
        total: sums.total(),
        by_model: sums.models(),
        by_agent: sums.agents(),
        by_repo: sums.repos(),
        by_day: sums.days(),
        memory: MemoryView::from(memory),
    }))
}

/// By model, agent and repository.
///
/// # Errors
/// When `days` is malformed or the store can't answer.
pub async fn summary(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let Days { span, filter } = Days::of(&edge, &Query::of(&request)?)?;
    let sums = sums(&edge, &filter, &[CostBy::All, CostBy::Model, CostBy::Agent, CostBy::Repo]).await?;
    Ok(HttpResponse::Ok().json(CostSummary {
        span,
        total: sums.total(),
        by_model: sums.models(),
        by_agent: sums.agents(),
        by_repo: sums.repos(),
    }))
}

/// By day.
///
/// # Errors
/// When `days` is malformed or the store can't answer.
pub async fn daily(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let Days { span, filter } = Days::of(&edge, &Query::of(&request)?)?;
    let sums = sums(&edge, &filter, &[CostBy::All, CostBy::Day]).await?;
    Ok(HttpResponse::Ok().json(DailyCosts { span, total: sums.total(), daily: sums.days() }))
}

/// By issue.
///
/// # Errors
/// When a parameter is malformed or the store can't answer.
pub async fn by_issue(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let Days { span, filter } = Days::of(&edge, &query)?;
    let most = query.number("limit", 1..=LARGEST_PAGE)?.unwrap_or(ISSUES);
    let sums = sums(&edge, &filter, &[CostBy::All, CostBy::Issue]).await?;
    let (issues, others) = sums.issues(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(HttpResponse::Ok().json(CostsByIssue { span, total: sums.total(), issues, others }))
}

/// For everybody: what was spent in all and on which models.
///
/// # Errors
/// When `days` is malformed or the store can't answer.
pub async fn public(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let Days { span, filter } = Days::of(&edge, &Query::of(&request)?)?;
    let sums = sums(&edge, &filter, &[CostBy::All, CostBy::Model]).await?;
    Ok(HttpResponse::Ok().json(PublicCosts { span, total: sums.total(), by_model: sums.models() }))
}

fn described(id: &'static str, summary: &'static str, answer: Answer) -> Operation {
    let days = json!({ "type": "integer", "minimum": 1, "maximum": MOST_DAYS });
    Operation::new(id, Tag::Costs, summary)
        .about(
            "Sums of TOKEN_USAGE, by the days (UTC) on which it was reported. Money is counted in whole micro-dollars; two of these \
             over the same days never disagree.",
        )
        .with(Parameter::query("days", days, "Today and the days before it; left out, all time.").example("a_week", 7))
        .answers(answer)
        .refuses(&[Code::Malformed])
        .refuses(super::READS)
}

pub(crate) fn usage_described() -> Operation {
    described("usage", "What was spent, by model, agent, repository and day", Answer::json::<UsageView>(200, "Sums."))
}

pub(crate) fn summary_described() -> Operation {
    let answer = Answer::json::<CostSummary>(200, "Sums.");
    described("costs_summary", "What was spent, by model, agent and repository", answer)
}

pub(crate) fn daily_described() -> Operation {
    described("costs_daily", "What was spent, by day", Answer::json::<DailyCosts>(200, "Sums."))
}

pub(crate) fn by_issue_described() -> Operation {
    described("costs_by_issue", "What was spent, by issue", Answer::json::<CostsByIssue>(200, "Sums."))
        .with(super::limit())
}

pub(crate) fn public_described() -> Operation {
    described("public_costs", "What was spent, for everybody", Answer::json::<PublicCosts>(200, "Sums."))
        .public()
        .counted()
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use serde_json::{Value, json};

    async fn spend(daemon: &Daemon, agent: &str, about: Value, cost: f64) {
        let mut body = json!({ "type": "TOKEN_USAGE", "agentId": agent, "model": "large-3", "inputTokens": 100,
                               "outputTokens": 10, "costUsd": cost });
        body.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
        daemon.report(&body).await;
    }

    async fn with_costs() -> Daemon {
        let daemon = Daemon::start().await;
        spend(&daemon, "dev-e-node/a", json!({ "repo": "acme/web", "issueNumber": 4 }), 0.1).await;
        daemon.clock.advance(std::time::Duration::from_secs(24 * 3600));
        spend(&daemon, "dev-e-node/b", json!({ "repo": "ACME/web", "issueNumber": 4, "model": "small-1" }), 0.2).await;
        spend(&daemon, "review-e", json!({ "repo": "", "issueNumber": 0 }), 0.000_001).await;
        daemon
    }

    #[actix_web::test]
    async fn every_sum_over_the_same_days_is_the_same() {
        let daemon = with_costs().await;
        for (days, micros, since) in [
            ("", 300_001, Value::Null),
            ("?days=1", 200_001, json!("2026-11-22")),
            ("?days=2", 300_001, json!("2026-11-21")),
        ] {
            for path in
                ["/api/usage", "/api/costs/summary", "/api/costs/daily", "/api/costs/issue", "/public/cost-summary"]
            {
                let answer = daemon.get(&format!("{path}{days}")).await.expect(200);
                assert_eq!(answer["total"]["costMicroUsd"], micros, "{path}{days}");
                assert_eq!(answer["since"], since, "{path}{days}");
                for parts in ["byModel", "byAgent", "byRepo", "byDay", "daily", "issues"] {
                    let Some(parts) = answer[parts].as_array() else { continue };
                    let sum: u64 = parts.iter().map(|part| part["costMicroUsd"].as_u64().unwrap()).sum();
                    assert_eq!(sum, micros, "{path}{days}");
                }
            }
        }
    }

    #[actix_web::test]
    async fn sums_are_named_and_the_dearest_come_first() {
        let daemon = with_costs().await;
        let usage = daemon.get("/api/usage").await.expect(200);
        assert_eq!(usage["total"]["costUsd"], 0.300_001);
        assert_eq!(
            (&usage["byAgent"][0]["agentId"], &usage["byAgent"][0]["reports"]),
            (&json!("dev-e-node"), &json!(2))
        );
        assert_eq!((&usage["byRepo"][0]["repo"], &usage["byRepo"][1]["repo"]), (&json!("ACME/web"), &Value::Null));
        assert_eq!(usage["byDay"][0]["day"], "2026-11-21");
        assert_eq!(usage["byModel"][0]["model"], "small-1");
        let issues = daemon.get("/api/costs/issue?limit=1").await.expect(200);
        assert_eq!(
            (&issues["issues"][0]["streamId"], &issues["issues"][0]["inputTokens"]),
            (&json!("ACME/web#4"), &json!(200))
        );
        assert_eq!((issues["issues"].as_array().unwrap().len(), &issues["others"]["costMicroUsd"]), (1, &json!(1)));
    }

    #[actix_web::test]
    async fn what_is_done_with_memory_is_summed_up_for_the_same_days() {
        let daemon = Daemon::start().await;
        let none = json!({ "writes": 0, "tokensWritten": 0, "reads": 0, "hits": 0, "tokensLoaded": 0, "hitsUsed": 0 });
        assert_eq!(daemon.get("/api/usage").await.expect(200)["memory"], none);
        let write = json!({ "type": "MEMORY_WRITE", "agentId": "dev-e-node", "scope": "repo", "kind": "decision",
                            "memoryId": "m1", "tokens": 40 });
        let read =
            json!({ "type": "MEMORY_READ", "agentId": "dev-e-node", "query": "q", "hits": 3, "tokensLoaded": 120 });
        let used =
            json!({ "type": "MEMORY_HIT_USED", "agentId": "dev-e-node", "memoryId": "m1", "usedInOutput": true });
        daemon.report(&write).await;
        daemon.clock.advance(std::time::Duration::from_secs(24 * 3600));
        daemon.report(&read).await;
        daemon.get("/api/usage").await.expect(200);
        daemon.report(&used).await;
        let today =
            json!({ "writes": 0, "tokensWritten": 0, "reads": 1, "hits": 3, "tokensLoaded": 120, "hitsUsed": 1 });
        assert_eq!(daemon.get("/api/usage?days=1").await.expect(200)["memory"], today);
        let all = daemon.get("/api/usage").await.expect(200)["memory"].clone();
        assert_eq!((&all["writes"], &all["tokensWritten"], &all["hitsUsed"]), (&json!(1), &json!(40), &json!(1)));
    }

    #[actix_web::test]
    async fn nobody_is_named_in_public_and_strange_days_are_refused() {
        let daemon = with_costs().await;
        let reply =
            daemon.send_from("203.0.113.9", actix_web::test::TestRequest::get().uri("/public/cost-summary")).await;
        let text = reply.expect(200).to_string();
        assert!(!text.contains("dev-e-node") && !text.contains("acme"), "{text}");
        for days in ["0", "x", "-1", "3661", "1.5"] {
            daemon.get(&format!("/api/usage?days={days}")).await.refused(400, "malformed");
        }
        daemon.get("/api/costs/issue?limit=0").await.refused(400, "malformed");
    }

    #[actix_web::test]
    async fn what_no_model_costs_is_refused() {
        let daemon = Daemon::start().await;
        for (name, value) in
            [("costUsd", json!(-0.1)), ("costUsd", json!(1e7)), ("inputTokens", json!(1_000_000_000_001_u64))]
        {
            let mut body = json!({ "type": "TOKEN_USAGE", "agentId": "dev-e-node", "model": "m", "inputTokens": 1,
                                   "outputTokens": 1, "costUsd": 0 });
            body[name] = value;
            assert!(daemon.post(body.to_string()).await.refused(400, "malformed").contains(name));
        }
    }
}
