//! Agents' lines: a sign that whoever writes them is there, and told as they come.

use conductor_test_support::wait_for;
use serde_json::{Value, json};

use crate::rig::{LiveReader, PATIENCE, REPO, Rig};

fn lines(agent: &str, messages: &[&str], about: Option<u64>) -> Value {
    let line = |message: &&str| json!({"ts": "now", "level": "info", "message": message, "repo": about.map(|_| REPO), "issueNumber": about});
    json!({"agentId": agent, "entries": messages.iter().map(line).collect::<Vec<_>>()})
}

async fn write(rig: &Rig, agent: &str, messages: &[&str], about: Option<u64>) {
    rig.post_to("/api/agent-logs", &lines(agent, messages, about)).await.expect(200);
}

/// Old runtimes say nothing else while they work. Lines about the work keep its lease, also of one that never said that it
/// began; lines about nothing, like heartbeats, keep only what was begun.
async fn who_writes_lines_about_its_work_keeps_it(rig: &mut Rig) {
    for (number, agent) in [(1, "dev-e-node"), (2, "dev-e-python")] {
        rig.approve(number, json!({})).await;
        rig.claims(agent, number).await;
    }
    wait_for("the other one to lose its work", PATIENCE, || async {
        write(rig, "dev-e-node/pod", &["building"], Some(1)).await;
        write(rig, "dev-e-python", &["idle"], None).await;
        (rig.row(2).await["state"] == "queued").then_some(())
    })
    .await;
    let ended = rig.stream(2).await.pop().unwrap();
    assert_eq!((&ended["type"], &ended["data"]["reason"]), (&json!("LeaseExpired"), &json!("not_started")));
    assert_eq!(rig.row(1).await["agentId"], "dev-e-node");
}

async fn lines_are_told_as_they_come(rig: &mut Rig) {
    write(rig, "dev-e-node", &["before"], None).await;
    let (mut all, mut one) =
        (LiveReader::of("/api/agent-logs/live"), LiveReader::of("/api/agent-logs/live?agentId=review-e"));
    for reader in [&mut all, &mut one] {
        assert!(reader.connect(&rig.daemon.url()).await);
    }
    write(rig, "dev-e-node/pod", &["one", "two"], Some(1)).await;
    write(rig, "review-e", &["three"], None).await;
    all.events(3).await;
    one.events(1).await;
    let messages: Vec<&Value> = all.seen.iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["one", "two", "three"]);
    assert_eq!(one.seen, all.seen[2..]);
    let kept = rig.read("/api/agent-logs?agentId=review-e").await;
    assert_eq!(kept[0], one.seen[0], "in the words of the list");
    drop(all);
    rig.daemon.kill9();
    rig.daemon.restart().await;
    write(rig, "review-e", &["four"], None).await;
    assert!(one.connect(&rig.daemon.url()).await);
    one.events(1).await;
    assert_eq!(one.seen[1]["message"], "four", "what came while it was away");
}

on_both_stores! {
    alone { lines_are_told_as_they_come }
    with_short_leases { who_writes_lines_about_its_work_keeps_it }
}
