use anyhow::ensure;
use serde_json::json;

use super::github::IssueDelivery;
use super::rig::Rig;

/// Issue 43: its agents get stuck twice, and it ends with a person.
///
/// # Errors
/// The first step that doesn't hold.
pub async fn two_strikes_then_a_human(rig: &Rig) -> anyhow::Result<()> {
    rig.narrator().headline("Issue 43: two strikes, then a human");
    let labelled = IssueDelivery {
        action: "labeled",
        number: 43,
        title: "Make the build reproducible",
        body: "Nobody knows how.",
        labels: &["agent-ready"],
        second: 2,
    };
    rig.github("delivers issues.labeled (agent-ready) for #43", labelled.deliver()).await?;
    rig.reaches(43, "queued").await?;
    let stuck = json!({"reason": "the build never ends"});
    for (agent, state) in [("dev-e-node", "queued"), ("dev-e-python", "escalated")] {
        rig.claims(agent, 43).await?;
        rig.reports(agent, "WORK_STARTED", 43, json!({})).await?;
        rig.reports(agent, "AGENT_STUCK", 43, stuck.clone()).await?;
        let row = rig.reaches(43, state).await?;
        ensure!(row["agentId"].is_null(), "an issue in {state} has the holder {}", row["agentId"]);
    }
    for agent in ["dev-e-node", "dev-e-python", "dev-e-dotnet"] {
        ensure!(rig.next(agent).await?.is_none(), "{agent} was given an issue that is with a person");
    }
    rig.narrator().act("nobody", "is given #43 any more: a person decides");
    Ok(())
}
