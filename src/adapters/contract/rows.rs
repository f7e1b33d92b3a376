//! Read-model rows, written with the append and found by their columns.

use conductor_core::event::{BranchCreated, Event, IssueEvent, Priority};
use conductor_core::identity::{IssueRef, StreamKind};
use conductor_core::port::{Cursor, RowFilter, StoredRow};

use super::Subject;
use super::story::{
    Pen, agent_id, approved_as, assigned, issue_id, online, opened, prioritised, pull_id, pushed, repo, sha,
};

fn names(rows: &[StoredRow]) -> Vec<String> {
    rows.iter().map(|row| row.stream.to_string()).collect()
}

async fn found(subject: &Subject, filter: &RowFilter, after: Option<&Cursor>, limit: usize) -> Vec<StoredRow> {
    subject.store.rows(StreamKind::Issue, filter, after, limit).await.unwrap()
}

/// Document, version and body; an event without a body leaves it.
pub async fn a_row_appears_with_its_append_and_keeps_its_body(subject: Subject) {
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    assert_eq!(subject.store.row(&pen.stream).await.unwrap(), None);
    pen.write(vec![approved_as(Priority::Normal, "first\n'body' \"你好\"")]).await;
    pen.write(vec![prioritised(Priority::High)]).await;
    let row = subject.store.row(&pen.stream).await.unwrap().unwrap();
    assert_eq!((row.version, &row.state, &row.stream), (2, &pen.state, &pen.stream));
    assert_eq!(row.body.as_deref(), Some("first\n'body' \"你好\""));
    pen.write(vec![approved_as(Priority::Normal, "second")]).await;
    assert_eq!(subject.store.row(&pen.stream).await.unwrap().unwrap().body.as_deref(), Some("second"));
}

/// In ascending order: a repository before one whose name goes on, numbers as numbers.
pub async fn rows_come_by_repository_without_case_and_number(subject: Subject) {
    for name in ["beta/x#1", "acme/web#10", "acme/Web-2#1", "Acme/Web#9", "Beta/X#2", "acme/web#2"] {
        Pen::approved_issue(&subject.store, name).await;
    }
    let rows = found(&subject, &RowFilter::default(), None, 100).await;
    let expected = ["acme/web#2", "Acme/Web#9", "acme/web#10", "acme/Web-2#1", "beta/x#1", "Beta/X#2"];
    assert_eq!(names(&rows), expected);
    assert!(rows.iter().all(|row| row.version == 1));
}

/// By the cursor of the last row of the page before.
pub async fn pages_meet_without_gap_or_repeat(subject: Subject) {
    for number in 1..=7 {
        Pen::approved_issue(&subject.store, &format!("Acme/Web#{number}")).await;
    }
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = found(&subject, &RowFilter::default(), cursor.as_ref(), 3).await;
        let Some(last) = page.last() else { break };
        cursor = Some(last.cursor());
        pages.push(names(&page));
    }
    let expected = [[1, 2, 3].as_slice(), &[4, 5, 6], &[7]]
        .map(|numbers| numbers.iter().map(|number| format!("Acme/Web#{number}")).collect::<Vec<_>>());
    assert_eq!(pages, expected);
}

/// Alone and together.
pub async fn rows_filter_by_repository_state_priority_and_agent(subject: Subject) {
    Pen::approved_issue(&subject.store, "acme/web#1").await;
    let mut urgent = Pen::approved_issue(&subject.store, "acme/web#2").await;
    urgent.write(vec![prioritised(Priority::High)]).await;
    let mut taken = Pen::approved_issue(&subject.store, "acme/web#3").await;
    taken.write(vec![assigned("dev-e-node/one")]).await;
    let mut far = Pen::approved_issue(&subject.store, "acme/api#4").await;
    far.write(vec![prioritised(Priority::High), assigned("dev-e-dotnet")]).await;

    let any = RowFilter::default();
    for (filter, expected) in [
        (RowFilter { repo: Some(repo("ACME/web")), ..any.clone() }, vec!["acme/web#1", "acme/web#2", "acme/web#3"]),
        (RowFilter { states: vec!["assigned"], ..any.clone() }, vec!["acme/api#4", "acme/web#3"]),
        (RowFilter { states: vec!["queued", "done"], ..any.clone() }, vec!["acme/web#1", "acme/web#2"]),
        (RowFilter { priority: Some("high"), ..any.clone() }, vec!["acme/api#4", "acme/web#2"]),
        (RowFilter { agent: Some(agent_id("dev-e-node")), ..any.clone() }, vec!["acme/web#3"]),
        (
            RowFilter { repo: Some(repo("acme/api")), states: vec!["assigned"], priority: Some("high"), agent: None },
            vec!["acme/api#4"],
        ),
        (RowFilter { repo: Some(repo("acme/api")), agent: Some(agent_id("dev-e-node")), ..any }, vec![]),
    ] {
        assert_eq!(names(&found(&subject, &filter, None, 100).await), expected, "{filter:?}");
    }
}

