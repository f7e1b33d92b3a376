#![allow(
    missing_docs,
    reason = "payload fields are named by the domain (docs on the payload); units stand where there are any"
)]

use crate::identity::{IssueRef, RepoName};
use crate::record;
use crate::time::Timestamp;

use super::{MemoryKind, MemoryScope, OperatorOverride, Paused, Resumed, UsageCategory, events};

record! {
    /// A model provider as an agent sees it.
    pub struct Provider {
        "name" => name: String,
        "status" => status: Option<String>,
        "details" => details: Option<String>,
        "active" => active: bool,
    }
}

record! {
    /// A service that an agent depends on.
    pub struct Integration {
        "name" => name: String,
        "status" => status: Option<String>,
        "details" => details: Option<String>,
    }
}

record! {
    /// An agent is alive, and something that it says has changed.
    pub struct Heartbeat {
        "instance" => instance: Option<String>,
        "status" => status: Option<String>,
        "currentIssue" => current_issue: Option<u64>,
        "currentRepo" => current_repo: Option<String>,
        "activeProvider" => active_provider: Option<String>,
        "availableProviders" => available_providers: Vec<String>,
        "providers" => providers: Vec<Provider>,
        "integrations" => integrations: Vec<Integration>,
        "uptimeSeconds" => uptime_seconds: Option<f64>,
        "memoryMB" => memory_mb: Option<f64>,
        "errorCount" => error_count: Option<u32>,
        "startup" => startup: bool,
        "degraded" => degraded: bool,
        "degradedReasons" => degraded_reasons: Vec<String>,
    }
}

record! {
    /// How much of an agent's quotas is used, in percent; 100 and more is exhausted.
    pub struct AgentQuotaReported {
        "quotaFiveHourPct" => five_hour_pct: Option<f64>,
        "quotaWeeklyPct" => weekly_pct: Option<f64>,
    }
}

record! {
    /// Its provider ran dry in the middle of work, which went back to the queue.
    pub struct AgentQuotaExhausted {
        "issue" => issue: Option<IssueRef>,
        /// When that was.
        "at" => at: Option<Timestamp>,
    }
}

record! {
    /// Heard from again.
    pub struct AgentOnline {
        "since" => since: Option<Timestamp>,
    }
}

record! {
    /// Not heard from for too long.
    pub struct AgentOffline {
        "lastHeartbeat" => last_heartbeat: Option<Timestamp>,
    }
}

record! {
    /// An agent's own guard stopped a command.
    pub struct GuardBlocked {
        "command" => command: String,
        "issue" => issue: Option<IssueRef>,
    }
}

record! {
    /// Tokens spent. A repo of "" and a number of 0 mean none.
    pub struct TokenUsage {
        "repo" => repo: Option<RepoName>,
        "issueNumber" => issue_number: Option<u64>,
        "model" => model: String,
        "inputTokens" => input_tokens: u64,
        "outputTokens" => output_tokens: u64,
        "cacheReadTokens" => cache_read_tokens: Option<u64>,
        "cacheCreationTokens" => cache_creation_tokens: Option<u64>,
        "costUsd" => cost_usd: f64,
        "category" => category: UsageCategory,
    }
}

/// The payload of a run's own reports.
macro_rules! run_report {
    ($(#[$note:meta])* $name:ident) => {
        record! {
            $(#[$note])*
            pub struct $name {
                "issue" => issue: Option<IssueRef>,
                "model" => model: Option<String>,
                "message" => message: Option<String>,
                "turns" => turns: Option<u32>,
                "costUsd" => cost_usd: Option<f64>,
                "durationMs" => duration_ms: Option<u64>,
            }
        }
    };
}
run_report! {
    /// A run began.
    CliStarted
}
run_report! {
    /// A run goes on.
    CliProgress
}
run_report! {
    /// A run ended; no evidence of success.
    CliCompleted
}

record! {
    /// An agent remembered something.
    pub struct MemoryWrite {
        "scope" => scope: MemoryScope,
        "kind" => kind: MemoryKind,
        "memoryId" => memory_id: String,
        "tokens" => tokens: Option<u64>,
        "repo" => repo: Option<RepoName>,
    }
}

record! {
    /// An agent looked something up.
    pub struct MemoryRead {
        "query" => query: String,
        "hits" => hits: u32,
        "tokensLoaded" => tokens_loaded: Option<u64>,
        "repo" => repo: Option<RepoName>,
    }
}

record! {
    /// What was looked up was used.
    pub struct MemoryHitUsed {
        "memoryId" => memory_id: String,
        "usedInOutput" => used_in_output: bool,
    }
}

events! {
    /// What an agent's stream says.
    pub enum AgentEvent {
        Heartbeat(Heartbeat) = "HEARTBEAT",
        QuotaReported(AgentQuotaReported) = "AGENT_QUOTA_REPORTED",
        QuotaExhausted(AgentQuotaExhausted) = "AGENT_QUOTA_EXHAUSTED",
        Online(AgentOnline) = "AGENT_ONLINE",
        Offline(AgentOffline) = "AGENT_OFFLINE",
        Paused(Paused) = "PAUSED",
        Resumed(Resumed) = "RESUMED",
        GuardBlocked(GuardBlocked) = "GUARD_BLOCKED",
        TokenUsage(TokenUsage) = "TOKEN_USAGE",
        CliStarted(CliStarted) = "CLI_STARTED",
        CliProgress(CliProgress) = "CLI_PROGRESS",
        CliCompleted(CliCompleted) = "CLI_COMPLETED",
        MemoryWrite(MemoryWrite) = "MEMORY_WRITE",
        MemoryRead(MemoryRead) = "MEMORY_READ",
        MemoryHitUsed(MemoryHitUsed) = "MEMORY_HIT_USED",
        Override(OperatorOverride) = "OPERATOR_OVERRIDE",
    }
}
