//! Every event type there is: taken through the API, or said by the daemon alone.

use std::collections::BTreeSet;

use conductor_core::authority::Voice;
use conductor_core::event::{EventType, pascal_case};
use serde_json::{Value, json};

use crate::rig::{REPO, Rig, about, created, head};

/// Reports, notes their types, and looks up what the log says of each.
struct Reporter<'a> {
    rig: &'a Rig,
    reported: BTreeSet<String>,
}

impl Reporter<'_> {
    /// A report that is taken and kept under its own name.
    async fn says(&mut self, report: Value) {
        let kind = report["type"].as_str().unwrap().to_owned();
        let answer = self.rig.report(&report).await;
        assert_eq!((&answer["type"], answer.get("duplicate")), (&report["type"], None), "{answer}");
        let before = answer["position"].as_u64().unwrap() - 1;
        let event = self.rig.read(&format!("/api/events?after={before}&limit=1")).await[0].clone();
        assert_eq!(event["type"], pascal_case(&kind), "{event}");
        assert_eq!((&event["streamId"], &event["version"]), (&answer["streamId"], &answer["version"]), "{event}");
        self.reported.insert(kind);
    }

    async fn of_issue(&mut self, kind: &str, number: u64, more: Value) {
        self.says(about(kind, number, more)).await;
    }

    async fn of_agent(&mut self, kind: &str, more: Value) {
        self.says(crate::rig::merged(json!({"type": kind, "agentId": "dev-e-node"}), more)).await;
    }
}

async fn every_type_that_a_role_may_report_is_taken_and_kept(rig: &mut Rig) {
    let mut reporter = Reporter { rig, reported: BTreeSet::new() };
    let by = |agent: &str| json!({"agentId": agent});
    the_queue(&mut reporter).await;

    reporter.of_issue("ISSUE_APPROVED", 1, json!({"title": "x"})).await;
    reporter.of_issue("ISSUE_ASSIGNED", 1, by("dev-e-node")).await;
    reporter.of_issue("WORK_STARTED", 1, by("dev-e-node")).await;
    reporter.of_issue("BRANCH_CREATED", 1, json!({"agentId": "dev-e-node", "branch": "agent/another-way"})).await;
    reporter.of_issue("PR_CREATED", 1, created("dev-e-node", 101, &head(101, 1))).await;
    rig.pull_is_known(101, 1).await;
    let sha = head(101, 1);
    reporter.of_issue("CI_PENDING", 1, json!({"headSha": sha})).await;
    reporter.of_issue("CI_FAILED", 1, json!({"headSha": sha, "failedChecks": ["build"], "logs": "red"})).await;
    reporter.of_issue("CI_PASSED", 1, json!({"headSha": sha})).await;
    rig.is_asked("review-e", 101).await;
    reporter.of_issue("REVIEW_FAILED", 1, json!({"agentId": "review-e", "reason": "the checkout failed"})).await;
    rig.is_asked("review-e-codex", 101).await;
    reporter.of_issue("REVIEW_ABSTAINED", 1, by("review-e-codex")).await;
    rig.is_asked("review-e", 101).await;
    reporter.of_issue("REVIEW_DISPUTED", 1, by("review-e")).await;
    rig.reaches(1, "changes_requested").await;
    rig.claims("dev-e-node", 1).await;
    reporter.of_issue("PR_CREATED", 1, created("dev-e-node", 101, &head(101, 2))).await;
    rig.is_asked("review-e", 101).await;
    reporter.of_issue("REVIEW_PASSED", 1, by("review-e")).await;
    rig.reaches(1, "ready_to_merge").await;
    reporter.of_issue("MERGED", 1, json!({"mergeSha": "c0ffee"})).await;
    rig.reaches(1, "done").await;
    reporter.of_issue("DEPLOYED_STAGING", 1, json!({"environment": "staging"})).await;
    reporter.of_issue("SMOKE_PASSED", 1, json!({"environment": "staging"})).await;
    reporter.of_issue("SMOKE_FAILED", 1, json!({"cause": "code", "retryCount": 1})).await;
    let counts =
        json!({"passedCount": 3, "failedCount": 0, "totalCount": 3, "durationMs": 1200, "browser": "chromium"});
    reporter.of_issue("E2E_PASSED", 1, counts).await;
    let counts =
        json!({"passedCount": 2, "failedCount": 1, "totalCount": 3, "durationMs": 1200, "firstFailure": "login"});
    reporter.of_issue("E2E_FAILED", 1, counts).await;
    reporter.of_issue("DEPLOYED_PRODUCTION", 1, json!({"environment": "production", "sha": "c0ffee"})).await;
    reporter.of_issue("VERIFIED", 1, json!({})).await;

    rig.in_review(2, "dev-e-python", 102).await;
    rig.in_progress(3, "dev-e-dotnet").await;
    reporter.of_issue("AGENT_STUCK", 3, json!({"agentId": "dev-e-dotnet", "reason": "lost"})).await;
    reporter.of_issue("PR_CLOSED", 2, json!({})).await;
    of_agents_and_the_rig(&mut reporter).await;

    let may =
        EventType::all().filter(|known| Voice::of(*known) != Voice::Daemon).map(|known| known.as_str().to_owned());
    assert_eq!(reporter.reported, may.collect::<BTreeSet<_>>());
}

