//! Runs: begun once, added to within limits, found again, dropped when old.

use conductor_core::execution_log::{
    Added, Execution, ExecutionLine, ExecutionStatus, ExecutionStep, MOST_LINES, MOST_STEPS, RunEnd, RunHeader,
};
use conductor_core::identity::{EventId, IssueRef};
use conductor_core::port::ExecutionFilter;
use conductor_core::time::Timestamp;

use super::Subject;
use super::story::{agent_id, at, claimant, days, fresh_id, repo};

fn begun(by: &str, about: &str, at: Timestamp) -> Execution {
    let about = IssueRef::parse(about).unwrap();
    let header = RunHeader {
        claimant: claimant(by),
        repo: Some(about.repo),
        number: Some(about.number),
        model: Some("a model".to_owned()),
    };
    Execution::begun(fresh_id(), header, at)
}

async fn kept(subject: &Subject, run: Execution) -> Execution {
    assert!(subject.store.begin_execution(&run).await.unwrap());
    run
}

fn step(number: u64) -> ExecutionStep {
    ExecutionStep {
        kind: "tool".to_owned(),
        status: Some("done".to_owned()),
        detail: Some(format!("step {number} – 你好")),
        cost_usd: Some(0.25),
        turns: Some(number),
        at: at(1),
    }
}

fn line(number: usize) -> ExecutionLine {
    ExecutionLine { timestamp: Some("12:00".to_owned()), level: None, message: format!("line \"{number}\"") }
}

fn end(status: ExecutionStatus) -> RunEnd {
    RunEnd {
        status,
        cost_usd: Some(1.5),
        turns: Some(12),
        input_tokens: Some(1_000),
        output_tokens: None,
        cache_read_tokens: None,
        cache_creation_tokens: None,
        duration_api_ms: Some(1_234.5),
        pr_number: Some(57),
    }
}

/// Every field, also of a run about nothing.
pub async fn a_run_reads_back_as_it_began(subject: Subject) {
    let run = kept(&subject, begun("dev-e-node/one", "Acme/Web#4", at(0))).await;
    let header = RunHeader { repo: None, number: None, model: None, ..run.header.clone() };
    let about_nothing = kept(&subject, Execution::begun(fresh_id(), header, at(1))).await;
    for run in [run, about_nothing] {
        assert_eq!(subject.store.execution(run.id).await.unwrap(), Some(run));
    }
    assert_eq!(subject.store.execution(fresh_id()).await.unwrap(), None);
}

/// The second is told so, and the first stays as it is.
pub async fn an_id_is_of_one_run(subject: Subject) {
    let run = kept(&subject, begun("dev-e-node", "acme/web#4", at(0))).await;
    let other = Execution { id: run.id, ..begun("dev-e-python", "acme/web#5", at(1)) };
    assert!(!subject.store.begin_execution(&other).await.unwrap());
    assert_eq!(subject.store.execution(run.id).await.unwrap(), Some(run));
}

/// Page by page, with what each call was told.
pub async fn steps_and_lines_come_back_in_order(subject: Subject) {
    let run = kept(&subject, begun("dev-e-node", "acme/web#4", at(0))).await;
    let (steps, lines): (Vec<_>, Vec<_>) = ((1..=3).map(step).collect(), (1..=5).map(line).collect());
    let (first, second) = steps.split_at(1);
    for (told, before) in [(first, 0), (second, 1)] {
        let added = subject.store.add_steps(run.id, told, at(5)).await.unwrap();
        assert_eq!(added, Some(Added { before, kept: told.len() as u64, dropped: 0 }));
    }
    assert_eq!(subject.store.add_lines(run.id, &lines, at(4)).await.unwrap().unwrap().kept, 5);
    assert_eq!(subject.store.add_lines(run.id, &[], at(4)).await.unwrap().unwrap().before, 5);
    assert_eq!(subject.store.steps_of(run.id, 0, 10).await.unwrap(), steps);
    assert_eq!(subject.store.lines_of(run.id, 1, 3).await.unwrap(), lines[1..4]);
    let found = subject.store.execution(run.id).await.unwrap().unwrap();
    assert_eq!((found.steps, found.lines, found.last_at, found.started_at), (3, 5, at(5), at(0)));
    let nobody = fresh_id();
    assert_eq!(subject.store.add_steps(nobody, &steps, at(6)).await.unwrap(), None);
    assert_eq!(subject.store.lines_of(nobody, 0, 10).await.unwrap(), []);
}

