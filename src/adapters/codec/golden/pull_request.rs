use conductor_core::event::{
    ApprovalCarried, ApprovalRefused, CheckRecorded, CiFailed, CiPassed, CiPending, Deployed, DeployedProduction,
    E2eFailed, E2ePassed, HumanGateApproved, HumanGateEscalated, HumanGateRejected, HumanGateReminder,
    HumanGateTriggered, MergeConflict, MergeGateReminder, MergeGateWaiting, MergeRequested, Merged, PrClosed,
    PrCreated, PrReopened, PrSuperseded, PrUpdated, PullRequestEvent, ReReviewRequested, ReviewAbstained,
    ReviewAssigned, ReviewDelivered, ReviewDismissed, ReviewDisputed, ReviewFailed, ReviewLoopExceeded, ReviewPassed,
    ReviewReported, SmokeCause, SmokeFailed, SmokePassed, Verified,
};

use super::{agent_id, full, issue, issue_ref, login, repo, sha, some, text, texts, time};

fn life() -> Vec<PullRequestEvent> {
    let updated_at = Some(time());
    vec![
        full(PrCreated {
            agent: Some(agent_id()),
            author: Some(login()),
            author_association: some("MEMBER"),
            pr_repo: repo(),
            pr_number: 8,
            pr_url: some("https://github.com/Acme/Web/pull/8"),
            title: some("Say hello"),
            branch: some("agent/7-say-hello"),
            head_sha: Some(sha()),
            draft: true,
            labels: texts(&["needs-review"]),
            linked_issues: vec![issue_ref(7), issue_ref(9)],
            updated_at,
        })
        .into(),
        full(PrUpdated {
            updated_at,
            head_sha: Some(sha()),
            pushed_by: Some(login()),
            draft: Some(false),
            labels: Some(texts(&["needs-review", "hold"])),
            title: some("Say hello, again"),
            branch: some("agent/7-say-hello"),
            linked_issues: Some(vec![issue_ref(7)]),
            reported_for: Some(issue_ref(7)),
            mergeable: Some(true),
            unresolved_threads: Some(2),
            thread: some("PRRT_kwDO1"),
            thread_unresolved: Some(true),
            files: Some(3),
            additions: Some(40),
            deletions: Some(5),
        })
        .into(),
        full(PrReopened { updated_at }).into(),
        full(PrClosed { by: some("ada"), updated_at }).into(),
        full(PrSuperseded { by_epoch: Some(4), reason: text("the lease ended"), issue: Some(issue_ref(7)) }).into(),
        full(MergeGateWaiting { waiting_for: texts(&["ci", "approval"]) }).into(),
        full(MergeGateReminder {
            wait_minutes: 120,
            waiting_for: texts(&["review"]),
            needs: texts(&["an approval of its head; met by a reviewer"]),
        })
        .into(),
        full(MergeConflict { head_sha: Some(sha()), updated_at: Some(time()) }).into(),
        full(MergeRequested { head_sha: sha(), by: some("ada") }).into(),
        full(Merged { merge_sha: Some(sha()), by: some("ada"), updated_at }).into(),
        issue::escalated().into(),
        issue::operator_override().into(),
    ]
}

