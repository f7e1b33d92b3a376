use conductor_core::event::{
    AgentStuck, AssignmentKind, BranchCreated, BudgetExceeded, CiState, ConfigInvalid, DependenciesChanged,
    DependencyCycle, Escalated, IssueApproved, IssueAssigned, IssueCancelled, IssueDone, IssueEdited, IssueEvent,
    IssueNeedsHuman, IssueOrphaned, IssueReopened, IssueUnassigned, IssueWithdrawn, LeaseExpired, OperatorOverride,
    OwnIssueEvent, PauseScope, Paused, PrFact, PrReported, PrRole, Priority, PriorityChanged, PullRequestState,
    ReportRefused, Resumed, ReviewState, StaleLeaseRefused, Standing, WorkStarted,
};
use conductor_core::identity::Claimant;

use super::{agent_id, full, issue_ref, login, pull_request, repo, sha, some, text, texts, time};

pub(super) fn escalated() -> Escalated {
    full(Escalated { reason: text("two strikes"), attempts: 2 })
}

pub(super) fn operator_override() -> OperatorOverride {
    full(OperatorOverride {
        kind: text("assign"),
        target: text("Acme/Web#7"),
        reason: text("the customer waits"),
        operator: text("ada"),
        agent: Some(agent_id()),
        decision: some("approve"),
        force: true,
    })
}

pub(super) fn paused() -> Paused {
    full(Paused { scope: PauseScope::Issue, target: some("Acme/Web#7"), reason: some("freeze") })
}

pub(super) fn resumed() -> Resumed {
    full(Resumed { scope: PauseScope::Issue, target: some("Acme/Web#7"), reason: some("thawed") })
}

fn queue() -> Vec<OwnIssueEvent> {
    let updated_at = Some(time());
    vec![
        full(IssueApproved {
            title: text("Say \"hello\" – politely"),
            url: some("https://github.com/Acme/Web/issues/7"),
            body: some("First line\nsecond line"),
            priority: Priority::High,
            depends_on: vec![issue_ref(3), issue_ref(4)],
            stack: some("node"),
            escalate: texts(&["requires-macos"]),
            tools: texts(&["npm", "docker"]),
            test_command: some("npm test"),
            build_command: some("npm run build"),
            milestone: some("1.0"),
            labels: texts(&["agent-ready", "priority:high"]),
            source: text("webhook"),
            new_life: true,
            updated_at,
        })
        .into(),
        full(IssueEdited {
            title: some("Say hello"),
            body: some("Shorter"),
            labels: Some(texts(&["agent-ready"])),
            milestone: some(""),
            closed: Some(true),
            updated_at,
        })
        .into(),
        full(IssueWithdrawn { updated_at }).into(),
        full(PriorityChanged { priority: Priority::Critical, updated_at }).into(),
        full(DependenciesChanged { depends_on: vec![issue_ref(5)], updated_at }).into(),
        full(DependencyCycle { members: vec![issue_ref(5), issue_ref(7)] }).into(),
        full(IssueOrphaned { waited_hours: 24 }).into(),
        full(IssueNeedsHuman { reason: text("no other agent fits") }).into(),
        full(IssueCancelled { reason: text("not planned"), updated_at }).into(),
        full(IssueReopened { new_life: true, updated_at }).into(),
        full(IssueDone { duration_minutes: Some(95), by: text("merged"), updated_at }).into(),
        escalated().into(),
        full(BudgetExceeded { budget: text("daily"), limit_usd: 25.5, spent_usd: 26.0 }).into(),
        full(ConfigInvalid { problem: text("line 3: unknown key") }).into(),
        operator_override().into(),
        paused().into(),
        resumed().into(),
    ]
}

fn work() -> Vec<OwnIssueEvent> {
    let agent = agent_id();
    vec![
        full(IssueAssigned {
            agent: agent.clone(),
            instance: some("ab12c"),
            attempt: 2,
            epoch: 3,
            lease_token: text("0193a5d0c0ffee"),
            expires_at: time(),
            branch_hint: text("agent/7-say-hello"),
            kind: AssignmentKind::Rework,
            hook: true,
            demanded: true,
            pushed: true,
        })
        .into(),
        full(IssueUnassigned { agent: agent.clone(), reason: text("operator") }).into(),
        full(WorkStarted { agent: agent.clone(), branch: some("agent/7-say-hello") }).into(),
        full(BranchCreated { agent: Some(agent.clone()), branch: text("agent/7-say-hello") }).into(),
        full(PrReported {
            agent: Some(agent.clone()),
            author: Some(login()),
            pr_repo: repo(),
            pr_number: 8,
            pr_url: some("https://github.com/Acme/Web/pull/8"),
            branch: some("agent/7-say-hello"),
            head_sha: Some(sha()),
            provisional: true,
        })
        .into(),
        full(LeaseExpired { agent: agent.clone(), epoch: 3, reason: text("expired") }).into(),
        full(StaleLeaseRefused {
            agent: agent.clone(),
            instance: some("ab12c"),
            event_type: text("PR_CREATED"),
            holder: Some(Claimant::parse("dev-e-dotnet/zz9").unwrap()),
            epoch: 4,
        })
        .into(),
        full(ReportRefused { agent: agent.clone(), event_type: text("WORK_STARTED"), rule: text("two_strikes") })
            .into(),
        full(AgentStuck { agent, reason: text("tests won't pass"), attempt: 2 }).into(),
    ]
}

pub(super) fn own() -> Vec<IssueEvent> {
    queue().into_iter().chain(work()).map(IssueEvent::Own).collect()
}

fn standing() -> Standing {
    full(Standing {
        pr: issue_ref(8),
        pr_version: 12,
        url: some("https://github.com/Acme/Web/pull/8"),
        title: some("Say hello"),
        branch: some("agent/7-say-hello"),
        author: Some(login()),
        trusted: true,
        head_sha: Some(sha()),
        state: PullRequestState::Open,
        draft: false,
        labels: texts(&["needs-review"]),
        linked_issues: vec![issue_ref(7)],
        ci: CiState::Failed,
        failed_checks: texts(&["build", "lint"]),
        review: ReviewState::Disputed,
        reviewer: some("review-e"),
        feedback: some("please add a test"),
        conflict: true,
        gate_rejected: true,
        gates: texts(&["security"]),
        dispatch_open: true,
        rounds: 2,
        heads: 3,
        red_streak: 1,
        merge_sha: Some(sha()),
    })
}

/// Every event of a pull request, as an issue records what it means for itself.
pub(super) fn consequences() -> Vec<IssueEvent> {
    let fact = |event| PrFact { event: Box::new(event), standing: Box::new(standing()), role: PrRole::Current };
    pull_request::examples().into_iter().map(|event| IssueEvent::Pr(fact(event))).collect()
}
