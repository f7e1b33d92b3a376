//! What the README says to type, typed: the walk from an approval to done, in its own words.

use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::rig::{ANSWER_WITHIN, Rig, Setup};

const README: &str = include_str!("../../README.md");
/// Where the README has the daemon listen.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// Seconds of it are the wait for a reviewer to be asked.
const WALK_WITHIN: Duration = ANSWER_WITHIN;

/// The block of commands that holds this.
fn commands(holding: &str) -> &'static str {
    let blocks = README.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.into_iter().find(|block| block.contains(holding)).unwrap_or_else(|| panic!("no commands hold {holding}"))
}

impl Setup {
    /// With the settings that the README has the reader write for a trial.
    fn on_trial(self) -> Self {
        let text = commands("trial.toml").split('\'').nth(1).unwrap();
        self.config(&text.replace("\\n", "\n"))
    }
}

/// Runs them as the reader does; the daemon of the test is the one that listens.
async fn typed(rig: &Rig, commands: &str) -> String {
    let commands = commands.replace(ADDRESS, &rig.daemon.url());
    let typed = Command::new("bash").args(["-euo", "pipefail", "-c", &commands]).kill_on_drop(true).output();
    let output = tokio::time::timeout(WALK_WITHIN, typed).await.expect("the commands end").unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Each command is answered well, and the last one shows the issue where the README says that it ends.
async fn the_walk_of_the_readme_takes_an_issue_from_its_approval_to_done(rig: &mut Rig) {
    let said = typed(rig, commands("report() {")).await;
    let answers: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), commands("report() {").lines().count() - 2, "one for each request: {said}");
    assert!(answers.iter().all(|answer| answer.get("error").is_none() && answer.get("duplicate").is_none()), "{said}");
    let done = answers.last().unwrap();
    assert_eq!((&done[0]["streamId"], &done[0]["state"]), (&"acme/web#42".into(), &"done".into()));
    let types = rig.types(57).await;
    for kind in ["PrCreated", "ReviewAssigned", "ReviewPassed", "CiPassed", "Merged"] {
        assert!(types.iter().any(|found| found == kind), "{kind}: {types:?}");
    }
}

on_both_stores! {
    on_trial { the_walk_of_the_readme_takes_an_issue_from_its_approval_to_done }
}
