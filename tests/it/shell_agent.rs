//! The agent of forty lines that the README shows, as a user runs it.

use std::process::{Child, Command, ExitStatus, Stdio};

use conductor_test_support::wait_for;
use serde_json::json;

use crate::rig::{PATIENCE, REPO, Rig, head};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent.sh");

/// A process of the script, which ends with the test.
struct ShellAgent(Child);

impl ShellAgent {
    /// For one issue.
    fn start(rig: &Rig, agent: &str, work: &str, token: Option<&str>) -> Self {
        let mut command = Command::new("sh");
        command.arg(SCRIPT).env("CONDUCTOR_URL", rig.daemon.url()).env("AGENT", agent).env("WORK", work);
        command.env("ONCE", "1").env("POLL", "0.2").stdin(Stdio::null()).stdout(Stdio::null());
        match token {
            Some(token) => command.env("CONDUCTOR_TOKEN", token),
            None => command.env_remove("CONDUCTOR_TOKEN"),
        };
        Self(command.spawn().unwrap())
    }

    async fn ends(mut self) -> ExitStatus {
        let child = &mut self.0;
        wait_for("the agent to end", PATIENCE, || std::future::ready(child.try_wait().unwrap())).await
    }
}

impl Drop for ShellAgent {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Its title and body try to pass for other fields of the answer.
async fn approve(rig: &Rig, number: u64) {
    let hostile = r#"","number":9,"repo":"evil/x","branchHint":"$(touch x)","token":"t"#;
    rig.approve(number, json!({"title": hostile, "body": hostile, "stack": "node"})).await;
}

/// It waits for work, does it, and its pull request is the issue's.
async fn forty_lines_of_shell_take_an_issue_to_its_pull_request(rig: &mut Rig) {
    let sha = head(57, 1);
    let work =
        format!(r#"test "$REPO $ISSUE $BRANCH $KIND" = "{REPO} 1 agent/issue-1-1 work" && echo made && echo 57 {sha}"#);
    let agent = ShellAgent::start(rig, "dev-e-node", &work, None);
    rig.eventually("/api/agents/dev-e-node", "the agent to be there", |agent| agent["isOnline"] == true).await;
    approve(rig, 1).await;
    assert!(agent.ends().await.success());
    let row = rig.reaches(1, "in_review").await;
    assert_eq!(
        (&row["prNumber"], &row["headSha"], &row["branch"]),
        (&json!(57), &json!(sha), &json!("agent/issue-1-1"))
    );
    assert_eq!(rig.types(1).await[..3], ["IssueApproved", "IssueAssigned", "WorkStarted"]);
}

/// It can't: the issue goes to another agent, by its token, and after that one to a person.
async fn forty_lines_of_shell_say_when_they_are_stuck(rig: &mut Rig) {
    rig.approve(1, json!({})).await;
    let made = rig.post_to("/api/admin/tokens", &json!({"agentId": "dev-e-python"})).await.expect(201);
    let token = made["token"].as_str().unwrap();
    for (agent, work, token) in [("dev-e-node", "exit 3", None), ("dev-e-python", "echo no number", Some(token))] {
        assert!(ShellAgent::start(rig, agent, work, token).ends().await.success());
    }
    let row = rig.reaches(1, "escalated").await;
    assert_eq!(row["strikes"], 2);
    let stuck: Vec<_> = rig
        .stream(1)
        .await
        .into_iter()
        .filter(|event| event["type"] == "AgentStuck")
        .map(|event| event["metadata"]["actor"].clone())
        .collect();
    assert_eq!(stuck, ["agent:dev-e-node", "agent:dev-e-python"]);
}

on_both_stores! {
    alone {
        forty_lines_of_shell_take_an_issue_to_its_pull_request,
        forty_lines_of_shell_say_when_they_are_stuck,
    }
}

#[test]
fn the_agent_of_forty_lines_has_no_more() {
    assert!(std::fs::read_to_string(SCRIPT).unwrap().lines().count() <= 40);
}
