//! Agents' lines and notes.

use conductor_core::agent_log::{AgentLine, LogLevel};
use conductor_core::identity::RepoName;
use conductor_core::learning::{Learning, MOST_LEARNINGS};
use conductor_core::port::LineFilter;

use super::Subject;
use super::story::{agent_id, at, claimant, days, repo};

fn line(by: &str, level: LogLevel, about: Option<(&str, u64)>, message: &str) -> AgentLine {
    AgentLine {
        claimant: claimant(by),
        ts: Some("2026-11-21T09:30:00Z".to_owned()),
        level,
        message: message.to_owned(),
        repo: about.and_then(|(repo, _)| RepoName::parse(repo)),
        number: about.map(|(_, number)| number),
    }
}

async fn messages(subject: &Subject, filter: &LineFilter, before: Option<u64>, limit: usize) -> Vec<String> {
    let lines = subject.store.agent_lines(filter, before, limit).await.unwrap();
    lines.into_iter().map(|kept| kept.line.message).collect()
}

/// Every field, the latest first, page by page.
pub async fn lines_come_back_the_latest_first(subject: Subject) {
    subject.store.keep_lines(&[], at(0)).await.unwrap();
    let first = line("dev-e-node/one", LogLevel::CliStderr, Some(("Acme/Web", 4)), "one \"你好\"");
    subject.store.keep_lines(&[first.clone(), line("dev-e-node", LogLevel::Info, None, "two")], at(1)).await.unwrap();
    subject
        .store
        .keep_lines(&[line("review-e", LogLevel::Error, Some(("acme/web", 57)), "three")], at(2))
        .await
        .unwrap();
    let any = LineFilter::default();
    let all = subject.store.agent_lines(&any, None, 10).await.unwrap();
    assert_eq!((&all[2].line, all[2].at, all[0].at), (&first, at(1), at(2)));
    assert_eq!(messages(&subject, &any, Some(all[1].place), 10).await, ["one \"你好\""]);
    assert_eq!(messages(&subject, &any, None, 2).await, ["three", "two"]);
    let on_from = async |after: u64, limit: usize| {
        let lines = subject.store.lines_after(after, limit).await.unwrap();
        lines.into_iter().map(|kept| kept.line.message).collect::<Vec<_>>()
    };
    assert_eq!(on_from(0, 2).await, ["one \"你好\"", "two"]);
    assert_eq!(on_from(all[2].place, 10).await, ["two", "three"]);
    assert_eq!(on_from(all[0].place, 10).await, [""; 0]);
}

/// Each alone.
pub async fn lines_filter_by_agent_level_and_place(subject: Subject) {
    let lines = [
        line("dev-e-node/one", LogLevel::Info, Some(("Acme/Web", 4)), "a"),
        line("dev-e-node", LogLevel::Warn, Some(("acme/web", 5)), "b"),
        line("review-e", LogLevel::Info, Some(("acme/api", 4)), "c"),
    ];
    subject.store.keep_lines(&lines, at(1)).await.unwrap();
    let any = LineFilter::default();
    for (filter, expected) in [
        (LineFilter { agent: Some(agent_id("dev-e-node")), ..any.clone() }, vec!["b", "a"]),
        (LineFilter { level: Some(LogLevel::Info), ..any.clone() }, vec!["c", "a"]),
        (LineFilter { repo: Some(repo("ACME/web")), ..any.clone() }, vec!["b", "a"]),
        (LineFilter { repo: Some(repo("acme/web")), number: Some(4), ..any.clone() }, vec!["a"]),
    ] {
        assert_eq!(messages(&subject, &filter, None, 10).await, expected, "{filter:?}");
    }
}

/// By their age, and of each agent what is beyond its share.
pub async fn old_lines_and_those_beyond_an_agents_share_are_dropped(subject: Subject) {
    let info = |by: &str, message: &str| line(by, LogLevel::Info, None, message);
    subject.store.keep_lines(&[info("dev-e-node", "old")], at(0)).await.unwrap();
    let talkative = ["1", "2", "3"].map(|message| info("dev-e-node/pod", message));
    subject.store.keep_lines(&talkative, days(3)).await.unwrap();
    subject.store.keep_lines(&[info("review-e", "quiet")], days(3)).await.unwrap();
    assert_eq!(subject.store.drop_lines(at(0), 10).await.unwrap(), 0);
    assert_eq!(subject.store.drop_lines(days(3), 2).await.unwrap(), 2);
    assert_eq!(messages(&subject, &LineFilter::default(), None, 10).await, ["quiet", "3", "2"]);
}

fn note(about: &str, key: &str, value: &str, seconds: i64) -> Learning {
    Learning {
        repo: repo(about),
        key: key.to_owned(),
        value: value.to_owned(),
        agent: agent_id("dev-e-node"),
        updated_at: at(seconds),
    }
}

/// By repository without case and key with it; the first spelling stays.
pub async fn the_latest_word_about_a_key_stands(subject: Subject) {
    for note in [
        note("Acme/Web", "test", "npm test", 1),
        note("acme/web", "Build", "make", 2),
        note("acme/api", "test", "x", 3),
    ] {
        subject.store.learn(&note).await.unwrap();
    }
    let again = Learning { agent: agent_id("dev-e-python"), ..note("acme/web", "test", "npm run test", 9) };
    subject.store.learn(&again).await.unwrap();
    let found = subject.store.learnings(&repo("ACME/WEB")).await.unwrap();
    assert_eq!(found, [note("acme/web", "Build", "make", 2), again]);
    assert_eq!(found[1].repo.as_str(), "Acme/Web");
    assert_eq!(subject.store.learnings(&repo("acme/none")).await.unwrap(), []);
}

/// What was not written for longest gives way, in that repository alone.
pub async fn notes_beyond_what_is_kept_give_way_by_age(subject: Subject) {
    subject.store.learn(&note("acme/api", "other", "x", 0)).await.unwrap();
    for number in 0..=MOST_LEARNINGS {
        // The first is written anew meanwhile, so that the second is the oldest.
        let seconds = i64::try_from(number).unwrap();
        subject.store.learn(&note("acme/web", &format!("k{number:04}"), "x", seconds)).await.unwrap();
        if number == 2 {
            subject.store.learn(&note("acme/web", "k0000", "again", 2)).await.unwrap();
        }
    }
    let found = subject.store.learnings(&repo("acme/web")).await.unwrap();
    assert_eq!(found.len(), MOST_LEARNINGS);
    assert_eq!((found[0].key.as_str(), found[1].key.as_str()), ("k0000", "k0002"));
    assert_eq!(subject.store.learnings(&repo("acme/api")).await.unwrap().len(), 1);
}
