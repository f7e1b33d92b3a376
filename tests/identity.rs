//! Identity from the outside: what the program refuses, its `token` commands, and whom the daemon lets in.

// Clippy takes only the test functions themselves for tests (.clippy.toml), not what they share.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use conductor_test_support::DaemonCommand;
use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

const PROGRAM: &str = env!("CARGO_BIN_EXE_conductor-e");
/// Beyond loopback and no address of any machine (RFC 5737): whoever gets past the refusals fails to bind, and nothing listens.
const BEYOND: &str = "192.0.2.1:8080";

/// For a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn serve() -> DaemonCommand {
    DaemonCommand::serve(PROGRAM)
}

/// `conductor-e token …` on the store in that folder, or at whatever daemon the arguments name.
fn token(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("token").args(arguments).env_clear().env("CONDUCTOR_DATA_DIR", data).env("CONDUCTOR_IDENTITY", "token");
    command.output().unwrap()
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What a refused command says, and that it is exit code 1.
#[track_caller]
fn refusal_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn status(url: &str, path: &str, token: Option<&str>) -> u16 {
    let request = Client::new().get(format!("{url}{path}"));
    let request = token.iter().fold(request, |request, token| request.bearer_auth(token));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn beyond_loopback_it_refuses_to_start_without_a_token_and_never_believes_everybody() {
    for (identity, says) in [
        (None, "there is no token yet"),
        (Some("token"), "there is no token yet"),
        (Some("open"), "is beyond loopback"),
        (Some("trusted-network"), "there are none"),
    ] {
        let command = serve().env("CONDUCTOR_BIND", BEYOND);
        let command = identity.iter().fold(command, |command, identity| command.env("CONDUCTOR_IDENTITY", *identity));
        let (status, log) = command.refused().await;
        assert_eq!(status.code(), Some(78), "{identity:?}: {log}");
        assert!(log.contains(says) && !log.contains("listening on"), "{identity:?}: {log}");
    }
}

#[tokio::test]
async fn the_first_token_is_made_on_the_store_and_opens_the_way_beyond_loopback() {
    let folder = tempfile::tempdir().unwrap();
    let made = json_of(&token(folder.path(), &["create", "--agent", "dev-e-node", "--expires", "90d", "--json"]));
    assert!(made["token"].as_str().unwrap().starts_with("cet_"), "{made}");
    assert_eq!((&made["agentId"], &made["state"]), (&"dev-e-node".into(), &"live".into()));
    let (status, log) = serve().env("CONDUCTOR_DATA_DIR", folder.path()).env("CONDUCTOR_BIND", BEYOND).refused().await;
    assert_eq!(status.code(), Some(1), "it got as far as an address that isn't there: {log}");
    assert!(log.contains(&format!("listen on {BEYOND}")) && !log.contains("no token"), "{log}");

    let revoked = json_of(&token(folder.path(), &["revoke", made["id"].as_str().unwrap(), "--json"]));
    assert_eq!(revoked["state"], "revoked");
    let listed = token(folder.path(), &["list", "--json"]);
    assert_eq!(json_of(&listed), Value::Array(vec![revoked]));
    let (status, log) = serve().env("CONDUCTOR_DATA_DIR", folder.path()).env("CONDUCTOR_BIND", BEYOND).refused().await;
    assert_eq!((status.code(), log.contains("no token")), (Some(78), true), "a revoked one opens nothing: {log}");
}

#[tokio::test]
async fn where_no_token_is_valid_everything_that_is_said_leads_to_the_first_one() {
    const HOW: &str = "stop it, run `conductor-e token create --person <you> --role operator` with the same settings";
    let folder = tempfile::tempdir().unwrap();
    let command = || serve().env("CONDUCTOR_IDENTITY", "token").env("CONDUCTOR_DATA_DIR", folder.path());
    let mut daemon = command().start().await;
    let url = daemon.url();
    let refused: Value = Client::new().get(format!("{url}/api/issues")).send().await.unwrap().json().await.unwrap();
    assert!(refused["error"].as_str().unwrap().contains(HOW), "{refused}");
    let said = refusal_of(&token(folder.path(), &["create", "--person", "ada", "--role", "operator", "--url", &url]));
    assert!(said.contains(HOW), "{said}");
    let log = daemon.log();
    assert!(log.contains("  WARNING no token is valid") && log.contains(HOW), "in the banner: {log}");
    assert!(log.contains("WARN") && log.contains("no token is valid, so nobody gets in"), "in the log: {log}");
    assert!(daemon.sigterm(PATIENCE).await.success());

    let made = json_of(&token(folder.path(), &["create", "--person", "ada", "--role", "operator", "--json"]));
    let daemon = command().start().await;
    assert_eq!(status(&daemon.url(), "/api/issues", made["token"].as_str()).await, 200);
    let log = daemon.log();
    assert!(!log.contains("no token is valid") && log.contains("token create --token <an operator's>"), "{log}");
}

#[tokio::test]
async fn what_may_not_be_made_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (vec!["create", "--agent", "stranger"], "not in the roster"),
        (vec!["create", "--person", "dev-e-node", "--role", "operator"], "an agent is no person"),
        (vec!["revoke", "t0000"], "no such token"),
        (vec!["revoke", "../x"], "no token's id"),
    ] {
        let said = refusal_of(&token(folder.path(), &arguments));
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    for wrong in [
        vec!["create"],
        vec!["create", "--person", "ada"],
        vec!["create", "--agent", "dev-e-node", "--role", "operator"],
        vec!["create", "--agent", "dev-e-node", "--person", "ada", "--role", "operator"],
        vec!["create", "--person", "ada", "--role", "root"],
        vec!["create", "--agent", "dev-e-node", "--expires", "soon"],
    ] {
        assert_eq!(token(folder.path(), &wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(json_of(&token(folder.path(), &["list", "--json"])), Value::Array(Vec::new()));
}

#[tokio::test]
async fn while_a_daemon_runs_its_operator_makes_and_takes_back_tokens_by_way_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = json_of(&token(folder.path(), &["create", "--person", "ada", "--role", "operator", "--json"]));
    let operator = made["token"].as_str().unwrap();
    let command = serve().env("CONDUCTOR_IDENTITY", "token").env("CONDUCTOR_DATA_DIR", folder.path());
    let daemon = command.start().await;
    let url = daemon.url();
    assert_eq!([status(&url, "/api/issues", None).await, status(&url, "/health", None).await], [401, 200]);
    assert_eq!(status(&url, "/api/issues", Some(operator)).await, 200);

    let create = ["create", "--agent", "dev-e-node", "--json", "--url", &url];
    let said = refusal_of(&token(folder.path(), &create));
    assert!(said.contains("401") && said.contains("CONDUCTOR_TOKEN"), "{said}");
    let agent = json_of(&token(folder.path(), &[&create[..], &["--token", operator]].concat()));
    let (id, secret) = (agent["id"].as_str().unwrap(), agent["token"].as_str().unwrap());
    assert_eq!(status(&url, "/api/assignments/next?agentId=dev-e-node", Some(secret)).await, 204);
    assert_eq!(status(&url, "/api/assignments/next?agentId=review-e", Some(secret)).await, 403);
    let said = refusal_of(&token(folder.path(), &["list", "--url", &url, "--token", secret]));
    assert!(said.contains("only an operator"), "{said}");

    json_of(&token(folder.path(), &["revoke", id, "--json", "--url", &url, "--token", operator]));
    assert_eq!(status(&url, "/api/queue", Some(secret)).await, 401, "at once, in the same process");
    let held = refusal_of(
        &Command::new(PROGRAM)
            .args(["token", "list"])
            .env_clear()
            .env("CONDUCTOR_DATA_DIR", folder.path())
            .env("CONDUCTOR_BIND", "127.0.0.1:0")
            .output()
            .unwrap(),
    );
    assert!(held.contains("another daemon holds it") && held.contains("--url"), "{held}");
    for shown in [operator, secret] {
        assert!(!daemon.log().contains(shown), "no secret is ever logged");
    }
}

/// `events --follow` as somebody leaves it running, with the token from the environment.
fn following(url: &str, token: &str) -> tokio::process::Child {
    tokio::process::Command::new(PROGRAM)
        .args(["events", "--follow", "--after", "0", "--json", "--url", url])
        .env_clear()
        .env("CONDUCTOR_TOKEN", token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn whoever_follows_the_log_shows_a_token_and_stops_with_what_to_do_once_it_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let create = |role| token(folder.path(), &["create", "--person", "ada", "--role", role, "--json"]);
    let (operator, viewer) = (json_of(&create("operator")), json_of(&create("viewer")));
    let (operator, secret) = (operator["token"].as_str().unwrap(), viewer["token"].as_str().unwrap());
    let command = serve().env("CONDUCTOR_IDENTITY", "token").env("CONDUCTOR_DATA_DIR", folder.path());
    let daemon = command.start().await;
    let url = daemon.url();
    let wrong = following(&url, "cet_mistyped").wait_with_output().await.unwrap();
    assert!(refusal_of(&wrong).contains("answered 401"), "{wrong:?}");

    let mut follower = following(&url, secret);
    let mut shown = BufReader::new(follower.stdout.take().unwrap()).lines();
    let approval = r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1,"title":"x"}"#;
    let report = Client::new().post(format!("{url}/api/events")).bearer_auth(operator).body(approval).send();
    assert_eq!(report.await.unwrap().status().as_u16(), 200);
    let event = tokio::time::timeout(PATIENCE, shown.next_line()).await.expect("the event comes").unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&event).unwrap()["position"], 1);

    let id = viewer["id"].as_str().unwrap();
    json_of(&token(folder.path(), &["revoke", id, "--json", "--url", &url, "--token", operator]));
    let ended = tokio::time::timeout(PATIENCE, follower.wait_with_output()).await.expect("it stops by itself").unwrap();
    let said = refusal_of(&ended);
    assert!(said.contains("answered 401") && said.contains("CONDUCTOR_TOKEN"), "{said}");
}

#[tokio::test]
async fn trusted_network_is_said_loudly_and_believes_only_its_networks() {
    let command = serve().env("CONDUCTOR_IDENTITY", "trusted-network");
    let daemon = command.env("CONDUCTOR_TRUSTED_NETWORKS", "127.0.0.1,10.0.0.0/8").start().await;
    let url = daemon.url();
    assert_eq!(status(&url, "/api/issues", None).await, 200);
    let forwarded = Client::new().get(format!("{url}/api/issues")).header("X-Forwarded-For", "127.0.0.1").send();
    assert_eq!(forwarded.await.unwrap().status(), 401);
    let root: Value = Client::new().get(&url).send().await.unwrap().json().await.unwrap();
    assert!(root["warning"].as_str().unwrap().contains("10.0.0.0/8"), "{root}");
    let log = daemon.log();
    assert!(log.contains("identity trusted-network (whole networks are believed)"), "{log}");
    assert!(
        log.contains("WARN") && log.contains("whoever connects from 127.0.0.1/32, 10.0.0.0/8 is believed"),
        "{log}"
    );
}
