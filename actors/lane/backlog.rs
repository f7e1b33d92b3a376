use std::cell::OnceCell;
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

    /// What is due, oldest first, at most `limit`.
    fn due(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<Self::Item>, StoreFailure>>;
    fn name(item: &Self::Item) -> String;
    fn key(item: &Self::Item) -> String;
    /// Tries before this one.
    fn attempts(item: &Self::Item) -> u32;
    /// What an item that ended so is counted as.
    fn counted_as(outcome: &Self::Outcome) -> &'static str;
    fn work(&self, item: &Self::Item) -> impl Future<Output = Result<Self::Outcome, Setback>>;
    /// These are done.
    fn done(&self, items: Vec<(Self::Item, Self::Outcome)>) -> impl Future<Output = Result<(), StoreFailure>>;
    /// Its last try failed: says so to whoever counts on it.
    fn given_up(&self, item: &Self::Item) -> impl Future<Output = Result<(), Setback>>;
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
/// When the store fails, and what was done but not noted is done again; or when the destination is away. The lane then rests,
/// longer each time, and what waits for it stays as it is.
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
        // Said by the first item that finds the destination away, to all that haven't begun.
        let away = OnceCell::new();
        let goes_on = || Instant::now() < until && away.get().is_none();
        let tried = in_order(due, B::key, settings.width, goes_on, async |item| {
            let result = within("the work", settings.deadline, backlog.work(item)).await;
            let result = result.unwrap_or_else(|lost| Err(Setback::Failed(lost.to_string())));
            if let Err(Setback::Away(why)) = &result {
                away.get_or_init(|| why.clone());
            }
            result
        })
        .await;
        let (mut done, mut paused) = (Vec::new(), false);
        for (item, result) in tried {
            match result {
                Ok(outcome) => {
                    counters.add(B::counted_as(&outcome), 1);
                    done.push((item, outcome));
                }
                Err(Setback::NotNow(why) | Setback::Away(why)) => {
                    tracing::debug!(item = B::name(&item), why, "left {} for later", B::name(&item));
                    counters.add("postponed", 1);
                    paused = true;
                }
                Err(Setback::Failed(error)) => fail(backlog, &item, &error, settings, ports, &mut counters).await?,
            }
        }
        if !done.is_empty() {
            noted("note what is done", backlog.done(done)).await?;
        }
        if let Some(why) = away.into_inner() {
            return Err(Setback::Away(why).to_string());
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
    let name = B::name(item);
    let retry_at = match settings.next_try(failures, ports.clock.now(), ports.entropy.random()) {
        Some(at) => Some(at),
        None => give_up(backlog, item, settings, ports).await,
    };
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

/// Has it said that an item is given up. Where that can't be said now, gives when the item is tried again instead: whoever counts
/// on it would wait for ever.
async fn give_up<B: Backlog>(backlog: &B, item: &B::Item, settings: &LaneSettings, ports: &Ports) -> Option<Timestamp> {
    let told = within("the end of an item", settings.deadline, backlog.given_up(item)).await;
    let why = match told {
        Ok(Ok(())) => return None,
        Ok(Err(setback)) => setback.to_string(),
        Err(lost) => lost.to_string(),
    };
    let name = B::name(item);
    tracing::warn!(item = name, why, "{name} gets another try, since nobody could be told that it is given up: {why}");
    Some(ports.clock.now().plus(settings.retry.cap))
}

/// A call of the store, within the deadline of a port.
async fn noted<T>(what: &'static str, call: impl Future<Output = Result<T, StoreFailure>>) -> Result<T, String> {
    match within(what, PORT_DEADLINE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err(failure.to_string()),
        Err(lost) => Err(lost.to_string()),
    }
}
