//! Waiting for a fact.

use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often is asked: often enough that a test loses no time, seldom enough that it doesn't load what it asks.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Asks until the answer is `Some`, and gives it back. Panics at the caller's line once `deadline` has passed.
///
/// The deadline is an upper bound for a broken build, not an expectation of speed: seconds, not milliseconds.
/// An answer that never comes counts as "not yet", so that a hanging server can't hang the test.
#[track_caller]
pub fn wait_for<T, F, A>(what: &str, deadline: Duration, mut ask: F) -> impl Future<Output = T>
where
    F: FnMut() -> A,
    A: Future<Output = Option<T>>,
{
    let caller = Location::caller();
    async move {
        let end = Instant::now() + deadline;
        loop {
            if let Ok(Some(fact)) = tokio::time::timeout_at(end, ask()).await {
                return fact;
            }
            assert!(Instant::now() < end, "{caller}: waited {deadline:?} in vain for {what}");
            sleep(ASK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_fact_is_given_back_as_soon_as_it_holds() {
        let (began, mut asked) = (Instant::now(), 0);
        let fact = wait_for("the third answer", Duration::from_secs(60), || {
            asked += 1;
            std::future::ready((asked == 3).then_some("here"))
        });
        assert_eq!(fact.await, "here");
        assert_eq!(began.elapsed(), 2 * ASK_EVERY);
    }

    #[tokio::test(start_paused = true)]
    async fn in_vain_says_what_for_and_where() {
        let never = || std::future::ready(None::<()>);
        let (vain, line) = (wait_for("a fact that never comes", Duration::from_secs(5), never), line!());
        let said = *tokio::spawn(vain).await.unwrap_err().into_panic().downcast::<String>().unwrap();
        assert!(said.starts_with(&format!("{}:{line}:", file!())), "{said}");
        assert!(said.ends_with("waited 5s in vain for a fact that never comes"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "in vain for an answer")]
    async fn an_answer_that_hangs_is_not_waited_for_beyond_the_deadline() {
        wait_for("an answer", Duration::from_secs(5), std::future::pending::<Option<()>>).await;
    }
}
