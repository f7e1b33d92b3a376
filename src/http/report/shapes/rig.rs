use serde_json::json;

use super::ReportShape;
use super::property::{may, need};
use crate::openapi::{count, repo, text};

/// Reports about the rig as a whole.
pub(super) fn shapes() -> Vec<ReportShape> {
    let id = || need("proposalId", text(), "Which.");
    let created = vec![
        need("proposalId", text(), "An id of the agent's own."),
        may("repo", repo(), "The repository that it is about."),
        need("title", text(), "In a sentence."),
        may("body", text(), "In more.").formerly("reason"),
    ];
    let complete = vec![
        need("milestone", text(), "Its name.").formerly("title"),
        may("repo", repo(), "Of this repository."),
        need("issueCount", count(u32::MAX.into()), "How many issues it had.").formerly("issueNumber"),
    ];
    let proposed = |id: &str| json!({ "agentId": "dev-e-node", "proposalId": id, "title": "Test on real devices" });
    let all = [
        ReportShape::of("PROPOSAL_CREATED", "An agent proposes something.", created)
            .map(|shape| shape.example(49, proposed("p1")).example(51, proposed("p2"))),
        ReportShape::of("PROPOSAL_APPROVED", "A person agrees.", vec![id()])
            .map(|shape| shape.example(50, json!({ "proposalId": "p1" }))),
        ReportShape::of("PROPOSAL_REJECTED", "A person turns it down.", vec![id(), may("reason", text(), "Why.")])
            .map(|shape| shape.example(52, json!({ "proposalId": "p2", "reason": "too dear" }))),
        ReportShape::of("MILESTONE_COMPLETE", "Every issue of a milestone is done.", complete)
            .map(|shape| shape.example(53, json!({ "milestone": "v1", "repo": "acme/web", "issueCount": 3 }))),
    ];
    all.into_iter().flatten().collect()
}
