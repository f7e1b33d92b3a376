//! The whole log, for whoever folds all of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use conductor_core::event::Recorded;
use conductor_core::port::{LogFilter, Store, StoreFailure};
use tokio::task::JoinHandle;

/// Events per page: few enough to stay in the processor's cache.
const PAGE: usize = 1000;

/// Pages under way while one is folded: the database, whoever decodes and whoever folds have work at the same time, and
/// memory holds four thousand events at most.
const AHEAD: usize = 3;

/// The log from a position on up to its head, page by page in order, of which the next ones are read ahead.
///
/// It asks for pages by where they must begin: positions have no holes. A page that is not full was the log's end when it was
/// read; what was read behind it is thrown away, since events may have come in between.
pub struct ReadAhead {
    store: Arc<dyn Store>,
    after: u64,
    pages: VecDeque<Reading>,
    ended: bool,
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").field("after", &self.after).field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A page under way. It ends with whoever wants it.
#[derive(Debug)]
struct Reading(JoinHandle<Result<Vec<Recorded>, StoreFailure>>);

impl ReadAhead {
    /// Reads what comes after that position.
    #[must_use]
    pub fn after(store: Arc<dyn Store>, position: u64) -> Self {
        Self { store, after: position, pages: VecDeque::new(), ended: false }
    }

    /// The next page; `None` at the log's end.
    ///
    /// # Errors
    /// As the store fails; the next call goes on behind the last page that was given.
    pub async fn page(&mut self) -> Result<Option<Vec<Recorded>>, StoreFailure> {
        if self.ended {
            return Ok(None);
        }
        while self.pages.len() < AHEAD {
            let after = self.after + (self.pages.len() * PAGE) as u64;
            self.pages.push_back(Reading::start(&self.store, after));
        }
        let Some(next) = self.pages.front_mut() else { return Ok(None) };
        let read =
            (&mut next.0).await.map_err(|_| StoreFailure::Unavailable("a read of the log was given up".to_owned()));
        let read = read.and_then(|read| read).and_then(|read| in_place(self.after, read));
        match read {
            Ok(page) => {
                self.pages.pop_front();
                self.after += page.len() as u64;
                self.ended = page.len() < PAGE;
                Ok(Some(page).filter(|page| !page.is_empty()))
            }
            Err(failure) => {
                self.pages.clear();
                Err(failure)
            }
        }
    }
}

/// Whether the page is the one that was asked for: each position follows the one before.
fn in_place(after: u64, page: Vec<Recorded>) -> Result<Vec<Recorded>, StoreFailure> {
    match (after + 1..).zip(&page).find(|(expected, event)| event.position != *expected) {
        None => Ok(page),
        Some((expected, event)) => {
            Err(StoreFailure::Corrupt(format!("position {} stands where {expected} is due", event.position)))
        }
    }
}

impl Reading {
    fn start(store: &Arc<dyn Store>, after: u64) -> Self {
        let store = Arc::clone(store);
        Self(tokio::spawn(async move { store.read_log(after, PAGE, &LogFilter::default()).await }))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::story::{Pen, prioritised};
    use crate::memory::MemoryStore;
    use conductor_core::event::Priority;

    async fn log_of(events: usize) -> Arc<dyn Store> {
        let store: Arc<dyn Store> = MemoryStore::new();
        let mut pen = Pen::issue(&store, "acme/web#7");
        for _ in 0..events {
            pen.write(vec![prioritised(Priority::High)]).await;
        }
        store
    }

    async fn pages(mut log: ReadAhead) -> Vec<(u64, usize)> {
        let mut read = Vec::new();
        while let Some(page) = log.page().await.unwrap() {
            read.push((page[0].position, page.len()));
        }
        assert_eq!(log.page().await.unwrap(), None, "the end stays the end");
        read
    }

    #[tokio::test]
    async fn every_event_comes_once_and_in_order() {
        let store = log_of(2 * PAGE + 7).await;
        let (first, second, third) = ((1, PAGE), (1001, PAGE), (2001, 7));
        assert_eq!(pages(ReadAhead::after(Arc::clone(&store), 0)).await, [first, second, third]);
        assert_eq!(pages(ReadAhead::after(Arc::clone(&store), 1000)).await, [second, third]);
        assert_eq!(pages(ReadAhead::after(store, 2007)).await, []);
    }

    #[tokio::test]
    async fn a_log_that_ends_with_a_page_ends() {
        assert_eq!(pages(ReadAhead::after(log_of(PAGE).await, 0)).await, [(1, PAGE)]);
    }

    #[tokio::test]
    async fn a_hole_in_the_log_is_found() {
        let store = log_of(3).await;
        let read = store.read_log(1, 10, &LogFilter::default()).await.unwrap();
        assert!(matches!(in_place(0, read), Err(StoreFailure::Corrupt(_))));
    }

    #[tokio::test]
    async fn a_store_that_fails_is_told_of() {
        let store = log_of(3).await;
        let mut log = ReadAhead::after(Arc::clone(&store), 0);
        store.close().await;
        assert!(log.page().await.is_err());
    }
}
