/// Issue 44: it waits for issue 42, in two parts around that one's story.
pub mod a_third_issue_waits_for_the_first {
    use anyhow::ensure;
    use serde_json::json;

    use crate::story::github::IssueDelivery;
    use crate::story::rig::Rig;

    /// It is approved first, and nobody gets it.
    ///
    /// # Errors
    /// The first step that doesn't hold.
    pub async fn prepare(rig: &Rig) -> anyhow::Result<()> {
        rig.narrator().headline("Issue 44: it waits for 42");
        let labelled = IssueDelivery {
            action: "labeled",
            number: 44,
            title: "Greet people by name after the login",
            body: "Depends on: #42",
            labels: &["high-priority", "agent-ready"],
            second: 0,
        };
        rig.github("delivers issues.labeled (agent-ready) for #44, \"Depends on: #42\"", labelled.deliver()).await?;
        rig.reaches(44, "queued").await?;
        let queue = rig.get("/api/queue").await?;
        ensure!(queue[0]["blockedBy"] == json!(["acme/web#42"]), "the queue doesn't say what blocks #44: {queue}");
        ensure!(rig.next("dev-e-dotnet").await?.is_none(), "#44 was handed out before #42 is done");
        rig.narrator().act("dev-e-dotnet", "asks for work: nothing, #44 is blocked by acme/web#42");
        Ok(())
    }

    /// The first one is done: it is handed out at once.
    ///
    /// # Errors
    /// The first step that doesn't hold.
    pub async fn conclude(rig: &Rig) -> anyhow::Result<()> {
        rig.narrator().headline("Issue 44: 42 is done, so it may begin");
        rig.claims("dev-e-dotnet", 44).await?;
        rig.reports("dev-e-dotnet", "WORK_STARTED", 44, json!({})).await?;
        rig.reaches(44, "in_progress").await?;
        Ok(())
    }
}
