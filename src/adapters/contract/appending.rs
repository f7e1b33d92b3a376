//! One caller's appends, and what reading gives back of them.

use conductor_core::event::Priority;
use conductor_core::port::{AppendError, StoreFailure};

use super::Subject;
use super::story::{Pen, approved, approved_as, assigned, at, issue_id, prioritised, started};

/// Every field of a recorded event.
pub async fn appended_events_read_back_as_they_were(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    let append = pen.draft(vec![approved()]);
    let sent = append.events[0].clone();
    let receipt = pen.send(append).await.unwrap();
    assert_eq!((receipt.first_version, receipt.last_version), (1, 1));
    assert_eq!(receipt.time, at(0));

    let read = subject.store.read_stream(&pen.stream, 0, 10).await.unwrap();
    assert_eq!(read.len(), 1);
    let event = &read[0];
    assert_eq!((event.id, &event.event, &event.metadata), (sent.id, &sent.event, &sent.metadata));
    assert_eq!((event.version, event.position, event.time), (1, receipt.first_position, at(0)));
    assert_eq!(event.stream, pen.stream);
}

/// 1, 2, 3 … over many appends.
pub async fn versions_have_no_holes(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    for version in 2..=9 {
        let receipt = pen.write(vec![prioritised(Priority::High)]).await;
        assert_eq!((receipt.first_version, receipt.last_version), (version, version));
    }
    let read = subject.store.read_stream(&pen.stream, 0, 100).await.unwrap();
    assert_eq!(read.iter().map(|event| event.version).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
}

/// Neither events, nor row, nor position.
pub async fn a_stale_append_learns_the_version_and_leaves_no_trace(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let stale = pen.draft(vec![approved_as(Priority::Critical, "too late")]);
    pen.write(vec![prioritised(Priority::High)]).await;
    pen.write(vec![prioritised(Priority::Normal)]).await;
    let (head, row) = (subject.store.head().await.unwrap(), subject.store.row(&pen.stream).await.unwrap());

    assert_eq!(subject.store.append(stale).await, Err(AppendError::Conflict { actual: 3 }));
    let ahead = Pen { version: 9, ..pen.clone() }.draft(vec![prioritised(Priority::High)]);
    assert_eq!(subject.store.append(ahead).await, Err(AppendError::Conflict { actual: 3 }));
    let on_nothing = Pen { version: 2, ..Pen::issue(&subject.store, "acme/web#8") }.draft(vec![approved()]);
    assert_eq!(subject.store.append(on_nothing).await, Err(AppendError::Conflict { actual: 0 }));

    assert_eq!(subject.store.head().await.unwrap(), head);
    assert_eq!(subject.store.row(&pen.stream).await.unwrap(), row);
    assert_eq!(subject.store.read_stream(&pen.stream, 0, 100).await.unwrap().len(), 3);
    assert_eq!(subject.store.row(&issue_id("acme/web#8")).await.unwrap(), None);
}

/// One receipt, neighbouring versions and positions.
pub async fn several_events_of_one_append_stand_together(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    let receipt = pen.write(vec![assigned("dev-e-node"), started("dev-e-node")]).await;
    assert_eq!((receipt.first_version, receipt.last_version), (2, 3));
    assert!(receipt.first_position < receipt.last_position);
    let read = subject.store.read_stream(&pen.stream, 1, 10).await.unwrap();
    let places: Vec<_> = read.iter().map(|event| (event.version, event.position, event.event.type_name())).collect();
    let expected = [(2, receipt.first_position, "ISSUE_ASSIGNED"), (3, receipt.last_position, "WORK_STARTED")];
    assert_eq!(places, expected);
}

/// GitHub's names compare without case.
pub async fn a_stream_is_one_in_any_casing_and_keeps_its_first_spelling(subject: Subject) {
    let first = Pen::approved_issue(&subject.store, "Acme/Web#7").await;
    let mut second = Pen { stream: issue_id("aCME/wEB#7"), ..first };
    let receipt = second.write(vec![prioritised(Priority::High)]).await;
    assert_eq!(receipt.last_version, 2);
    for spelling in ["Acme/Web#7", "acme/web#7"] {
        let stream = issue_id(spelling);
        let read = subject.store.read_stream(&stream, 0, 10).await.unwrap();
        let spelled: Vec<String> = read.iter().map(|event| event.stream.to_string()).collect();
        assert_eq!(spelled, ["Acme/Web#7", "Acme/Web#7"]);
        let row = subject.store.row(&stream).await.unwrap().unwrap();
        assert_eq!((row.stream.to_string().as_str(), row.version), ("Acme/Web#7", 2));
        assert_eq!(subject.store.load(&stream).await.unwrap().map(|(version, _)| version), Some(2));
    }
}

/// It would be a version without a fact.
pub async fn an_append_without_events_is_refused(subject: Subject) {
    let pen = Pen::issue(&subject.store, "acme/web#7");
    let refused = subject.store.append(pen.draft(Vec::new())).await;
    assert!(matches!(refused, Err(AppendError::Store(StoreFailure::Corrupt(_)))), "{refused:?}");
    assert_eq!(subject.store.row(&pen.stream).await.unwrap(), None);
}

/// And nothing for a stream without events.
pub async fn load_gives_the_state_at_its_version(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    pen.write(vec![assigned("dev-e-node")]).await;
    assert_eq!(subject.store.load(&pen.stream).await.unwrap(), Some((2, pen.state)));
    assert_eq!(subject.store.load(&issue_id("acme/web#8")).await.unwrap(), None);
}

/// An unknown stream has no events.
pub async fn reading_begins_after_a_version_and_stops_at_the_limit(subject: Subject) {
    let mut pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    for _ in 0..5 {
        pen.write(vec![prioritised(Priority::High)]).await;
    }
    let read = subject.store.read_stream(&pen.stream, 2, 3).await.unwrap();
    assert_eq!(read.iter().map(|event| event.version).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(subject.store.read_stream(&pen.stream, 6, 3).await.unwrap(), []);
    assert_eq!(subject.store.read_stream(&issue_id("acme/web#8"), 0, 3).await.unwrap(), []);
}

/// What was appended before stays where it is.
pub async fn a_closed_store_is_unavailable(subject: Subject) {
    let pen = Pen::approved_issue(&subject.store, "acme/web#7").await;
    subject.store.ping().await.unwrap();
    subject.store.close().await;
    let unavailable = |failure: &StoreFailure| matches!(failure, StoreFailure::Unavailable(_));
    assert!(subject.store.ping().await.is_err_and(|failure| unavailable(&failure)));
    assert!(subject.store.head().await.is_err_and(|failure| unavailable(&failure)));
    assert!(subject.store.wait_past(99).await.is_err_and(|failure| unavailable(&failure)));
    let refused = subject.store.append(pen.draft(vec![prioritised(Priority::High)])).await.unwrap_err();
    assert!(matches!(refused, AppendError::Store(StoreFailure::Unavailable(_))), "{refused:?}");
}

/// For health and for people.
pub async fn a_store_tells_what_and_where_it_is(subject: Subject) {
    assert!(["postgres", "sqlite", "memory"].contains(&subject.store.name()));
    assert_ne!(subject.store.location(), "");
    subject.store.ping().await.unwrap();
}
