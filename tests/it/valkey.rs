//! Agents that are told by way of Redis or Valkey: entries in their streams, signals for whoever scales them.

use std::collections::{BTreeMap, BTreeSet};

use conductor_test_support::{Reply, ValkeyServer, wait_for};
use serde_json::{Value, json};

use crate::rig::{PATIENCE, REPO, Rig, Setup, about, created, head};

/// A rig beside a broker of its own, which it has reached.
async fn beside(server: &ValkeyServer) -> Rig {
    start(Setup::sqlite(), server).await
}

async fn start(setup: Setup, server: &ValkeyServer) -> Rig {
    let rig = setup.env("VALKEY_URL", server.url()).start().await;
    rig.eventually("/healthz/deep", "the broker to be reached", |deep| deep["overall"] == "Ok").await;
    rig
}

/// Hands an issue out, as a coordinator does – or the daemon has, to the same agent; gives the event's id.
pub(crate) async fn push(rig: &Rig, number: u64, agent: &str) -> String {
    let answer = rig.report(&about("ISSUE_ASSIGNED", number, json!({"agentId": agent}))).await;
    let stream = rig.stream(number).await;
    let assigned = stream.iter().find(|event| event["position"] == answer["position"]).unwrap();
    assigned["id"].as_str().unwrap().to_owned()
}

/// The oldest unread entry, as the runtime's blocked read gives it.
async fn read(server: &ValkeyServer, agent: &str) -> (String, BTreeMap<String, String>) {
    wait_for("an entry", PATIENCE, || async {
        let stream = format!("assignments:{agent}");
        let next = ["XREADGROUP", "GROUP", "agents", "pod-1", "COUNT", "1", "STREAMS", &stream, ">"];
        match server.ask(&next).await {
            Reply::Nil | Reply::Error(_) => None,
            read @ (Reply::Text(_) | Reply::Number(_) | Reply::List(_)) => {
                let texts = read.texts();
                let fields = texts[2..].chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
                Some((texts[1].clone(), fields))
            }
        }
    })
    .await
}

pub(crate) async fn count(server: &ValkeyServer, command: &str, key: &str) -> i64 {
    let Reply::Number(number) = server.ask(&[command, key]).await else { panic!("{command} {key}") };
    number
}

/// Waits until so many entries and signals of that agent are there.
async fn holds(server: &ValkeyServer, agent: &str, entries: i64, signals: i64) {
    wait_for(&format!("{entries} entries and {signals} signals of {agent}"), PATIENCE, || async {
        let found = (
            count(server, "XLEN", &format!("assignments:{agent}")).await,
            count(server, "LLEN", &format!("signal:{agent}")).await,
        );
        (found == (entries, signals)).then_some(())
    })
    .await;
}

/// From the push to the merge, by what the entry says alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_works_by_what_its_entry_says() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server).await;
    rig.approve(1, json!({"body": "It is broken.", "priority": "high", "stack": "node", "testCommand": "npm test", "tools": ["jq", "rg"]}))
        .await;
    let event = push(&rig, 1, "dev-e-node").await;
    let (id, entry) = read(&server, "dev-e-node").await;
    for (name, value) in [
        ("repo", REPO),
        ("issueNumber", "1"),
        ("title", "Issue 1"),
        ("priority", "high"),
        ("body", "It is broken."),
        ("stack", "node"),
        ("testCommand", "npm test"),
        ("buildCommand", ""),
        ("tools", "jq,rg"),
        ("kind", "work"),
        ("prNumber", ""),
        ("attempt", "1"),
        ("branchHint", "agent/issue-1-1"),
        ("eventId", &event),
    ] {
        assert_eq!(entry[name], value, "{name} of {entry:?}");
    }
    assert_eq!(server.ask(&["LPOP", "signal:dev-e-node"]).await, Reply::Text(event));
    server.ask(&["SET", &format!("session:{REPO}#1"), "{}"]).await;
    server.ask(&["SET", &format!("session:{REPO}#57"), "{}"]).await;

    let held = rig.next("dev-e-node").await.unwrap();
    assert_eq!(held["lease"]["token"], Value::String(entry["leaseToken"].clone()), "push and pull hand out one lease");
    let by_token = json!({"agentId": "dev-e-node/pod-1", "leaseToken": entry["leaseToken"]});
    rig.report(&about("WORK_STARTED", 1, by_token)).await;
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1)))).await;
    rig.reaches(1, "in_review").await;
    rig.pull_is_known(57, 1).await;
    server.ask(&["XACK", "assignments:dev-e-node", "agents", &id]).await;
    rig.report(&json!({"type": "MERGED", "repo": REPO, "issueNumber": 57})).await;
    rig.reaches(1, "done").await;
    for number in [1, 57] {
        let session = format!("session:{REPO}#{number}");
        wait_for("the session to be forgotten", PATIENCE, || async {
            (count(&server, "EXISTS", &session).await == 0).then_some(())
        })
        .await;
    }
    rig.close().await;
}