/// Both limits, across calls.
pub async fn beyond_its_limits_a_run_is_counted_and_not_kept(subject: Subject) {
    let run = kept(&subject, begun("dev-e-node", "acme/web#4", at(0))).await;
    let steps: Vec<_> = (0..MOST_STEPS - 1).map(step).collect();
    subject.store.add_steps(run.id, &steps, at(1)).await.unwrap();
    for (before, kept, dropped) in [(MOST_STEPS - 1, 1, 2), (MOST_STEPS + 2, 0, 3)] {
        let added = subject.store.add_steps(run.id, &steps[..3], at(2)).await.unwrap();
        assert_eq!(added, Some(Added { before, kept, dropped }));
    }
    let lines: Vec<_> = (0..usize::try_from(MOST_LINES).unwrap() + 1).map(line).collect();
    let added = subject.store.add_lines(run.id, &lines, at(3)).await.unwrap();
    assert_eq!(added, Some(Added { before: 0, kept: MOST_LINES, dropped: 1 }));
    let found = subject.store.execution(run.id).await.unwrap().unwrap();
    assert_eq!((found.steps, found.lines), (MOST_STEPS + 5, MOST_LINES + 1));
    assert_eq!(subject.store.steps_of(run.id, MOST_STEPS - 1, 10).await.unwrap(), steps[..1]);
    assert_eq!(subject.store.lines_of(run.id, MOST_LINES - 1, 10).await.unwrap().len(), 1);
}

/// The first end stays.
pub async fn a_run_ends_once(subject: Subject) {
    let run = kept(&subject, begun("dev-e-node", "acme/web#4", at(0))).await;
    let completed = end(ExecutionStatus::Completed);
    assert_eq!(subject.store.end_execution(run.id, &completed, at(9)).await.unwrap(), Some(true));
    let failed = end(ExecutionStatus::Failed);
    assert_eq!(subject.store.end_execution(run.id, &failed, at(10)).await.unwrap(), Some(false));
    let found = subject.store.execution(run.id).await.unwrap().unwrap();
    assert_eq!(found.end, Some((completed, at(9))));
    assert_eq!((found.status(), found.last_at), (ExecutionStatus::Completed, at(9)));
    assert_eq!(subject.store.end_execution(fresh_id(), &failed, at(10)).await.unwrap(), None);
}

/// By place without case, by agent with all its instances, page by page.
pub async fn runs_are_found_the_latest_first(subject: Subject) {
    let mut ids = Vec::new();
    for (by, about, when) in [
        ("dev-e-node", "acme/web#4", 0),
        ("dev-e-node/one", "Acme/Web#4", 2),
        ("review-e", "acme/web#4", 1),
        ("dev-e-node", "acme/web#5", 2),
        ("dev-e-node", "acme/api#4", 3),
    ] {
        ids.push(kept(&subject, begun(by, about, at(when))).await.id);
    }
    let found = async |filter: &ExecutionFilter, after, limit| -> Vec<EventId> {
        let runs = subject.store.executions(filter, after, limit).await.unwrap();
        runs.into_iter().map(|run| run.id).collect()
    };
    let any = ExecutionFilter::default();
    let all = [ids[4], ids[3], ids[1], ids[2], ids[0]];
    assert_eq!(found(&any, None, 10).await, all);
    assert_eq!(found(&any, Some(ids[3]), 2).await, all[2..4]);
    assert_eq!(found(&any, Some(fresh_id()), 10).await, []);
    let about = ExecutionFilter::about(&IssueRef::parse("ACME/web#4").unwrap());
    assert_eq!(found(&about, None, 10).await, [ids[1], ids[2], ids[0]]);
    let mine = ExecutionFilter { agent: Some(agent_id("dev-e-node")), ..about };
    assert_eq!(found(&mine, None, 10).await, [ids[1], ids[0]]);
    let there = ExecutionFilter { repo: Some(repo("acme/api")), ..any };
    assert_eq!(found(&there, None, 10).await, [ids[4]]);
}

/// By when it last told anything, with all that it told.
pub async fn old_runs_are_dropped_whole(subject: Subject) {
    let old = kept(&subject, begun("dev-e-node", "acme/web#4", at(0))).await;
    let alive = kept(&subject, begun("dev-e-node", "acme/web#4", at(0))).await;
    for run in [&old, &alive] {
        subject.store.add_lines(run.id, &[line(1)], at(1)).await.unwrap();
    }
    subject.store.add_steps(alive.id, &[step(1)], days(3)).await.unwrap();
    assert_eq!(subject.store.drop_executions(at(1)).await.unwrap(), 0);
    assert_eq!(subject.store.drop_executions(days(3)).await.unwrap(), 1);
    assert_eq!(subject.store.execution(old.id).await.unwrap(), None);
    assert_eq!(subject.store.lines_of(old.id, 0, 10).await.unwrap(), []);
    assert_eq!(subject.store.lines_of(alive.id, 0, 10).await.unwrap().len(), 1);
}
