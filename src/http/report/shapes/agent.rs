use conductor_core::cost::MOST_OF_ONE_REPORT;
use conductor_core::event::{MemoryKind, MemoryScope, UsageCategory};
use serde_json::{Value, json};

use super::super::agent::DEAREST;
use super::ReportShape;
use super::property::{Property, may, need};
use crate::openapi::{Texts, count, flag, nullable, number, one_of, repo, text, texts};

/// A repository, or "" for none.
fn repo_or_none() -> Value {
    json!({ "anyOf": [repo(), { "const": "" }] })
}

/// The issue that telemetry is about; 0 is none.
fn about() -> [Property; 2] {
    [
        may("repo", repo_or_none(), "The issue's repository."),
        may("issueNumber", count(u64::MAX), "The issue that it is about; 0 for none."),
    ]
}

fn by_node(mut report: Value) -> Value {
    report["agentId"] = json!("dev-e-node");
    report
}

/// What agents report of themselves.
pub(super) fn shapes() -> Vec<ReportShape> {
    [presence(), runs(), memory()].into_iter().flatten().flatten().collect()
}

fn presence() -> Vec<Option<ReportShape>> {
    let said = json!({ "name": text(), "status": nullable(text()), "details": nullable(text()) });
    let mut with_active = said.clone();
    with_active["active"] = nullable(flag());
    let listed = |properties: Value| {
        let item = json!({ "type": "object", "required": ["name"], "properties": properties });
        json!({ "type": "array", "items": item, "maxItems": 1000 })
    };
    let issue = json!({ "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": i64::MAX },
        { "type": "string", "pattern": "^([^#\\u0000]*#)?[0-9]{1,18}$" },
        { "const": "" },
    ] });
    let heartbeat = vec![
        may("instance", text(), "Which one; better said as `agentId`: `dev-e-node/ab12c`."),
        may("status", text(), "Such as `idle` or `working`; it takes no work away."),
        may("currentIssue", issue, "42, \"42\" or \"owner/repo#42\"."),
        may("currentRepo", text(), "Its repository."),
        may("activeProvider", text(), "The model provider in use."),
        may("availableProviders", texts(), "Those that could be used."),
        may("providers", listed(with_active), "How they are."),
        may("integrations", listed(said), "How what the agent needs is."),
        may("uptimeSeconds", number(), "Since its start."),
        may("memoryMB", number(), "In use."),
        may("errorCount", count(u32::MAX.into()), "Since its start."),
        may("startup", flag(), "Whether it has just started."),
        may("degraded", flag(), "Whether it does less than it should."),
        may("degradedReasons", texts(), "Why."),
    ];
    let quota = vec![
        may("quotaFiveHourPct", number(), "Used, in percent; 100 and more is exhausted."),
        may("quotaWeeklyPct", number(), "The same for the week."),
    ];
    let alive = json!({ "status": "working", "currentIssue": "acme/web#42", "activeProvider": "codex" });
    vec![
        ReportShape::of("HEARTBEAT", "The agent is alive.", heartbeat).map(|shape| shape.example(7, by_node(alive))),
        ReportShape::of("AGENT_QUOTA_REPORTED", "How much of the agent's quotas is used.", quota)
            .map(|shape| shape.example(44, by_node(json!({ "quotaFiveHourPct": 40, "quotaWeeklyPct": 12.5 })))),
    ]
}

fn runs() -> Vec<Option<ReportShape>> {
    let run = || {
        let mut properties = about().to_vec();
        properties.extend([
            may("model", text(), "Which model."),
            may("message", text(), "What it says.").formerly("detail").formerly("reason"),
            may("turns", count(u32::MAX.into()), "So far."),
            may("costUsd", number(), "So far, in dollars."),
            may("durationMs", count(u64::MAX), "So far, in milliseconds."),
        ]);
        properties
    };
    let mut usage = about().to_vec();
    usage.extend([
        need("model", text(), "Which model."),
        need("inputTokens", count(MOST_OF_ONE_REPORT), "Read."),
        need("outputTokens", count(MOST_OF_ONE_REPORT), "Written."),
        may("cacheReadTokens", count(MOST_OF_ONE_REPORT), "Read from the cache."),
        may("cacheCreationTokens", count(MOST_OF_ONE_REPORT), "Written to the cache."),
        need("costUsd", json!({ "type": "number", "minimum": 0, "maximum": DEAREST }), "In dollars."),
        may(
            "category",
            one_of(&UsageCategory::texts()),
            "What for; without, `work` where an issue is named, else `idle`.",
        ),
    ]);
    let mut blocked = about().to_vec();
    blocked.push(may("command", text(), "Which.").formerly("reason"));
    let at_work = |more: Value| {
        let mut report = by_node(json!({ "repo": "acme/web", "issueNumber": 42 }));
        if let (Value::Object(report), Value::Object(more)) = (&mut report, more) {
            report.extend(more);
        }
        report
    };
    let tokens = json!({ "model": "large-3", "inputTokens": 1200, "outputTokens": 300, "costUsd": 0.02 });
    vec![
        ReportShape::of("GUARD_BLOCKED", "The agent's own guard stopped a command.", blocked)
            .map(|shape| shape.example(45, by_node(json!({ "command": "rm -rf /" })))),
        ReportShape::of("TOKEN_USAGE", "Tokens were spent.", usage).map(|shape| shape.example(8, at_work(tokens))),
        ReportShape::of("CLI_STARTED", "A run began.", run())
            .map(|shape| shape.example(5, at_work(json!({ "model": "large-3" })))),
        ReportShape::of("CLI_PROGRESS", "A run goes on.", run())
            .map(|shape| shape.example(6, at_work(json!({ "message": "reading" })))),
        ReportShape::of("CLI_COMPLETED", "A run ended; no evidence of success.", run())
            .map(|shape| shape.example(9, at_work(json!({ "turns": 14, "costUsd": 0.4, "durationMs": 90_000 })))),
    ]
}

fn memory() -> Vec<Option<ReportShape>> {
    let of_repo = || may("repo", repo_or_none(), "The repository that it is about.");
    let write = vec![
        need("scope", one_of(&MemoryScope::texts()), "Where it belongs."),
        need("kind", one_of(&MemoryKind::texts()), "What it holds."),
        need("memoryId", text(), "Its id."),
        may("tokens", count(u64::MAX), "Its size."),
        of_repo(),
    ];
    let read = vec![
        need("query", text(), "What was looked for."),
        need("hits", count(u32::MAX.into()), "How many were found."),
        may("tokensLoaded", count(u64::MAX), "What they cost."),
        of_repo(),
    ];
    let hit = vec![need("memoryId", text(), "Which."), may("usedInOutput", flag(), "Whether it shows.")];
    let learned = json!({ "scope": "repo", "kind": "learning", "memoryId": "m1", "repo": "acme/web" });
    vec![
        ReportShape::of("MEMORY_WRITE", "The agent remembered something.", write)
            .map(|shape| shape.example(46, by_node(learned))),
        ReportShape::of("MEMORY_READ", "The agent looked something up.", read)
            .map(|shape| shape.example(47, by_node(json!({ "query": "how to log in", "hits": 1 })))),
        ReportShape::of("MEMORY_HIT_USED", "What was looked up was used.", hit)
            .map(|shape| shape.example(48, by_node(json!({ "memoryId": "m1", "usedInOutput": true })))),
    ]
}