async fn the_queue(reporter: &mut Reporter<'_>) {
    reporter.of_issue("ISSUE_APPROVED", 4, json!({"title": "x"})).await;
    reporter.of_issue("PRIORITY_CHANGED", 4, json!({"priority": "high"})).await;
    reporter.of_issue("DEPENDENCIES_CHANGED", 4, json!({"dependsOn": ["acme/api#1", "#2", 3]})).await;
    reporter.of_issue("DEPENDENCIES_CHANGED", 4, json!({"dependsOn": []})).await;
    reporter.of_issue("ISSUE_ASSIGNED", 4, json!({"agentId": "dev-e-node"})).await;
    reporter.of_issue("ISSUE_UNASSIGNED", 4, json!({"agentId": "dev-e-node", "reason": "a better one is here"})).await;
    reporter.of_issue("ISSUE_CANCELLED", 4, json!({"reason": "not now"})).await;
    reporter.of_issue("ISSUE_REOPENED", 4, json!({})).await;
    reporter.of_issue("ESCALATED", 4, json!({"reason": "odd"})).await;
    reporter.of_issue("ISSUE_DONE", 4, json!({})).await;
}

async fn of_agents_and_the_rig(reporter: &mut Reporter<'_>) {
    reporter.of_agent("AGENT_QUOTA_REPORTED", json!({"quotaFiveHourPct": 1, "quotaWeeklyPct": 2})).await;
    reporter.of_agent("GUARD_BLOCKED", json!({"command": "rm -rf /"})).await;
    let usage = json!({
        "repo": REPO, "issueNumber": 1, "model": "m", "inputTokens": 1, "outputTokens": 2, "cacheReadTokens": 3,
        "cacheCreationTokens": 4, "costUsd": 0.1, "category": "work",
    });
    reporter.of_agent("TOKEN_USAGE", usage).await;
    reporter.of_agent("CLI_STARTED", json!({"repo": REPO, "issueNumber": 1, "model": "m"})).await;
    reporter.of_agent("CLI_PROGRESS", json!({"message": "half"})).await;
    reporter.of_agent("CLI_COMPLETED", json!({"turns": 4, "costUsd": 0.2, "durationMs": 10})).await;
    let write = json!({"scope": "repo", "kind": "learning", "memoryId": "m1", "tokens": 5, "repo": REPO});
    reporter.of_agent("MEMORY_WRITE", write).await;
    reporter.of_agent("MEMORY_READ", json!({"query": "login", "hits": 2, "tokensLoaded": 80})).await;
    reporter.of_agent("MEMORY_HIT_USED", json!({"memoryId": "m1", "usedInOutput": true})).await;
    // The first one says that it is online too, before what it says of itself.
    reporter.of_agent("HEARTBEAT", json!({"status": "idle"})).await;
    for id in ["p1", "p2"] {
        reporter.of_agent("PROPOSAL_CREATED", json!({"proposalId": id, "title": "Better tests"})).await;
    }
    reporter.says(json!({"type": "PROPOSAL_APPROVED", "proposalId": "p1"})).await;
    reporter.says(json!({"type": "PROPOSAL_REJECTED", "proposalId": "p2", "reason": "no"})).await;
    reporter.says(json!({"type": "MILESTONE_COMPLETE", "milestone": "v1", "repo": REPO, "issueCount": 3})).await;
}

async fn what_the_daemon_alone_says_is_403_to_everybody(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 101).await;
    let before = rig.last_caused().await;
    let own: Vec<EventType> = EventType::all().filter(|known| Voice::of(*known) == Voice::Daemon).collect();
    assert!(own.len() > 20, "{own:?}");
    for kind in own {
        for speaker in [json!({}), json!({"agentId": "dev-e-node"}), json!({"agentId": "review-e"})] {
            let report = about(kind.as_str(), 1, crate::rig::merged(speaker, json!({"prNumber": 101})));
            let sentence = rig.post(&report).await.refused(403, "forbidden");
            assert!(sentence.contains("the daemon alone"), "{sentence}");
        }
    }
    assert_eq!(rig.last_caused().await, before);
}

async fn a_role_says_only_what_is_its_own(rig: &mut Rig) {
    rig.in_review(1, "dev-e-node", 101).await;
    let before = rig.last_caused().await;
    for (kind, agent) in [
        ("ISSUE_APPROVED", "dev-e-node"),
        ("ISSUE_CANCELLED", "dev-e-node"),
        ("MERGED", "dev-e-node"),
        ("CI_PASSED", "review-e"),
        ("REVIEW_PASSED", "dev-e-python"),
        ("WORK_STARTED", "review-e"),
        ("PRIORITY_CHANGED", "review-e"),
    ] {
        rig.post(&about(kind, 1, json!({"agentId": agent, "title": "x"}))).await.refused(403, "forbidden");
    }
    // An operator holds no lease and reviews nothing.
    for kind in ["WORK_STARTED", "PR_CREATED", "REVIEW_PASSED", "HEARTBEAT"] {
        rig.post(&about(kind, 1, json!({}))).await.refused(400, "malformed");
    }
    assert_eq!(rig.last_caused().await, before);
}

/// With a webhook secret, verdicts, CI and merges come from GitHub alone.
async fn with_github_an_agents_word_is_no_fact(rig: &mut Rig) {
    rig.in_progress(1, "dev-e-node").await;
    for kind in ["CI_PENDING", "CI_PASSED", "CI_FAILED", "MERGED", "PR_CLOSED", "ISSUE_DONE"] {
        rig.post(&about(kind, 1, json!({"prNumber": 101}))).await.refused(403, "forbidden");
    }
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 101, &head(101, 1)))).await;
    let row = rig.row(1).await;
    assert_eq!((&row["state"], &row["agentId"]), (&json!("in_progress"), &json!("dev-e-node")), "provisional: {row}");
}

on_both_stores! {
    reviewing { every_type_that_a_role_may_report_is_taken_and_kept }
    alone {
        what_the_daemon_alone_says_is_403_to_everybody,
        a_role_says_only_what_is_its_own,
    }
    with_github { with_github_an_agents_word_is_no_fact }
}
