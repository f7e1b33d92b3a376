//! The inner guards: nothing that panics or hangs inside a call takes its actor with it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

/// What a call did instead of returning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lost {
    /// It panicked.
    #[error("{what} panicked: {why}")]
    Panicked {
        /// Which call.
        what: &'static str,
        /// The panic's text.
        why: String,
    },
    /// It did not return in time.
    #[error("{what} did not answer within {} ms", .within.as_millis())]
    Late {
        /// Which call.
        what: &'static str,
        /// The deadline.
        within: Duration,
    },
}

/// Runs `call`; a panic is an error. The caller forgets whatever `call` may have left half done.
pub(crate) fn guarded<T>(what: &'static str, call: impl FnOnce() -> T) -> Result<T, Lost> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Lost::Panicked { what, why: panic_text(&*panic) })
}

/// Awaits `call`; a panic is an error, and so is no answer within the deadline.
pub(crate) async fn within<T>(
    what: &'static str,
    deadline: Duration,
    call: impl Future<Output = T>,
) -> Result<T, Lost> {
    match tokio::time::timeout(deadline, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(panic)) => Err(Lost::Panicked { what, why: panic_text(&*panic) }),
        Err(_) => Err(Lost::Late { what, within: deadline }),
    }
}

/// What a panic said, as far as it is text.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a text").to_owned()
}

/// Locks a mutex whose holder may have panicked: everything behind our locks is valid after each single write.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_text() {
        let number = 7;
        let lost = guarded("decide", || {
            if number == 7 {
                panic!("no rule for {number}")
            }
        })
        .unwrap_err();
        assert_eq!(lost.to_string(), "decide panicked: no rule for 7");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_or_panics_is_an_error() {
        let second = Duration::from_secs(1);
        let late = within("append", second, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(late, Lost::Late { what: "append", within: second });
        let panicked = within("append", second, async { panic!("torn page") }).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(panicked.to_string(), "append panicked: torn page");
        assert_eq!(within("append", second, async { 3 }).await, Ok(3));
    }
}
