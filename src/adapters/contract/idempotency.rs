//! Commands that are repeated with their key.

use std::sync::Arc;

use conductor_core::event::Priority;
use conductor_core::port::{Answer, AppendError};

use super::Subject;
use super::story::{Pen, approved, at, issue_id, keyed, prioritised};

const SCOPE: &str = "agent:dev-e-node POST /api/events";

/// The first answer again.
pub async fn a_repeated_key_gets_the_first_receipt_and_no_second_event(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "Acme/Web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(keyed(SCOPE, "k-1", "digest"));
    let receipt = pen.send(append).await.unwrap();

    let mut again = pen.draft(vec![prioritised(Priority::High)]);
    again.key = Some(keyed(SCOPE, "k-1", "digest"));
    assert_eq!(subject.store.append(again).await, Err(AppendError::Duplicate(receipt.clone())));
    assert_eq!(subject.store.read_stream(&pen.stream, 0, 10).await.unwrap().len(), 1);
    let kept = subject.store.answered(SCOPE, "k-1").await.unwrap();
    assert_eq!(kept, Some((keyed(SCOPE, "k-1", "digest"), Answer::Appended { stream: pen.stream, receipt })));
}

/// A repeat is decided on a newer state, or on an older one; neither matters.
pub async fn a_repeated_key_is_recognised_before_the_version_is_looked_at(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(keyed(SCOPE, "k-1", "digest"));
    let receipt = pen.send(append.clone()).await.unwrap();
    pen.write(vec![prioritised(Priority::High)]).await;
    assert_eq!(subject.store.append(append).await, Err(AppendError::Duplicate(receipt)));
}

/// The same key, another request.
pub async fn a_key_of_another_request_is_refused(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(keyed(SCOPE, "k-1", "digest"));
    pen.send(append).await.unwrap();
    let mut other = pen.draft(vec![prioritised(Priority::High)]);
    other.key = Some(keyed(SCOPE, "k-1", "another digest"));
    assert_eq!(subject.store.append(other).await, Err(AppendError::KeyReused));
    assert_eq!(subject.store.load(&pen.stream).await.unwrap().unwrap().0, 1);
}

/// Callers choose their keys without knowing of each other.
pub async fn the_same_key_in_another_scope_is_another_key(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(keyed(SCOPE, "k-1", "digest"));
    pen.send(append).await.unwrap();
    let mut other = pen.draft(vec![prioritised(Priority::High)]);
    other.key = Some(keyed("agent:ibuild-e POST /api/events", "k-1", "digest"));
    assert_eq!(pen.send(other).await.unwrap().last_version, 2);
    assert_eq!(subject.store.answered(SCOPE, "k-2").await.unwrap(), None);
}

/// Whoever lost a race may repeat it with the key.
pub async fn a_refused_append_keeps_no_key(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let mut stale = Pen { version: 0, ..pen.clone() }.draft(vec![prioritised(Priority::High)]);
    stale.key = Some(keyed(SCOPE, "k-1", "digest"));
    assert_eq!(subject.store.append(stale).await, Err(AppendError::Conflict { actual: 1 }));
    assert_eq!(subject.store.answered(SCOPE, "k-1").await.unwrap(), None);
    let mut again = pen.draft(vec![prioritised(Priority::High)]);
    again.key = Some(keyed(SCOPE, "k-1", "digest"));
    assert_eq!(pen.send(again).await.unwrap().last_version, 2);
}

/// The first answer of that key was a refusal; an effect now would contradict it.
pub async fn an_answer_that_was_kept_literally_bars_an_append(subject: Subject) {
    let key = keyed(SCOPE, "k-1", "digest");
    subject.store.remember(&key, 409, r#"{"error":"stale"}"#, at(0)).await.unwrap();
    let pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(key);
    assert_eq!(subject.store.append(append).await, Err(AppendError::KeyReused));
    assert_eq!(subject.store.row(&pen.stream).await.unwrap(), None);
}

/// Eight at once, on eight streams: one event, and the same receipt for all.
pub async fn racing_repeats_have_one_effect(subject: Subject) {
    let mut racing = tokio::task::JoinSet::new();
    for number in 1..=8 {
        let store = Arc::clone(&subject.store);
        racing.spawn(async move {
            let mut append = Pen::issue(&store, &format!("acme/web#{number}")).draft(vec![approved()]);
            append.key = Some(keyed(SCOPE, "k-1", "digest"));
            store.append(append).await
        });
    }
    let (mut first, mut repeats) = (None, Vec::new());
    while let Some(answer) = racing.join_next().await {
        match answer.unwrap() {
            Ok(receipt) => assert_eq!(first.replace(receipt), None, "two appends under one key"),
            Err(AppendError::Duplicate(receipt)) => repeats.push(receipt),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(repeats, vec![first.unwrap(); 7]);
    assert_eq!(subject.store.read_log(0, 100, &Default::default()).await.unwrap().len(), 1);
}

/// Whether an append or somebody else kept it.
pub async fn the_first_answer_stays(subject: Subject) {
    let literal = keyed(SCOPE, "k-1", "digest");
    subject.store.remember(&literal, 422, r#"{"code":"rule"}"#, at(0)).await.unwrap();
    subject.store.remember(&literal, 200, "{}", at(1)).await.unwrap();
    let kept = subject.store.answered(SCOPE, "k-1").await.unwrap();
    let body = r#"{"code":"rule"}"#.to_owned();
    assert_eq!(kept, Some((literal, Answer::Literal { status: 422, body })));

    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let mut append = pen.draft(vec![approved()]);
    append.key = Some(keyed(SCOPE, "k-2", "digest"));
    let receipt = pen.send(append).await.unwrap();
    subject.store.remember(&keyed(SCOPE, "k-2", "digest"), 409, "{}", at(1)).await.unwrap();
    let (_, answer) = subject.store.answered(SCOPE, "k-2").await.unwrap().unwrap();
    assert_eq!(answer, Answer::Appended { stream: issue_id("acme/web#7"), receipt });
}
