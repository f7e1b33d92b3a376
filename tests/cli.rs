//! The reading commands against the real daemon on the embedded store.

// Clippy takes only the test functions themselves for tests (.clippy.toml), not what they share.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use conductor_test_support::{Daemon, DaemonCommand, free_port};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

const PROGRAM: &str = env!("CARGO_BIN_EXE_conductor-e");

/// For a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command came to.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program with nothing of this process' settings.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LLVM_PROFILE_FILE"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// A daemon with three issues: one held, one blocked by it, one before a person.
async fn with_issues() -> Daemon {
    let daemon = DaemonCommand::serve(PROGRAM).start().await;
    let http = reqwest::Client::new();
    let approve = |number: u64, title: &str, more: Value| {
        let mut body = json!({"type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": number, "title": title});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for body in [
        approve(4, "Mend the door\u{1b}[2J", json!({"stack": "node", "priority": "high"})),
        approve(9, "Paint it", json!({"dependsOn": [4]})),
        approve(11, "Odd", json!({})),
        json!({"type": "ESCALATED", "repo": "acme/web", "issueNumber": 11, "reason": "nobody knows"}),
        json!({"type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node"}),
    ] {
        let answer = http.post(format!("{}/api/events", daemon.url())).json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{body}: {}", answer.text().await.unwrap());
    }
    daemon
}

impl Said {
    #[track_caller]
    fn well(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    #[track_caller]
    fn badly(self, code: i32, holds: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        for part in holds {
            assert!(self.err.contains(part), "{part} in {}", self.err);
        }
    }
}

/// The line of a table that begins so, its columns apart.
#[track_caller]
fn row<'t>(table: &'t str, start: &str) -> Vec<&'t str> {
    let line = table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start} in {table}"));
    line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect()
}

