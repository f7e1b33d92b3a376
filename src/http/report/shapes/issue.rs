use conductor_core::event::Priority;
use serde_json::{Value, json};

use super::ReportShape;
use super::property::{Property, may, need};
use crate::openapi::{Texts, claimant, issue_number, not_blank, one_of, sha, text, texts};

fn dependencies() -> Value {
    let reference = json!({
        "type": "string", "pattern": "^(\\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*/\\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*)?#[1-9][0-9]{0,17}$",
    });
    json!({ "type": "array", "items": { "anyOf": [issue_number(), reference] }, "maxItems": 1000 })
}

fn priority() -> Value {
    one_of(&Priority::texts())
}

fn reason() -> Property {
    may("reason", text(), "Why, for people.")
}

pub(super) fn on(number: u64, more: Value) -> Value {
    let mut report = json!({ "repo": "acme/web", "issueNumber": number });
    if let (Value::Object(report), Value::Object(more)) = (&mut report, more) {
        report.extend(more);
    }
    report
}

/// Reports that an issue decides.
pub(super) fn shapes() -> Vec<ReportShape> {
    [queue(), held()].into_iter().flatten().flatten().collect()
}

fn queue() -> Vec<Option<ReportShape>> {
    let approved = vec![
        need("title", not_blank(), "The issue's title."),
        may("url", text(), "Its address at GitHub.").formerly("issueUrl"),
        may("body", text(), "Its text."),
        may("priority", priority(), "How urgent; otherwise the labels say."),
        may(
            "dependsOn",
            dependencies(),
            "What must be done first: `owner/repo#42`, or `#42` and 42 for its own repository.",
        ),
        may("stack", text(), "What an agent must serve to be given it."),
        may("escalate", texts(), "Tags that an agent must serve to be given it."),
        may("tools", texts(), "What the agent needs."),
        may("testCommand", text(), "How to test."),
        may("buildCommand", text(), "How to build."),
        may("milestone", text(), "Its milestone."),
        may("labels", texts(), "Its labels."),
    ];
    let broken =
        json!({ "title": "The login is broken", "body": "On a Friday.", "labels": ["agent-ready"], "stack": "node" });
    let agent = |id: &str| json!({ "agentId": id });
    let by_whom = || vec![need("agentId", claimant(), "Who gets it.")];
    let from_whom = vec![may("agentId", claimant(), "Who holds it; without, whoever does."), reason()];
    vec![
        ReportShape::of("ISSUE_APPROVED", "The issue may be worked on.", approved).map(|shape| {
            shape
                .example(1, on(42, broken))
                .example(25, on(43, json!({ "title": "A page for people" })))
                .example(32, on(44, json!({ "title": "Faster start" })))
                .example(43, on(45, json!({ "title": "Dark colours", "priority": "high" })))
                .example(54, on(46, json!({ "title": "Fewer clicks" })))
        }),
        ReportShape::of("ISSUE_ASSIGNED", "The issue is handed to an agent.", by_whom()).map(|shape| {
            shape
                .example(2, on(42, agent("dev-e-node")))
                .example(33, on(44, agent("dev-e-python")))
                .example(35, on(44, agent("dev-e-node")))
                .example(40, on(44, agent("dev-e-dotnet")))
                .example(55, on(46, agent("dev-e-python")))
        }),
        ReportShape::of("ISSUE_UNASSIGNED", "The issue is taken from its holder, without fault.", from_whom).map(
            |shape| shape.example(34, on(44, json!({ "agentId": "dev-e-python", "reason": "another one is free" }))),
        ),
        ReportShape::of("ISSUE_CANCELLED", "The issue is given up.", vec![reason()])
            .map(|shape| shape.example(28, on(43, json!({ "reason": "not now" })))),
        ReportShape::of("ISSUE_REOPENED", "The issue is taken up again.", vec![])
            .map(|shape| shape.example(29, on(43, json!({})))),
        ReportShape::of("ISSUE_DONE", "The issue is finished.", vec![])
            .map(|shape| shape.example(31, on(43, json!({})))),
        ReportShape::of("ESCALATED", "Only a person moves the issue on.", vec![reason()])
            .map(|shape| shape.example(30, on(43, json!({ "reason": "nobody knows the colours" })))),
        ReportShape::of(
            "PRIORITY_CHANGED",
            "The priority is another one now.",
            vec![need("priority", priority(), "Which.")],
        )
        .map(|shape| shape.example(26, on(43, json!({ "priority": "critical" })))),
        ReportShape::of(
            "DEPENDENCIES_CHANGED",
            "Other issues must be done first.",
            vec![need("dependsOn", dependencies(), "All of them; `[]` for none.")],
        )
        .map(|shape| shape.example(27, on(43, json!({ "dependsOn": ["acme/api#7", 42] })))),
    ]
}

fn held() -> Vec<Option<ReportShape>> {
    let branch = || may("branch", text(), "The branch.");
    let pull = |agent: &str, number: u64| {
        json!({
            "agentId": agent, "prNumber": number, "prUrl": format!("https://github.com/acme/web/pull/{number}"),
            "branch": format!("agent/pull-{number}"), "headSha": "c0ffee0123456789c0ffee0123456789c0ffee01",
        })
    };
    let head = || may("headSha", sha(), "Its head.").formerly("sha");
    vec![
        ReportShape::of("WORK_STARTED", "The holder began.", vec![branch()]).map(|shape| {
            shape
                .example(3, on(42, json!({ "agentId": "dev-e-node" })))
                .example(36, on(44, json!({ "agentId": "dev-e-node" })))
                .example(41, on(44, json!({ "agentId": "dev-e-dotnet" })))
        }),
        ReportShape::of(
            "BRANCH_CREATED",
            "The holder works on this branch.",
            vec![need("branch", text(), "Its name.")],
        )
        .map(|shape| shape.example(4, on(42, json!({ "agentId": "dev-e-node", "branch": "agent/issue-42" })))),
        ReportShape::of("PR_CREATED", "The holder opened a pull request.", vec![branch(), head()]).map(|shape| {
            shape
                .example(10, on(42, pull("dev-e-node", 57)))
                .example(37, on(44, pull("dev-e-node", 58)))
                .example(56, on(46, pull("dev-e-python", 59)))
        }),
        ReportShape::of(
            "AGENT_STUCK",
            "The agent can't go on: a strike for a holder, a failed review for a reviewer.",
            vec![reason(), head()],
        )
        .map(|shape| {
            shape.example(42, on(44, json!({ "agentId": "dev-e-dotnet", "reason": "the tests need a device" })))
        }),
    ]
}
