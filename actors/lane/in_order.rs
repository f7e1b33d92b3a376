use std::collections::HashMap;

use super::Setback;
use futures_util::StreamExt;
use futures_util::stream;

/// Works on items: those of one key one after another, those of different keys side by side, at most `width` at once.
///
/// What stands behind a failed item of the same key is left alone, and so is what hasn't begun when it no longer `goes_on`. Items without a
/// key (empty) have no order. Gives the items that were tried, those of one key in order.
pub(super) async fn in_order<T, O>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    width: usize,
    goes_on: impl Fn() -> bool,
    work: impl AsyncFn(&T) -> Result<O, Setback>,
) -> Vec<(T, Result<O, Setback>)> {
    let (work, goes_on) = (&work, &goes_on);
    let queues = by_key(items, key).into_iter().map(|queue| async move {
        let mut tried = Vec::with_capacity(queue.len());
        for item in queue {
            if !goes_on() {
                break;
            }
            let result = work(&item).await;
            let failed = result.is_err();
            tried.push((item, result));
            if failed {
                break;
            }
        }
        tried
    });
    let tried: Vec<Vec<_>> = stream::iter(queues).buffer_unordered(width.max(1)).collect().await;
    tried.into_iter().flatten().collect()
}

/// One queue per key, in order of first appearance, so that the oldest keys are served first.
fn by_key<T>(items: Vec<T>, key: impl Fn(&T) -> String) -> Vec<Vec<T>> {
    let mut queues: Vec<Vec<T>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        let key = key(&item);
        match places.get(&key).and_then(|place| queues.get_mut(*place)) {
            Some(queue) if !key.is_empty() => queue.push(item),
            Some(_) | None => {
                places.insert(key, queues.len());
                queues.push(vec![item]);
            }
        }
    }
    queues
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn items(text: &str) -> Vec<(char, u32)> {
        let numbered = text.chars().filter(|letter| !letter.is_whitespace()).zip(1..);
        numbered.map(|(letter, number)| (if letter == '-' { ' ' } else { letter }, number)).collect()
    }

    fn key(item: &(char, u32)) -> String {
        item.0.to_string().trim().to_owned()
    }

    fn always() -> bool {
        true
    }

    #[tokio::test(start_paused = true)]
    async fn one_key_keeps_its_order_while_others_overtake_it() {
        let log = RefCell::new(Vec::new());
        in_order(items("a a b a b"), key, 2, always, async |(letter, number)| {
            // The clock is paused: this is an order of completion, not a wait.
            let pace = if *letter == 'a' { 10 } else { 1 };
            tokio::time::sleep(Duration::from_millis(pace)).await;
            log.borrow_mut().push(*number);
            Ok::<_, Setback>(())
        })
        .await;
        assert_eq!(*log.borrow(), [3, 5, 1, 2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_holds_back_its_own_key_only() {
        let tried = in_order(items("a b a b a"), key, 4, always, async |(_, number)| {
            if *number == 3 { Err(Setback::Failed("no".to_owned())) } else { Ok(()) }
        })
        .await;
        let mut numbers: Vec<(u32, bool)> =
            tried.iter().map(|((_, number), result)| (*number, result.is_ok())).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [(1, true), (2, true), (3, false), (4, true)], "5 stands behind 3");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_keys_than_the_width_are_worked_on_at_once() {
        let (now, most) = (Cell::new(0), Cell::new(0));
        in_order(items("a b c d e f g"), key, 3, always, async |_| {
            now.set(now.get() + 1);
            most.set(now.get().max(most.get()));
            tokio::time::sleep(Duration::from_millis(1)).await;
            now.set(now.get() - 1);
            Ok::<_, Setback>(())
        })
        .await;
        assert_eq!(most.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn items_without_a_key_have_no_order() {
        let begun = Instant::now();
        in_order(items("- - -"), key, 3, always, async |_| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok::<_, Setback>(())
        })
        .await;
        assert_eq!(begun.elapsed(), Duration::from_millis(5), "side by side");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_after_the_budget() {
        let until = Instant::now() + Duration::from_millis(15);
        let tried = in_order(
            items("a a a"),
            key,
            1,
            || Instant::now() < until,
            async |_| {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok::<_, Setback>(())
            },
        )
        .await;
        assert_eq!(tried.len(), 2);
    }
}
