//! Appends through the store port, with read-model rows, beside single commits of the same database.

use std::sync::Arc;

use conductor_adapters::sqlite::{SqliteOptions, SqliteStore};
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::Store;

use crate::callers::append_for;
use crate::database;
use crate::foreign_load::ForeignLoad;
use crate::options::Options;
use crate::pgbench::Pgbench;
use crate::rounds::Rounds;
use crate::sqlite_reference::SingleCommits;
use crate::story::Issue;
use crate::table::Table;
use crate::texts::Texts;

/// PostgreSQL: ours beside pgbench, at each number of callers.
pub(crate) async fn postgres(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = database::store(&database::create(options, "bench_appends").await?).await?;
    let entropy = Arc::new(SystemEntropy::new());
    let mut issues: Vec<Issue> = (0..options.issues).map(Issue::new).collect();
    warm_up(&store, &entropy, &mut issues).await?;
    let reference =
        Pgbench::prepare(options, database::create(options, "bench_reference").await?, Texts::like_ours(&entropy)?)
            .await?;
    // Both start with every row there.
    reference.run(8, 2).await?;
    let mut all: Vec<(usize, Rounds)> = options.callers.iter().map(|callers| (*callers, Rounds::default())).collect();
    for _ in 0..options.rounds {
        for (callers, rounds) in &mut all {
            let watch = ForeignLoad::watch(options.postmaster)?;
            let ours = append_for(&store, &entropy, &mut issues, *callers, options.span()).await?;
            let theirs = reference.run(*callers, options.seconds).await?;
            rounds.add(ours, theirs, options.seconds, watch.share()?);
        }
    }
    for (callers, rounds) in all {
        let expected = match callers {
            1 => "at most 1.5 x p50",
            64 => "at least 2 x rate",
            256 => "at least 3 x rate",
            _ => "",
        };
        table.add(rounds.row(format!("PostgreSQL, append, {callers} callers / pgbench"), expected));
    }
    store.close().await;
    Ok(())
}

/// SQLite: ours beside single commits of its own, which have no callers to wait for: there is one writer.
pub(crate) async fn sqlite(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = SqliteStore::open(&options.folder.join("sqlite"), SqliteOptions::default())?;
    let entropy = Arc::new(SystemEntropy::new());
    let mut issues: Vec<Issue> = (0..options.issues).map(Issue::new).collect();
    warm_up(&store, &entropy, &mut issues).await?;
    let reference =
        SingleCommits::prepare(&options.folder.join("reference.db"), options.issues, Texts::like_ours(&entropy)?)?;
    let mut all: Vec<(usize, Rounds)> = options.callers.iter().map(|callers| (*callers, Rounds::default())).collect();
    for _ in 0..options.rounds {
        for (callers, rounds) in &mut all {
            let watch = ForeignLoad::watch(options.postmaster)?;
            let ours = append_for(&store, &entropy, &mut issues, *callers, options.span()).await?;
            let theirs = tokio::task::block_in_place(|| reference.run(options.span()))?;
            rounds.add(ours, theirs, options.seconds, watch.share()?);
        }
    }
    for (callers, rounds) in all {
        table.add(rounds.row(format!("SQLite, append, {callers} callers / single commits"), ""));
    }
    store.close().await;
    Ok(())
}

/// Every issue gets its first events, so that rounds don't differ by new rows.
async fn warm_up(store: &Arc<dyn Store>, entropy: &Arc<SystemEntropy>, issues: &mut [Issue]) -> anyhow::Result<()> {
    for chunk in issues.chunks_mut(256) {
        let appends = chunk.iter_mut().map(|issue| async {
            let append = issue.next(entropy, 1);
            let state = append.snapshot.state.clone();
            issue.appended(state, &store.append(append).await?);
            anyhow::Ok(())
        });
        futures_util::future::try_join_all(appends).await?;
    }
    Ok(())
}