/// Whoever asks has its answer: an entry would have it do the work twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pulls_gets_no_entry() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server).await;
    // Nobody in the roster serves this stack; an agent that isn't there serves any.
    rig.approve(1, json!({"stack": "cobol"})).await;
    rig.approve(2, json!({"stack": "python"})).await;
    rig.claims("agent-x", 1).await;
    push(&rig, 2, "dev-e-python").await;
    holds(&server, "dev-e-python", 1, 1).await;
    assert_eq!(count(&server, "XLEN", "assignments:agent-x").await, 0);
    rig.close().await;
}

/// The next agent's entry is there, the first one's isn't, and neither is its signal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_nobody_read_goes_with_its_lease_and_one_that_was_read_stays() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server).await;
    for (number, stack) in [(1, "node"), (2, "python")] {
        let agent = &format!("dev-e-{stack}");
        rig.approve(number, json!({"stack": stack})).await;
        push(&rig, number, agent).await;
        holds(&server, agent, 1, 1).await;
    }
    read(&server, "dev-e-python").await;
    for (number, to) in [(1, "agent-x"), (2, "agent-y")] {
        let target = format!("{REPO}#{number}");
        rig.overrule(&json!({"kind": "assign", "target": target, "agentId": to, "reason": "knows it"}))
            .await
            .expect(200);
        holds(&server, to, 1, 1).await;
    }
    holds(&server, "dev-e-node", 0, 0).await;
    assert_eq!(count(&server, "XLEN", "assignments:dev-e-python").await, 1, "its reader may still be at it");
    rig.close().await;
}

/// Scalers ask for every agent's group, also before there was any work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_agent_of_the_roster_has_its_group_from_the_start() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server).await;
    for agent in ["dev-e-node", "ibuild-e", "review-e", "review-e-codex"] {
        wait_for(&format!("the group of {agent}"), PATIENCE, || async {
            let pending = server.ask(&["XPENDING", &format!("assignments:{agent}"), "agents"]).await;
            matches!(pending, Reply::List(_)).then_some(())
        })
        .await;
    }
    rig.close().await;
}

/// `signal:*` was deleted at pick-up elsewhere, and other wakes were lost with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn museum_one_push_and_one_pop_per_entry() {
    let server = ValkeyServer::start().await;
    let busy = Setup::sqlite().config("[[agents]]\nid = \"busy-e\"\nrole = \"developer\"\ncapacity = 3\n");
    let rig = start(busy, &server).await;
    let mut events = BTreeSet::new();
    for number in 1..=3 {
        rig.approve(number, json!({})).await;
        events.insert(push(&rig, number, "busy-e").await);
    }
    holds(&server, "busy-e", 3, 3).await;
    // Different issues are told side by side, so in any order.
    let signals = server.ask(&["LRANGE", "signal:busy-e", "0", "-1"]).await.texts();
    assert_eq!(signals.iter().cloned().collect::<BTreeSet<_>>(), events);
    for (taken, event) in signals.iter().enumerate() {
        let (_, entry) = read(&server, "busy-e").await;
        assert_eq!(&entry["eventId"], event, "entries and signals are in one order");
        assert_eq!(server.ask(&["LPOP", "signal:busy-e"]).await, Reply::Text(event.clone()));
        let left = server.ask(&["LRANGE", "signal:busy-e", "0", "-1"]).await.texts();
        assert_eq!(left, signals[taken + 1..], "nobody else's wake is lost");
    }
    // An agent of three leases is beyond what the audit takes for the built-in rig.
    rig.everybody_is_well().await;
}

