use conductor_core::event::{
    AgentEvent, AgentOffline, AgentOnline, AgentQuotaExhausted, AgentQuotaReported, CliCompleted, CliProgress,
    CliStarted, GuardBlocked, Heartbeat, Integration, MemoryHitUsed, MemoryKind, MemoryRead, MemoryScope, MemoryWrite,
    Provider, TokenUsage, UsageCategory,
};

use super::{full, issue, issue_ref, repo, some, text, texts, time};

fn heartbeat() -> Heartbeat {
    full(Heartbeat {
        instance: some("ab12c"),
        status: some("working"),
        current_issue: Some(7),
        current_repo: some("Acme/Web"),
        active_provider: some("codex"),
        available_providers: texts(&["codex", "claude"]),
        providers: vec![full(Provider {
            name: text("codex"),
            status: some("ok"),
            details: some("quota 40 %"),
            active: true,
        })],
        integrations: vec![full(Integration { name: text("memory"), status: some("ok"), details: some("12 ms") })],
        uptime_seconds: Some(3600.5),
        memory_mb: Some(412.25),
        error_count: Some(1),
        startup: true,
        degraded: true,
        degraded_reasons: texts(&["codex_quota_exhausted_until_2026-11-21T12:00:00Z"]),
    })
}

/// The three reports of a run have one shape.
macro_rules! run_report {
    ($name:ident) => {
        full($name {
            issue: Some(issue_ref(7)),
            model: some("gpt-5"),
            message: some("step 3 of 9"),
            turns: Some(12),
            cost_usd: Some(0.1),
            duration_ms: Some(90_000),
        })
        .into()
    };
}

pub(super) fn examples() -> Vec<AgentEvent> {
    vec![
        heartbeat().into(),
        full(AgentQuotaReported { five_hour_pct: Some(99.9), weekly_pct: Some(40.0) }).into(),
        full(AgentQuotaExhausted { issue: Some(issue_ref(7)), at: Some(time()) }).into(),
        full(AgentOnline { since: Some(time()) }).into(),
        full(AgentOffline { last_heartbeat: Some(time()) }).into(),
        issue::paused().into(),
        issue::resumed().into(),
        full(GuardBlocked { command: text("rm -rf /"), issue: Some(issue_ref(7)) }).into(),
        full(TokenUsage {
            repo: Some(repo()),
            issue_number: Some(7),
            model: text("gpt-5"),
            input_tokens: 120_000,
            output_tokens: 4_000,
            cache_read_tokens: Some(90_000),
            cache_creation_tokens: Some(10_000),
            cost_usd: 0.1 + 0.2,
            category: UsageCategory::Work,
        })
        .into(),
        run_report!(CliStarted),
        run_report!(CliProgress),
        run_report!(CliCompleted),
        full(MemoryWrite {
            scope: MemoryScope::Repo,
            kind: MemoryKind::Learning,
            memory_id: text("m-1"),
            tokens: Some(200),
            repo: Some(repo()),
        })
        .into(),
        full(MemoryRead { query: text("how to build"), hits: 3, tokens_loaded: Some(900), repo: Some(repo()) }).into(),
        full(MemoryHitUsed { memory_id: text("m-1"), used_in_output: true }).into(),
        issue::operator_override().into(),
    ]
}