fn checks_and_reviews() -> Vec<PullRequestEvent> {
    let (head_sha, reviewer) = (Some(sha()), login());
    vec![
        full(CheckRecorded {
            name: text("build"),
            head_sha: sha(),
            run_id: 9_007_199_254_740_993,
            attempt: 2,
            conclusion: some("success"),
            at: Some(time()),
        })
        .into(),
        full(CiPending { head_sha: head_sha.clone() }).into(),
        full(CiPassed { head_sha: head_sha.clone() }).into(),
        full(CiFailed {
            head_sha: head_sha.clone(),
            failed_checks: texts(&["build"]),
            logs: some("error: expected ';'\n\u{1b}[0m"),
        })
        .into(),
        full(ReviewAssigned {
            reviewer: agent_id(),
            head_sha: head_sha.clone(),
            deadline: time(),
            reason: some("timeout of review-e-codex"),
            pushed: true,
        })
        .into(),
        full(ReviewDelivered { reviewer: agent_id(), head_sha: head_sha.clone(), deadline: time() }).into(),
        full(ReviewPassed {
            reviewer: reviewer.clone(),
            head_sha: head_sha.clone(),
            review_id: Some(80),
            submitted_at: Some(time()),
            body: some("Fine."),
            iteration: Some(1),
            agent: Some(agent_id()),
            allowed: true,
        })
        .into(),
        full(ReviewDisputed {
            reviewer: reviewer.clone(),
            head_sha: head_sha.clone(),
            review_id: Some(81),
            submitted_at: Some(time()),
            body: some("A test is missing."),
            iteration: Some(2),
            agent: Some(agent_id()),
            allowed: true,
        })
        .into(),
        full(ReviewAbstained {
            reviewer: reviewer.clone(),
            head_sha: head_sha.clone(),
            review_id: Some(82),
            submitted_at: Some(time()),
            body: some("Nice."),
            iteration: Some(3),
            agent: Some(agent_id()),
            allowed: true,
        })
        .into(),
        full(ReviewDismissed { review_id: 81 }).into(),
        full(ReviewReported {
            reviewer: text("review-e"),
            verdict: text("REVIEW_PASSED"),
            head_sha: head_sha.clone(),
            body: some("Looks good."),
        })
        .into(),
        full(ReviewFailed { reviewer: Some(agent_id()), head_sha: head_sha.clone(), reason: text("quota") }).into(),
        full(ReReviewRequested { reason: text("new head"), head_sha: head_sha.clone() }).into(),
        full(ApprovalRefused { reviewer, head_sha, review_id: Some(83), rule: text("self_approval") }).into(),
        full(ApprovalCarried { from_sha: sha(), to_sha: sha() }).into(),
        full(ReviewLoopExceeded { rounds: 5 }).into(),
    ]
}

fn gates() -> Vec<PullRequestEvent> {
    let gate_id = || text("gate-1");
    vec![
        full(HumanGateTriggered {
            gate_id: gate_id(),
            gate: text("security"),
            head_sha: Some(sha()),
            reason: text("touches auth"),
            files: texts(&["src/auth.rs"]),
        })
        .into(),
        full(HumanGateReminder { gate_id: gate_id(), wait_minutes: 60 }).into(),
        full(HumanGateEscalated { gate_id: gate_id() }).into(),
        full(HumanGateApproved { gate_id: gate_id(), by: text("ada"), via: text("api"), sha: Some(sha()) }).into(),
        full(HumanGateRejected {
            gate_id: gate_id(),
            by: text("ada"),
            via: text("comment"),
            sha: Some(sha()),
            reason: some("not like this"),
        })
        .into(),
    ]
}

fn delivery() -> Vec<PullRequestEvent> {
    let deployed = |environment| full(Deployed { environment: some(environment), sha: Some(sha()) });
    vec![
        deployed("staging").into(),
        full(SmokePassed { environment: some("staging") }).into(),
        full(SmokeFailed { cause: SmokeCause::ExternalDependency, retry_count: 1, details: some("502") }).into(),
        full(E2ePassed {
            passed_count: 40,
            failed_count: 0,
            total_count: 40,
            duration_ms: Some(61_000),
            first_failure: some("none"),
            run_url: some("https://ci.example/1"),
            browser: some("chromium"),
        })
        .into(),
        full(E2eFailed {
            passed_count: 39,
            failed_count: 1,
            total_count: 40,
            duration_ms: Some(62_000),
            first_failure: some("login"),
            run_url: some("https://ci.example/2"),
            browser: some("chromium"),
        })
        .into(),
        full(DeployedProduction { environment: some("production"), sha: Some(sha()) }).into(),
        full(Verified { by: some("monitor") }).into(),
    ]
}

pub(super) fn examples() -> Vec<PullRequestEvent> {
    [life(), checks_and_reviews(), gates(), delivery()].into_iter().flatten().collect()
}