#[tokio::test]
async fn issues_queue_and_agents_are_shown_as_tables_and_as_json() {
    let daemon = with_issues().await;
    let url = daemon.url();

    let issues = run(&["issues", "--url", &url], &[]).well();
    assert_eq!(row(&issues, "acme/web#4")[1..4], ["assigned", "high", "dev-e-node"]);
    assert_eq!(row(&issues, "acme/web#11")[1], "escalated");
    assert!(!issues.contains('\u{1b}'), "neither our colours in a pipe, nor a stranger's title: {issues:?}");

    let some = run(&["issues", "--state", "queued,escalated", "--repo", "ACME/web"], &[("CONDUCTOR_URL", &url)]).well();
    assert_eq!(some.lines().count(), 3, "{some}");
    let held = run(&["--url", &url, "issues", "--agent", "dev-e-node", "--priority", "high", "--json"], &[]).well();
    let held: Value = serde_json::from_str(&held).unwrap();
    assert_eq!((held.as_array().unwrap().len(), &held[0]["streamId"]), (1, &json!("acme/web#4")));
    assert!(run(&["issues", "--url", &url, "--state", "done"], &[]).well().starts_with("No issue matches."));

    let queue = run(&["queue", "--url", &url], &[]).well();
    assert!(row(&queue, "1")[1..].contains(&"acme/web#4"), "blocked by: {queue}");
    let agents = run(&["agents", "--url", &url], &[]).well();
    assert!(row(&agents, "dev-e-node").contains(&"acme/web#4 (not started)"), "{agents}");
    let agents: Value = serde_json::from_str(&run(&["agents", "--url", &url, "--json"], &[]).well()).unwrap();
    assert_eq!(agents.as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn without_an_address_the_daemon_is_asked_where_the_same_settings_let_it_listen() {
    let daemon = with_issues().await;
    let bind = daemon.url().replace("http://", "");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conductor.toml");
    // What else may be wrong with it is the daemon's business.
    std::fs::write(&file, format!("bind = \"{bind}\"\nunknown_agents = 7\n")).unwrap();
    let of_environment = run(&["issues", "--state", "escalated"], &[("CONDUCTOR_BIND", &bind)]).well();
    let of_file = run(&["issues", "--state", "escalated", "--config", file.to_str().unwrap()], &[]).well();
    assert_eq!((row(&of_environment, "acme/web#11")[1], of_file), ("escalated", of_environment.clone()));
    let elsewhere = [("CONDUCTOR_BIND", "127.0.0.1:1"), ("CONDUCTOR_URL", &daemon.url())];
    assert_eq!(run(&["issues", "--state", "escalated"], &elsewhere).well(), of_environment, "the address goes first");
}

#[tokio::test]
async fn an_issue_is_shown_with_its_timeline_and_an_unknown_one_is_refused() {
    let daemon = with_issues().await;
    let url = daemon.url();
    let issue = run(&["issue", "acme/web#11", "--url", &url], &[]).well();
    assert!(issue.starts_with("acme/web#11  Odd\n"), "{issue}");
    assert_eq!(row(&issue, "2")[2..], ["Escalated", "operator:local", "nobody knows"]);
    let json: Value =
        serde_json::from_str(&run(&["issue", "acme/web#4", "--url", &url, "--json"], &[]).well()).unwrap();
    assert_eq!((&json["state"], json["timeline"].as_array().unwrap().len()), (&json!("assigned"), 2));

    run(&["issue", "acme/web#99", "--url", &url], &[]).badly(1, &["answered 404", "nothing is known of acme/web#99"]);
    run(&["issue", "99", "--url", &url], &[]).badly(2, &["owner/repo#42"]);
}

#[tokio::test]
async fn events_are_read_by_type_position_and_stream() {
    let daemon = with_issues().await;
    let url = daemon.url();
    let events = |arguments: &[&str]| run(&[&["events", "--url", &url], arguments].concat(), &[]);
    let kinds = |text: &str| -> Vec<String> {
        let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned();
        text.lines().map(event).collect()
    };

    let all = events(&[]).well();
    assert_eq!(all.lines().count(), 5, "{all}");
    assert!(all.lines().nth(3).unwrap().trim_start().starts_with("4  "), "{all}");
    assert_eq!(kinds(&events(&["--json", "--after", "3"]).well()), ["Escalated", "IssueAssigned"]);
    let some = events(&["--json", "--type", "ESCALATED,IssueAssigned"]).well();
    assert_eq!(kinds(&some), ["Escalated", "IssueAssigned"]);
    assert_eq!(kinds(&events(&["--json", "--stream", "acme/web#4"]).well()), ["IssueApproved", "IssueAssigned"]);
    let one = events(&["--stream", "acme/web#4", "--type", "ISSUE_ASSIGNED"]).well();
    assert!(one.lines().count() == 1 && one.contains("acme/web#4"), "{one}");
    assert_eq!(events(&["--after", "5"]).well(), "No event matches.\n");
    events(&["--type", "ISSUE_EATEN"]).badly(1, &["Unknown event type: ISSUE_EATEN"]);
    events(&["--type", "ISSUE_EATEN", "--stream", "acme/web#4"]).badly(2, &["ISSUE_EATEN"]);
}

#[tokio::test]
async fn the_log_is_followed_over_a_restart_of_the_daemon_without_gap_or_repeat() {
    let bind = format!("127.0.0.1:{}", free_port());
    let mut daemon = DaemonCommand::serve(PROGRAM).env("CONDUCTOR_BIND", bind.as_str()).start().await;
    let url = daemon.url();
    let approve = async |number: u64| {
        let body = json!({"type": "ISSUE_APPROVED", "repo": "acme/web", "issueNumber": number, "title": "x"});
        let answer = reqwest::Client::new().post(format!("{url}/api/events")).json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    };
    approve(1).await;
    let mut follower = tokio::process::Command::new(PROGRAM)
        .args(["events", "--follow", "--after", "0", "--json", "--url", &url])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut out = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut err = BufReader::new(follower.stderr.take().unwrap()).lines();
    let mut position = async || {
        let line = tokio::time::timeout(PATIENCE, out.next_line()).await.expect("an event comes").unwrap().unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["position"].as_u64().unwrap()
    };
    assert_eq!(position().await, 1);
    approve(2).await;
    assert_eq!(position().await, 2);

    assert!(daemon.sigterm(PATIENCE).await.success(), "a reader of the live feed holds up no end");
    assert!(err.next_line().await.unwrap().unwrap().starts_with(&format!("conductor-e lost {url}")));
    daemon.restart().await;
    approve(3).await;
    assert_eq!(position().await, 3);
    daemon.kill9();
    daemon.restart().await;
    approve(4).await;
    assert_eq!(position().await, 4);

    run(&["events", "--follow", "--type", "ISSUE_EATEN", "--url", &url], &[]).badly(1, &["Unknown event type"]);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    run(&["events", "--follow", "--url", &nobody], &[]).badly(1, &["conductor-e serve"]);
}

#[tokio::test]
async fn what_somebody_wonders_about_is_explained() {
    let daemon = with_issues().await;
    let url = daemon.url();
    let explain = |id: &str| run(&["explain", id, "--url", &url], &[]);
    let held = explain("acme/web#4").well();
    assert!(held.starts_with("acme/web#4  assigned for "), "{held}");
    assert!(
        held.contains("issue assigned, by operator:local") && held.contains("override release acme/web#4"),
        "{held}"
    );
    let blocked = explain("acme/web#9").well();
    assert!(blocked.contains("acme/web#4 must be done first, and is assigned (dependency_open;"), "{blocked}");
    assert!(row(&blocked, "dev-e-node").contains(&"it holds 1 of 1 leases"), "{blocked}");
    assert!(explain("acme/web#11").well().contains("it is before a person: nobody knows"));
    let agent = explain("dev-e-node").well();
    assert!(agent.contains("holds acme/web#4 (1 of 1)") && agent.contains("the issue waits for acme/web#4"), "{agent}");
    assert!(explain("rig").well().starts_with("rig  running"));
    let json: Value =
        serde_json::from_str(&run(&["explain", "acme/web#9", "--json", "--url", &url], &[]).well()).unwrap();
    assert_eq!(json["waitsFor"][0]["rule"], "dependency_open");
    explain("acme/web#99").badly(1, &["answered 404", "nothing is known of acme/web#99"]);
}

#[tokio::test]
async fn an_override_is_done_once_and_refused_with_the_reason() {
    let daemon = with_issues().await;
    let url = daemon.url();
    let overrule =
        |arguments: &[&str]| run(&[&["override", "--url", &url, "--reason", "why not"], arguments].concat(), &[]);
    let done = overrule(&["release", "acme/web#4"]).well();
    assert_eq!(done, "release acme/web#4: done, and on record as version 3 of acme/web#4, position 6.\n");
    assert!(overrule(&["release", "acme/web#4"]).well().contains("nothing was recorded"));
    overrule(&["pause", "rig"]).well();
    assert!(run(&["queue", "--url", &url], &[]).well().contains("pause of the rig"));
    overrule(&["assign", "acme/web#4", "--agent", "dev-e-node"]).badly(1, &["assign acme/web#4", "422", "paused"]);
    let json = overrule(&["assign", "acme/web#4", "--agent", "dev-e-node", "--force", "--json"]).well();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["type"], "OPERATOR_OVERRIDE");
    overrule(&["cancel", "acme/web#99"]).badly(1, &["answered 404"]);
    overrule(&["release", "acme/web#11"]).badly(1, &["acme/web#11 is escalated"]);

    overrule(&["merge", "acme/web#4"]).badly(2, &["close-zombie"]);
    overrule(&["assign", "acme/web#4"]).badly(2, &["--agent"]);
    overrule(&["pause", "dev-e-node"]).badly(2, &["agent:<id>"]);
    run(&["override", "pause", "rig", "--url", &url], &[]).badly(2, &["--reason"]);
    run(&["override", "pause", "rig", "--url", &url, "--reason", " "], &[]).badly(2, &["must say why"]);
}

#[tokio::test]
async fn nobody_there_and_somebody_else_there_say_what_to_do() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    run(&["issues"], &[("CONDUCTOR_URL", &nobody)])
        .badly(1, &[&format!("reach a daemon at {nobody}"), "conductor-e serve", "CONDUCTOR_URL"]);
    run(&["queue", "--url", "127.0.0.1:8080"], &[]).badly(2, &["http://127.0.0.1:8080"]);
    run(&["queue", "--token", ""], &[]).badly(2, &["--token", "empty"]);

    let daemon = DaemonCommand::serve(PROGRAM).start().await;
    let elsewhere = format!("{}/elsewhere", daemon.url());
    run(&["agents", "--url", &elsewhere], &[]).badly(1, &["answered 404", "/elsewhere/api/agents"]);
    assert!(run(&["issues", "--url", &daemon.url()], &[]).well().starts_with("No issues yet:"));
    assert!(run(&["queue", "--url", &daemon.url()], &[]).well().starts_with("Nothing waits"));
    assert!(run(&["events", "--url", &daemon.url()], &[]).well().starts_with("No events yet"));
}