/// Consoles hear agents' lines on a channel of each agent, as the API lists them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_are_published_on_their_agents_channel() {
    let server = ValkeyServer::start().await;
    let rig = beside(&server).await;
    let mut channel = server.subscribe("logs:dev-e-node").await;
    let entry =
        |message: &str| json!({"ts": "now", "level": "info", "message": message, "repo": REPO, "issueNumber": 4});
    for agent in ["review-e", "dev-e-node/pod"] {
        let lines = json!({"agentId": agent, "entries": [entry("one"), entry("two")]});
        rig.post_to("/api/agent-logs", &lines).await.expect(200);
    }
    let kept = rig.read("/api/agent-logs?agentId=dev-e-node").await;
    for nth in [1, 0] {
        let told: Value = serde_json::from_str(&channel.message().await).unwrap();
        assert_eq!(told, kept[nth]);
    }
    rig.close().await;
}

/// What can't be brought to an agent's stream is not the agent's for ever: the lease ends, and the work is handed out again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_cant_be_delivered_is_queued_again() {
    let server = ValkeyServer::start().await;
    server.ask(&["SET", "assignments:dev-e-node", "somebody else's"]).await;
    let rig = start(Setup::postgres("undelivered").await, &server).await;
    rig.approve(1, json!({"stack": "node"})).await;
    rig.reaches(1, "assigned").await;
    rig.sql("UPDATE outbox SET attempts = 14 WHERE destination = 'valkey'").await;
    let letters = rig.eventually("/api/dead-letters", "a dead letter", |letters| letters[0].is_object()).await;
    assert_eq!(letters[0]["lane"], "valkey", "{letters}");
    let stream = rig.stream(1).await;
    let ended = stream.iter().find(|event| event["type"] == "LeaseExpired").unwrap();
    assert_eq!((&ended["data"]["reason"], &ended["data"]["epoch"]), (&json!("undelivered"), &json!(1)));
    // The next one waits for its next try; by then somebody has put the key right.
    server.ask(&["DEL", "assignments:dev-e-node"]).await;
    let (_, entry) = read(&server, "dev-e-node").await;
    assert_eq!((entry["issueNumber"].as_str(), entry["attempt"].as_str()), ("1", "1"));
    assert_eq!(rig.row(1).await["strikes"], 0);
    // Tried again by an operator, the first one finds that it no longer holds.
    let retry = format!("/api/dead-letters/{}/retry", letters[0]["id"].as_str().unwrap());
    rig.request(reqwest::Method::POST, &retry).await.expect(200);
    let empty = |deep: &Value| {
        let lanes = deep["lanes"].as_array().unwrap();
        lanes.iter().all(|lane| (&lane["waiting"], &lane["dead"]) == (&json!(0), &json!(0)))
    };
    rig.eventually("/healthz/deep", "nothing to wait any more", empty).await;
    assert_eq!(count(&server, "XLEN", "assignments:dev-e-node").await, 1);
    // The pass that keeps the streams met the foreign key, and says so.
    rig.end().await.holds();
}

/// A reviewer's time begins when the question is in its stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reviewers_deadline_counts_from_its_entry() {
    let server = ValkeyServer::start().await;
    let rig = start(Setup::sqlite().reviewing(), &server).await;
    rig.approve(1, json!({"stack": "node"})).await;
    let (_, entry) = read(&server, "dev-e-node").await;
    server.pause();
    let by_token = json!({"agentId": "dev-e-node", "leaseToken": entry["leaseToken"]});
    rig.report(&about("WORK_STARTED", 1, by_token)).await;
    rig.report(&about("PR_CREATED", 1, created("dev-e-node", 57, &head(57, 1)))).await;
    let row = format!("/api/issues/{REPO}/57");
    let asked = rig.eventually(&row, "somebody to be asked", |row| row["deadline"].is_string()).await;
    let told = rig.read("/api/explain?id=acme/web%2357").await;
    assert!(told.to_string().contains("to whom the question is on its way"), "{told}");
    server.go_on();
    let later = |row: &Value| row["deadline"].as_str() > asked["deadline"].as_str();
    rig.eventually(&row, "its time to begin", later).await;
    assert!(rig.types(57).await.contains(&"ReviewDelivered".to_owned()));
    let (_, entry) = read(&server, "review-e").await;
    assert_eq!((entry["kind"].as_str(), entry["prNumber"].as_str()), ("review", "57"));
    // The lane met an outage, and says so.
    rig.end().await.holds();
}
