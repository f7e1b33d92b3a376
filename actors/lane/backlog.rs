use std::future::Future;

use conductor_core::decider::PORT_DEADLINE;
use conductor_core::port::{PortFuture, StoreFailure};
use conductor_core::time::Timestamp;
use tokio::time::Instant;

use crate::guard::within;
use crate::periodic::Counters;
use crate::ports::Ports;

use super::in_order::in_order;
use super::{LaneSettings, Setback};

/// Stored work of one lane.
pub(super) trait Backlog {
    type Item;
    type Outcome;
    /// What a finished item is counted as.
    const DONE: &'static str;

    /// What is due, oldest first, at most `limit`.
    fn due(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<Self::Item>, StoreFailure>>;
    fn name(item: &Self::Item) -> String;
    fn key(item: &Self::Item) -> String;
    /// Tries before this one.
    fn attempts(item: &Self::Item) -> u32;
    fn work(&self, item: &Self::Item) -> impl Future<Output = Result<Self::Outcome, Setback>>;
    /// These are done.
    fn done(&self, items: &[(Self::Item, Self::Outcome)]) -> impl Future<Output = Result<(), StoreFailure>>;
    /// This one failed; it comes again at `retry_at`, or never.
    fn failed<'a>(
        &'a self,
        item: &'a Self::Item,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>>;
}

/// Works a backlog off, batch by batch, until nothing is due or the budget of a tick is spent.
///
/// # Errors
/// When the store fails. What was done but not noted is done again.
pub(super) async fn work_off<B: Backlog>(
    backlog: &B,
    settings: &LaneSettings,
    ports: &Ports,
) -> Result<Counters, String> {
    let until = Instant::now() + settings.budget;
    let mut counters = Counters::default();
    loop {
        let due = noted("fetch what is due", backlog.due(ports.clock.now(), settings.batch)).await?;
        if due.is_empty() {
            return Ok(counters);
        }
        let tried = in_order(due, B::key, settings.width, until, async |item| {
            let result = within("the work", settings.deadline, backlog.work(item)).await;
            result.unwrap_or_else(|lost| Err(Setback::Failed(lost.to_string())))
        })
        .await;
        let (mut done, mut paused) = (Vec::new(), false);
        for (item, result) in tried {
            match result {
                Ok(outcome) => done.push((item, outcome)),
                Err(Setback::NotNow(why)) => {
                    tracing::debug!(item = B::name(&item), why, "left {} for later", B::name(&item));
                    counters.add("postponed", 1);
                    paused = true;
                }
                Err(Setback::Failed(error)) => fail(backlog, &item, &error, settings, ports, &mut counters).await?,
            }
        }
        if !done.is_empty() {
            noted("note what is done", backlog.done(&done)).await?;
            counters.add(B::DONE, done.len() as u64);
        }
        if paused {
            return Ok(counters);
        }
        if Instant::now() >= until {
            return Ok(counters.and_more());
        }
    }
}

/// Sets the next try, or gives up.
async fn fail<B: Backlog>(
    backlog: &B,
    item: &B::Item,
    error: &str,
    settings: &LaneSettings,
    ports: &Ports,
    counters: &mut Counters,
) -> Result<(), String> {
    let failures = B::attempts(item).saturating_add(1);
    let retry_at = settings.next_try(failures, ports.clock.now(), ports.entropy.random());
    let name = B::name(item);
    match retry_at {
        Some(at) => {
            tracing::warn!(item = name, error, failures, retry_at = %at, "failed to work off {name}: {error}");
            counters.add("failed", 1);
        }
        None => {
            tracing::error!(item = name, error, failures, "failed to work off {name}, for good: {error}");
            counters.add("dead", 1);
        }
    }
    noted("note a failure", backlog.failed(item, error, retry_at)).await
}

/// A call of the store, within the deadline of a port.
async fn noted<T>(what: &'static str, call: impl Future<Output = Result<T, StoreFailure>>) -> Result<T, String> {
    match within(what, PORT_DEADLINE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err(failure.to_string()),
        Err(lost) => Err(lost.to_string()),
    }
}
