//! Stories whose deliveries come in every order and end in one row.

use super::tests::{closed_as, merged, webhook};
use crate::issue::IssueCommand;
use crate::pull_request::PrObservation;
use crate::world::{World, labelled, login, opened};

/// The deliveries of a life, in every order: the row is the one that they give in order.
fn in_every_order(tell: &[&dyn Fn(&mut World)]) -> Vec<(&'static str, Option<u64>, u32)> {
    fn orders(count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![Vec::new()];
        }
        let shorter = orders(count - 1);
        let insert = |order: &Vec<usize>| {
            (0..count)
                .map(|at| {
                    let mut longer = order.clone();
                    longer.insert(at, count - 1);
                    longer
                })
                .collect::<Vec<_>>()
        };
        shorter.iter().flat_map(insert).collect()
    }
    let row = |order: Vec<usize>| {
        let mut world = webhook();
        order.iter().for_each(|at| tell[*at](&mut world));
        let issue = world.issue(42);
        (world.state(42), issue.shown.map(|pr| pr.number), issue.closed_pulls)
    };
    orders(tell.len()).into_iter().map(row).collect()
}

fn by_alice(seen: PrObservation) -> PrObservation {
    PrObservation {
        author: Some(login("alice")),
        author_association: Some("MEMBER".into()),
        labels: Some(vec!["needs-review".into()]),
        ..seen
    }
}

#[test]
fn a_label_that_is_told_after_the_merge_of_a_persons_pull_request_finds_the_issue_done() {
    let label = |world: &mut World| drop(world.ask(42, &IssueCommand::Observe(labelled(5))));
    let open = |world: &mut World| {
        drop(world.see_pull(57, by_alice(opened(42, "alice/mend", "aaaa", 10))));
    };
    let merge = |world: &mut World| {
        drop(world.see_pull(57, by_alice(PrObservation { branch: Some("alice/mend".into()), ..merged(20) })));
    };
    let rows = in_every_order(&[&label, &open, &merge]);
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| *row == ("done", Some(57), 0)), "{rows:?}");
}

#[test]
fn a_closing_that_is_told_before_the_label_ends_the_issue_all_the_same() {
    for (reason, state) in [("completed", "done"), ("not_planned", "cancelled")] {
        let label = |world: &mut World| drop(world.ask(42, &IssueCommand::Observe(labelled(5))));
        let close = |world: &mut World| drop(world.ask(42, &IssueCommand::Observe(closed_as(reason, 20))));
        let rows = in_every_order(&[&label, &close]);
        assert!(rows.iter().all(|row| *row == (state, None, 0)), "{reason}: {rows:?}");
    }
}

#[test]
fn a_label_of_after_the_merge_is_new_work() {
    let mut world = webhook();
    world.see_pull(57, by_alice(opened(42, "alice/mend", "aaaa", 10)));
    world.see_pull(57, by_alice(merged(20)));
    world.ask(42, &IssueCommand::Observe(labelled(30)));
    assert_eq!(world.state(42), "queued");
}