/// A person's hook or telemetry makes a stream, and no row of the queue.
pub async fn an_issue_that_was_never_approved_has_no_row_to_show(subject: Subject) {
    let branch = BranchCreated { agent: Some(agent_id("dev-e-node")), branch: "agent/7".to_owned() };
    let mut pen = Pen::issue(&subject.store, "acme/web#7");
    pen.write(vec![Event::Issue(IssueEvent::from(branch))]).await;
    assert_eq!(found(&subject, &RowFilter::default(), None, 10).await, []);
    assert_eq!(subject.store.row(&pen.stream).await.unwrap().map(|row| row.version), Some(1));
}

/// Agents have no repository; kinds don't mix.
pub async fn agents_come_by_id(subject: Subject) {
    Pen::approved_issue(&subject.store, "acme/web#7").await;
    for agent in ["review-e", "dev-e-node", "dev-e-dotnet"] {
        Pen::agent(&subject.store, agent).write(vec![online()]).await;
    }
    let page = async |after: Option<Cursor>, limit| {
        names(&subject.store.rows(StreamKind::Agent, &RowFilter::default(), after.as_ref(), limit).await.unwrap())
    };
    assert_eq!(page(None, 2).await, ["dev-e-dotnet", "dev-e-node"]);
    assert_eq!(page(Some(Cursor { name: "dev-e-node".to_owned(), number: 0 }), 10).await, ["review-e"]);
}

/// A head that was left behind finds nothing.
pub async fn pull_requests_are_found_by_their_current_head(subject: Subject) {
    for name in ["Acme/Web#8", "acme/web#9", "acme/api#8"] {
        Pen::pull(&subject.store, name).write(vec![opened(&pull_id(name), sha(1))]).await;
    }
    let mut moved = Pen::pull(&subject.store, "acme/web#10");
    moved.write(vec![opened(&pull_id("acme/web#10"), sha(1)), pushed(sha(2))]).await;
    let with_head = async |digit| {
        let pulls = subject.store.pulls_with_head(&repo("acme/WEB"), &sha(digit)).await.unwrap();
        pulls.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(with_head(1).await, ["Acme/Web#8", "acme/web#9"]);
    assert_eq!(with_head(2).await, ["acme/web#10"]);
    assert_eq!(with_head(3).await, [] as [&str; 0]);
}

/// GitHub numbers both in one sequence.
pub async fn a_number_is_known_as_issue_or_pull_request(subject: Subject) {
    Pen::approved_issue(&subject.store, "Acme/Web#7").await;
    Pen::pull(&subject.store, "acme/web#8").write(vec![opened(&pull_id("acme/web#8"), sha(1))]).await;
    let kind = async |text| subject.store.kind_of(&IssueRef::parse(text).unwrap()).await.unwrap();
    assert_eq!(kind("acme/web#7").await, Some(StreamKind::Issue));
    assert_eq!(kind("ACME/WEB#8").await, Some(StreamKind::PullRequest));
    assert_eq!(kind("acme/web#9").await, None);
    assert_eq!(subject.store.row(&issue_id("acme/web#9")).await.unwrap(), None);
    // Somebody took the number for an issue's before: that must not bar the pull request.
    Pen::approved_issue(&subject.store, "acme/web#10").await;
    Pen::pull(&subject.store, "acme/web#10").write(vec![opened(&pull_id("acme/web#10"), sha(2))]).await;
    assert_eq!(kind("acme/web#10").await, Some(StreamKind::PullRequest));
}
