//! Rows against the log that they were made of.

use conductor_core::event::Priority;

use super::Subject;
use super::story::{
    Pen, approved_as, assigned, online, opened, prioritised, pull_id, pushed, sha, started, unassigned,
};
use crate::replay::Replay;

/// State, version and body of every stream, read page by page as a rebuild would.
pub async fn every_row_equals_a_replay_of_its_stream(subject: Subject) {
    let mut streams = Vec::new();
    for number in 1..=5 {
        let mut issue = Pen::issue(&subject.store, &format!("acme/web#{number}"));
        issue.write(vec![approved_as(Priority::High, &format!("body {number}")), assigned("dev-e-node/one")]).await;
        issue.write(vec![started("dev-e-node")]).await;
        for _ in 1..number {
            issue.write(vec![prioritised(Priority::Normal), prioritised(Priority::Critical)]).await;
        }
        issue.write(vec![unassigned("dev-e-node")]).await;
        streams.push(issue.stream);
    }
    let mut pull = Pen::pull(&subject.store, "acme/web#80");
    pull.write(vec![opened(&pull_id("acme/web#80"), sha(1))]).await;
    pull.write(vec![pushed(sha(2))]).await;
    let mut agent = Pen::agent(&subject.store, "dev-e-node");
    agent.write(vec![online()]).await;
    streams.extend([pull.stream, agent.stream]);

    for stream in streams {
        let mut replay = Replay::of(&stream);
        loop {
            let page = subject.store.read_stream(&stream, replay.version, 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            page.into_iter().for_each(|event| replay.fold(event).unwrap());
        }
        let loaded = subject.store.load(&stream).await.unwrap();
        assert_eq!(loaded, Some((replay.version, replay.state.clone())), "{stream}");
        let row = subject.store.row(&stream).await.unwrap().unwrap();
        assert_eq!((row.version, row.state, row.body), (replay.version, replay.state, replay.body), "{stream}");
    }
}
