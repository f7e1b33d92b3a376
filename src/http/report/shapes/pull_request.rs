use conductor_core::event::SmokeCause;
use serde_json::{Value, json};

use super::ReportShape;
use super::issue::on;
use super::property::{Property, may, need};
use crate::openapi::{Texts, count, one_of, sha, text, texts};

fn head() -> Property {
    may("headSha", sha(), "The head that it is about.").formerly("sha")
}

/// A reviewer reports what it was asked about a pull request.
fn by_reviewer(agent: &str, pull: u64, more: Value) -> Value {
    let mut report = json!({ "repo": "acme/web", "prNumber": pull, "agentId": agent });
    if let (Value::Object(report), Value::Object(more)) = (&mut report, more) {
        report.extend(more);
    }
    report
}

/// Reports that a pull request decides.
pub(super) fn shapes() -> Vec<ReportShape> {
    [reviews(), checks(), deployments()].into_iter().flatten().flatten().collect()
}

fn reviews() -> Vec<Option<ReportShape>> {
    let verdict = || {
        vec![
            head(),
            may("body", text(), "The reviewer's words.").formerly("reason"),
            may("iteration", count(u32::MAX.into()), "Which review it is, as the reviewer counts.").formerly("attempt"),
        ]
    };
    let words = |text: &str| json!({ "body": text });
    vec![
        ReportShape::of("REVIEW_PASSED", "Approved.", verdict())
            .map(|shape| shape.example(38, by_reviewer("review-e", 58, words("Fine now.")))),
        ReportShape::of("REVIEW_DISPUTED", "Changes are asked for.", verdict())
            .map(|shape| shape.example(16, by_reviewer("review-e", 57, words("A test is missing.")))),
        ReportShape::of("REVIEW_ABSTAINED", "Looked at, without a verdict.", verdict())
            .map(|shape| shape.example(15, by_reviewer("review-e-codex", 57, words("I know nothing of this.")))),
        ReportShape::of("REVIEW_FAILED", "It could not be reviewed.", vec![head(), may("reason", text(), "Why.")])
            .map(|shape| shape.example(14, by_reviewer("review-e", 57, json!({ "reason": "the checkout failed" })))),
    ]
}

fn checks() -> Vec<Option<ReportShape>> {
    let failed =
        vec![head(), may("failedChecks", texts(), "Which."), may("logs", text(), "What they said.").formerly("reason")];
    let pull = |more: Value| on(42, more);
    let red = json!({ "prNumber": 57, "failedChecks": ["build"], "logs": "1 test failed" });
    vec![
        ReportShape::of("CI_PENDING", "Checks run.", vec![head()])
            .map(|shape| shape.example(11, pull(json!({ "prNumber": 57 })))),
        ReportShape::of("CI_PASSED", "Every required check finished well.", vec![head()])
            .map(|shape| shape.example(13, pull(json!({ "prNumber": 57 })))),
        ReportShape::of("CI_FAILED", "A required check is red.", failed).map(|shape| shape.example(12, pull(red))),
        ReportShape::of(
            "MERGED",
            "The pull request was merged.",
            vec![may("mergeSha", sha(), "The commit.").formerly("sha")],
        )
        .map(|shape| shape.example(17, pull(json!({ "prNumber": 57, "mergeSha": "c0ffee01" })))),
        ReportShape::of("PR_CLOSED", "The pull request was closed without a merge.", vec![])
            .map(|shape| shape.example(39, on(44, json!({ "prNumber": 58 })))),
    ]
}

fn deployments() -> Vec<Option<ReportShape>> {
    let environment = || may("environment", text(), "Where.").formerly("reason");
    let deployed = || vec![environment(), may("sha", sha(), "Which commit.").formerly("headSha")];
    let smoke = vec![
        need("cause", one_of(&SmokeCause::texts()), "Whether the change broke it.").formerly("reason"),
        may("retryCount", count(u32::MAX.into()), "How often it was tried again.").formerly("attempt"),
        may("details", text(), "What it said."),
    ];
    let ends = || {
        let tests = |name, about| need(name, count(u32::MAX.into()), about);
        vec![
            tests("passedCount", "Tests that passed."),
            tests("failedCount", "Tests that failed."),
            tests("totalCount", "All of them."),
            may("durationMs", count(u64::MAX), "How long it took, in milliseconds."),
            may("firstFailure", text(), "The first one that failed."),
            may("runUrl", text(), "Where to look."),
            may("browser", text(), "In which browser."),
        ]
    };
    let counts = |failed: u64| json!({ "passedCount": 12 - failed, "failedCount": failed, "totalCount": 12 });
    let environment_is = |name: &str| on(42, json!({ "environment": name }));
    vec![
        ReportShape::of("DEPLOYED_STAGING", "On staging.", deployed())
            .map(|shape| shape.example(18, environment_is("staging"))),
        ReportShape::of("SMOKE_PASSED", "The smoke test passed.", vec![environment()])
            .map(|shape| shape.example(19, environment_is("staging"))),
        ReportShape::of("SMOKE_FAILED", "The smoke test failed.", smoke)
            .map(|shape| shape.example(20, on(42, json!({ "cause": "external_dependency", "retryCount": 1 })))),
        ReportShape::of("E2E_PASSED", "The end-to-end tests passed.", ends())
            .map(|shape| shape.example(21, on(42, counts(0)))),
        ReportShape::of("E2E_FAILED", "The end-to-end tests failed.", ends())
            .map(|shape| shape.example(22, on(42, counts(1)))),
        ReportShape::of("DEPLOYED_PRODUCTION", "On production.", deployed())
            .map(|shape| shape.example(23, environment_is("production"))),
        ReportShape::of("VERIFIED", "Production does what it should.", vec![])
            .map(|shape| shape.example(24, on(42, json!({})))),
    ]
}
