//! Memory of an idle issue actor, beyond the state that it holds.

use std::sync::Arc;

use anyhow::Context;
use conductor_actors::{Arbiters, Coordinator, Ports, Request, Settings, run_system};
use conductor_adapters::memory::MemoryStore;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::event::{Actor, Metadata, Priority};
use conductor_core::identity::{IssueRef, StreamId};
use conductor_core::issue::{Issue, IssueCommand, IssueDecider};
use conductor_core::roster::{GitHubMode, Policy};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;

use crate::table::Table;

/// Enough that the allocator's own steps don't show.
const ACTORS: usize = 50_000;

/// Measures once: memory doesn't depend on the neighbours.
pub(crate) async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let per_actor = tokio::task::spawn_blocking(resident_per_actor).await??;
    let state = size_of::<Issue>();
    let beyond = per_actor.saturating_sub(state);
    table.add([
        format!("memory per idle issue actor, of {ACTORS}"),
        format!("{per_actor} B"),
        format!("{state} B state"),
        format!("{beyond} B beyond it"),
        String::new(),
        String::new(),
        "at most 2 kB beyond its state".to_owned(),
    ]);
    Ok(())
}

fn resident_per_actor() -> anyhow::Result<usize> {
    let runtime = Arc::new(Runtime::new()?);
    let shared = Arc::clone(&runtime);
    run_system(&runtime, async move {
        let settings =
            Settings { live_streams: ACTORS, idle: std::time::Duration::from_secs(3600), ..Settings::default() };
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy::new()));
        let policy = Arc::new(Policy::built_in(GitHubMode::Webhook));
        let ports = Ports {
            store: MemoryStore::new(),
            clock,
            entropy,
            policy,
            destinations: Ports::inside(),
            listeners: Vec::new(),
        };
        let coordinator = Coordinator::start(ports, settings, Arbiters::start(&shared, 1)).await;
        // The streams have no events, so the store holds nothing for them: what grows is the actors.
        wake(&coordinator, 1..1_001).await?;
        let before = resident()?;
        wake(&coordinator, 1_001..1_001 + ACTORS).await?;
        let grown = resident()?.saturating_sub(before);
        coordinator.drain(std::time::Duration::from_secs(30)).await;
        coordinator.stop();
        Ok(grown / ACTORS)
    })
}

/// A command that an unapproved issue refuses: it loads the actor and writes nothing.
async fn wake(coordinator: &Coordinator, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(256) {
        let asked = some.iter().map(|number| async move {
            let stream =
                IssueRef::parse(&format!("acme/web#{number}")).map(StreamId::Issue).context("name the issue")?;
            let command = IssueCommand::Prioritise { priority: Priority::High };
            let asked = Request::new(command, Metadata::by(Actor::Operator("bench".to_owned())));
            let refused = coordinator.execute::<IssueDecider>(stream, asked).await;
            anyhow::ensure!(refused.is_err(), "an issue that nobody approved has a priority");
            Ok(())
        });
        try_join_all(asked).await?;
    }
    Ok(())
}

/// Bytes of this process in memory (Linux).
fn resident() -> anyhow::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status").context("read the memory of this process")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("find the memory of this process")?;
    let kilobytes: usize = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}