/// Somebody who gives each of these answers to one caller, and then what the callers had asked.
fn somebody(answers: &[&str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let answer_all = move || {
        let answer_one = |answer: String| {
            let (mut caller, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut piece = [0; 1_024];
                let read = caller.read(&mut piece).unwrap();
                assert_ne!(read, 0, "the caller left in the middle of its request");
                asked.extend_from_slice(&piece[..read]);
            }
            caller.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        };
        answers.into_iter().map(answer_one).collect()
    };
    (url, std::thread::spawn(answer_all))
}

#[test]
fn a_token_is_shown_and_one_that_is_missing_or_void_is_asked_for() {
    const VOID: &str =
        "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n{\"error\":\"this token is void\",\"code\":\"x\"}";
    let (url, asked) = somebody(&[VOID, VOID]);
    let hint = ["answered 401: this token is void", "CONDUCTOR_TOKEN"];
    run(&["issues", "--url", &url], &[]).badly(1, &hint);
    run(&["issues", "--url", &url], &[("CONDUCTOR_TOKEN", "s3cret")]).badly(1, &hint);
    let asked = asked.join().unwrap();
    assert!(!asked[0].contains("authorization") && asked[1].contains("authorization: Bearer s3cret\r\n"), "{asked:?}");
}

#[test]
fn an_answer_that_is_no_daemons_or_ends_early_is_a_failure_and_not_an_empty_list() {
    let (url, asked) = somebody(&[
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>hello</html>",
        "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n<html>sorry</html>",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\n[",
    ]);
    let foreign = ["understand", "does a Conductor-E of this version or later listen there?"];
    run(&["issues", "--url", &url], &[]).badly(1, &foreign);
    run(&["queue", "--url", &url], &[]).badly(1, &foreign);
    run(&["agents", "--url", &url], &[]).badly(1, &["to its end", "ask again"]);
    asked.join().unwrap();
}

#[test]
fn settings_are_shown_as_they_hold_and_bad_ones_refused() {
    let variables = [("CONDUCTOR_BIND", "127.0.0.1:7"), ("GITHUB_WEBHOOK_SECRET", "hunter2")];
    let shown = run(&["config", "show"], &variables).well();
    assert!(
        shown.contains("bind = \"127.0.0.1:7\"") && shown.contains("GITHUB_WEBHOOK_SECRET: set, hidden"),
        "{shown}"
    );
    let json: Value = serde_json::from_str(&run(&["config", "show", "--json"], &variables).well()).unwrap();
    assert_eq!(json["settings"]["agents"].as_array().unwrap().len(), 6);
    assert!(!format!("{shown}{json}").contains("hunter2"));
    let open = [("CONDUCTOR_BIND", "0.0.0.0:80"), ("CONDUCTOR_IDENTITY", "open")];
    run(&["config", "show"], &open).badly(78, &["CONDUCTOR_IDENTITY"]);
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell], &[]).well();
        assert!(script.contains("conductor-e") && script.contains("queue"), "{shell}");
    }
    run(&["completions", "tcsh"], &[]).badly(2, &["bash"]);
}
