use clap::Args;
use clap::builder::PossibleValuesParser;
use conductor_core::overrule::{OverrideKind, Reason, Target};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::failure::Failure;
use super::reading::{self, Form};
use super::screen::{Look, Screen};

/// What to overrule.
#[derive(Debug, Args)]
#[command(after_help = "\
Kinds:
  release      end the lease; no strike, and whoever fits may claim it again
  requeue      a new life: strikes and exclusions forgotten, whatever it waited for
  assign       a new life with --agent, if it fits; --force skips stack, tags, pauses, quota
  cancel       give it up
  close-zombie give it up because it is closed or gone at GitHub, and the log doesn't know
  pause        hand nothing out; who holds a lease goes on
  resume       go on

Targets: owner/repo#n for each kind; pause and resume take rig, owner/repo and agent:<id> too.

Examples:
  conductor-e override release acme/web#42 --reason \"the pod is gone\"
  conductor-e override requeue acme/web#42 --reason \"the failing test is fixed\"
  conductor-e override assign acme/web#42 --agent dev-e-python --reason \"knows the module\"
  conductor-e override pause rig --reason \"release day\"
  conductor-e override pause agent:dev-e-node --reason \"loops\" --json | jq .position")]
pub(super) struct OverrideArguments {
    /// What to do.
    #[arg(value_parser = PossibleValuesParser::new(OverrideKind::ALL.iter().map(|kind| kind.as_str())))]
    kind: String,
    /// To what: rig, owner/repo, owner/repo#n or agent:<id>.
    #[arg(value_parser = target)]
    target: Target,
    /// Why: it is recorded with your name, and read by whoever wonders.
    #[arg(long, value_parser = reason)]
    reason: Reason,
    /// Who is to have it (assign).
    #[arg(long, value_name = "ID", required_if_eq("kind", "assign"))]
    agent: Option<String>,
    /// Skip fit: stack, tags, pauses, quota; never role, capacity or dependencies (assign).
    #[arg(long, requires = "agent")]
    force: bool,
    #[command(flatten)]
    form: Form,
}

fn target(text: &str) -> Result<Target, &'static str> {
    Target::parse(text).ok_or(Target::FORM)
}

fn reason(text: &str) -> Result<Reason, &'static str> {
    Reason::parse(text).ok_or(Reason::FORM)
}

/// `override`: does it, in the name of the token that is shown.
pub(super) async fn overrule(
    arguments: &OverrideArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let OverrideArguments { kind, target, reason, agent, force, form } = arguments;
    let mut body = json!({"kind": kind, "target": target.to_string(), "reason": reason.as_str()});
    if let Some(agent) = agent {
        body["agentId"] = json!(agent);
        body["force"] = json!(force);
    }
    let what = format!("{kind} {target}");
    let request = daemon.request_to(Method::POST, &["api", "admin", "overrides"], &[]).json(&body);
    let answer = daemon.send(request).await.map_err(|failure| failure.of_doing(&what))?;
    reading::show(answer, *form, screen, |done: Done, _: &Look| words(&what, &done)).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    stream_id: String,
    version: u64,
    position: u64,
    #[serde(default)]
    duplicate: bool,
}

fn words(what: &str, done: &Done) -> String {
    let Done { stream_id, version, position, duplicate } = done;
    match (duplicate, version) {
        (true, 0) => format!("{what}: it was never otherwise, so nothing was recorded."),
        (true, _) => format!("{what}: it is so since version {version} of {stream_id}, so nothing was recorded."),
        (false, _) => format!("{what}: done, and on record as version {version} of {stream_id}, position {position}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_apart_from_what_was_so_already() {
        let done = |version, duplicate| Done { stream_id: "acme/web#4".into(), version, position: 9, duplicate };
        let what = "release acme/web#4";
        assert_eq!(
            words(what, &done(5, false)),
            "release acme/web#4: done, and on record as version 5 of acme/web#4, position 9."
        );
        assert!(words(what, &done(5, true)).contains("since version 5"));
        assert!(words(what, &done(0, true)).contains("never otherwise"));
    }
}
