use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::Store;
use tokio::task::JoinSet;

use crate::latency::Latency;
use crate::story::Issue;

/// Callers that append one event after the other, each to issues of its own, until the time is up.
pub(crate) async fn append_for(
    store: &Arc<dyn Store>,
    entropy: &Arc<SystemEntropy>,
    issues: &mut Vec<Issue>,
    callers: usize,
    span: Duration,
) -> anyhow::Result<Latency> {
    let mut working = JoinSet::new();
    let share = issues.len() / callers;
    let until = Instant::now() + span;
    for _ in 0..callers {
        let mine: Vec<Issue> = issues.drain(issues.len() - share..).collect();
        working.spawn(one(Arc::clone(store), Arc::clone(entropy), mine, until));
    }
    let mut micros = Vec::new();
    while let Some(done) = working.join_next().await {
        let (mine, took) = done??;
        issues.extend(mine);
        micros.extend(took);
    }
    Ok(Latency::of(micros))
}

async fn one(
    store: Arc<dyn Store>,
    entropy: Arc<SystemEntropy>,
    mut issues: Vec<Issue>,
    until: Instant,
) -> anyhow::Result<(Vec<Issue>, Vec<u64>)> {
    let mut took = Vec::new();
    for at in (0..issues.len()).cycle() {
        let issue = issues.get_mut(at).context("a caller without issues")?;
        let append = issue.next(&entropy, 1);
        let state = append.snapshot.state.clone();
        // From here on as the reference counts: what is appended is there.
        let begun = Instant::now();
        if begun >= until {
            break;
        }
        let receipt = store.append(append).await.context("append")?;
        issue.appended(state, &receipt);
        took.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok((issues, took))
}
