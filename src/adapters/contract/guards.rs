//! Conditions that the writer checks in the transaction of the append.

use std::sync::Arc;

use conductor_core::event::Priority;
use conductor_core::port::{AppendError, Guard};

use super::Subject;
use super::story::{Pen, agent_id, assigned, claimant, issue_id, prioritised, started, unassigned};

/// In either direction, and a stream that came into being.
pub async fn a_neighbour_that_moved_on_refuses_the_append(subject: Subject) {
    let neighbour = Pen::approved_issue(&subject.store, "Acme/Web#1").await;
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    for (stream, version) in [("acme/web#1", 0), ("acme/web#1", 2), ("acme/web#3", 1)] {
        let guard = Guard::StreamAt { stream: issue_id(stream), version };
        let mut append = pen.draft(vec![prioritised(Priority::High)]);
        append.guards = vec![guard.clone()];
        assert_eq!(subject.store.append(append).await, Err(AppendError::Guarded { guard, held: None }));
    }
    let mut append = pen.draft(vec![prioritised(Priority::High)]);
    append.guards = vec![
        Guard::StreamAt { stream: neighbour.stream, version: 1 },
        Guard::StreamAt { stream: issue_id("acme/web#3"), version: 0 },
    ];
    assert_eq!(pen.send(append).await.unwrap().last_version, 2);
}

/// Of two reasons the caller gets the one that it can act on.
pub async fn a_version_is_looked_at_before_the_guards(subject: Subject) {
    let pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let mut append = Pen { version: 0, ..pen }.draft(vec![prioritised(Priority::High)]);
    append.guards = vec![Guard::StreamAt { stream: issue_id("acme/web#1"), version: 5 }];
    assert_eq!(subject.store.append(append).await, Err(AppendError::Conflict { actual: 1 }));
}

/// Two instances are two claimants, and one agent.
pub async fn leases_count_over_all_instances_of_an_agent(subject: Subject) {
    let mut first = Pen::approved_issue(&subject.store, "acme/web#1").await;
    first.write(vec![assigned("dev-e-node/one"), started("dev-e-node")]).await;
    let mut second = Pen::approved_issue(&subject.store, "acme/web#2").await;
    second.write(vec![assigned("dev-e-node/two"), started("dev-e-node")]).await;

    let mut third = Pen::approved_issue(&subject.store, "acme/web#3").await;
    let guard = Guard::LeasesBelow { agent: agent_id("dev-e-node"), limit: 2 };
    let refused = third.send(third.claim("dev-e-node/three", 2)).await;
    assert_eq!(refused, Err(AppendError::Guarded { guard, held: None }));
    third.send(third.claim("dev-e-node/three", 3)).await.unwrap();
    let mut fourth = Pen::approved_issue(&subject.store, "acme/web#4").await;
    fourth.send(fourth.claim("dev-e-dotnet", 1)).await.unwrap();
}

/// The row that the guard reads follows the stream.
pub async fn a_lease_given_back_counts_no_more(subject: Subject) {
    let mut first = Pen::approved_issue(&subject.store, "acme/web#1").await;
    first.send(first.claim("dev-e-node", 1)).await.unwrap();
    first.write(vec![unassigned("dev-e-node")]).await;
    let mut second = Pen::approved_issue(&subject.store, "acme/web#2").await;
    second.send(second.claim("dev-e-node", 1)).await.unwrap();
}

/// A repeated claim gets what it holds already; another instance doesn't.
pub async fn whoever_has_not_started_gets_its_stream_back(subject: Subject) {
    let mut first = Pen::approved_issue(&subject.store, "Acme/Web#1").await;
    first.send(first.claim("dev-e-node/one", 9)).await.unwrap();
    let mut second = Pen::approved_issue(&subject.store, "acme/web#2").await;
    let guard = Guard::NothingUnstarted { claimant: claimant("dev-e-node/one") };
    let refused = second.send(second.claim("dev-e-node/one", 9)).await;
    assert_eq!(refused, Err(AppendError::Guarded { guard, held: Some(first.stream.clone()) }));

    second.send(second.claim("dev-e-node/two", 9)).await.unwrap();
    let mut third = Pen::approved_issue(&subject.store, "acme/web#3").await;
    third.send(third.claim("dev-e-node", 9)).await.unwrap();

    first.write(vec![started("dev-e-node")]).await;
    let mut fourth = Pen::approved_issue(&subject.store, "acme/web#4").await;
    fourth.send(fourth.claim("dev-e-node/one", 9)).await.unwrap();
}

/// Eight issues, one agent with room for one.
pub async fn racing_claims_of_one_agent_give_one_lease(subject: Subject) {
    let mut racing = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let pen = Pen::approved_issue(&subject.store, &format!("acme/web#{number}")).await;
        let store = Arc::clone(&subject.store);
        racing.spawn(async move { store.append(pen.claim("dev-e-node", 1)).await });
    }
    let mut won = 0;
    while let Some(answer) = racing.join_next().await {
        match answer.unwrap() {
            Ok(_) => won += 1,
            Err(AppendError::Guarded { guard: Guard::NothingUnstarted { .. }, held: Some(_) }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won, 1);
}

/// Eight agents, one issue.
pub async fn racing_claims_of_one_issue_give_one_lease(subject: Subject) {
    let pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let mut racing = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let (store, append) = (Arc::clone(&subject.store), pen.claim(&format!("dev-{number}"), 1));
        racing.spawn(async move { store.append(append).await });
    }
    let mut won = 0;
    while let Some(answer) = racing.join_next().await {
        match answer.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error, AppendError::Conflict { actual: 2 }),
        }
    }
    assert_eq!(won, 1);
}

/// Neither event, nor row, nor stream.
pub async fn a_guard_that_fails_leaves_no_trace(subject: Subject) {
    let other = Pen::approved_issue(&subject.store, "acme/web#1").await;
    let head = subject.store.head().await.unwrap();
    let pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![super::story::approved()]);
    append.guards = vec![Guard::StreamAt { stream: other.stream, version: 4 }];
    assert!(matches!(subject.store.append(append).await, Err(AppendError::Guarded { .. })));
    assert_eq!(subject.store.head().await.unwrap(), head);
    assert_eq!(subject.store.row(&pen.stream).await.unwrap(), None);
    assert_eq!(subject.store.load(&pen.stream).await.unwrap(), None);
}
