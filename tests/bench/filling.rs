use std::sync::Arc;

use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::Store;
use futures_util::TryStreamExt;

use crate::database;
use crate::options::Options;
use crate::story::Issue;

/// A database with a long log.
#[derive(Debug)]
pub(crate) struct Filled {
    /// Its URL.
    pub(crate) url: String,
    /// How many events there are.
    pub(crate) events: usize,
    /// Over how many issues, all open.
    pub(crate) issues: usize,
}

/// Events that a filling append has: fewer, larger appends fill faster, and the log is the same.
const AT_ONCE: u64 = 20;

/// Fills a log through the store port.
pub(crate) async fn fill(options: &Options) -> anyhow::Result<Filled> {
    let url = database::create(options, "bench_filled").await?;
    let store: Arc<dyn Store> = database::store(&url).await?;
    let entropy = SystemEntropy::new();
    let mut issues: Vec<Issue> = (0..options.issues).map(Issue::new).collect();
    let rounds = options.events.div_ceil(options.issues * usize::try_from(AT_ONCE)?);
    for _ in 0..rounds {
        futures_util::stream::iter(issues.iter_mut().map(anyhow::Ok))
            .try_for_each_concurrent(256, async |issue| {
                let append = issue.next(&entropy, AT_ONCE);
                let state = append.snapshot.state.clone();
                issue.appended(state, &store.append(append).await?);
                Ok(())
            })
            .await?;
    }
    store.close().await;
    database::client(&url).await?.batch_execute("VACUUM ANALYZE").await?;
    Ok(Filled { url, events: rounds * options.issues * usize::try_from(AT_ONCE)?, issues: options.issues })
}
