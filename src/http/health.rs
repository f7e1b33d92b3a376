//! What the daemon needs, and whether it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use conductor_core::port::{Broker, Clock, PortFuture, Store};
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use crate::backlog::LaneReport;
use crate::openapi::words;

/// The longest that one check may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// A critical dependency that timed out this often in a row is down.
const TIMEOUTS_TO_UNREACHABLE: u32 = 3;

/// Something outside that the daemon needs.
pub trait Dependency: Send + Sync {
    /// Such as `postgres` or `sqlite`.
    fn name(&self) -> &'static str;
    /// Whether nothing works without it.
    fn critical(&self) -> bool;
    /// A trivial round trip.
    fn check(&self) -> PortFuture<'_, Result<(), String>>;
    /// How often the check has timed out in a row.
    fn timeouts(&self) -> &AtomicU32;
}

conductor_core::words! {
    /// How a dependency is, best first.
    pub enum Status {
        /// It answers.
        Ok = "Ok",
        /// It is slow, or one that isn't critical is away.
        Degraded = "Degraded",
        /// It is away.
        Unreachable = "Unreachable",
    }
}

/// The store, under its own name.
pub struct StoreDependency {
    store: Arc<dyn Store>,
    timeouts: AtomicU32,
}

impl StoreDependency {
    /// Watches a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, timeouts: AtomicU32::new(0) }
    }
}

impl Dependency for StoreDependency {
    fn name(&self) -> &'static str {
        self.store.name()
    }
    fn critical(&self) -> bool {
        true
    }
    fn check(&self) -> PortFuture<'_, Result<(), String>> {
        Box::pin(async {
            self.store.ping().await.map_err(|failure| {
                // The store's own words may name hosts and users.
                tracing::warn!("failed to {failure}");
                "does not answer".to_owned()
            })
        })
    }
    fn timeouts(&self) -> &AtomicU32 {
        &self.timeouts
    }
}

/// The broker that wakes agents.
pub struct BrokerDependency {
    broker: Arc<dyn Broker>,
    timeouts: AtomicU32,
}

impl BrokerDependency {
    /// Watches a broker.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, timeouts: AtomicU32::new(0) }
    }
}

impl Dependency for BrokerDependency {
    fn name(&self) -> &'static str {
        "valkey"
    }
    /// Where it is configured agents may wait for it alone, scaled to zero.
    fn critical(&self) -> bool {
        true
    }
    fn check(&self) -> PortFuture<'_, Result<(), String>> {
        Box::pin(async {
            self.broker.ping().await.map_err(|failure| {
                // Its own words may name hosts and users.
                tracing::warn!("failed to {failure}");
                "does not answer".to_owned()
            })
        })
    }
    fn timeouts(&self) -> &AtomicU32 {
        &self.timeouts
    }
}

/// `/healthz/deep`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The worst that matters.
    #[schemars(schema_with = "words::<Status>")]
    pub overall: &'static str,
    /// Each one.
    pub dependencies: Vec<DependencyReport>,
    /// How much waits in each lane; null where the store can't say.
    pub lanes: Option<Vec<LaneReport>>,
    /// When the checks ended.
    pub checked_at: String,
    /// What people must know beside: nothing, where all is as it should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How one dependency is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependencyReport {
    name: &'static str,
    #[schemars(schema_with = "words::<Status>")]
    status: &'static str,
    critical: bool,
    reason: Option<String>,
    latency_ms: u64,
    last_check_at: String,
}

/// Asks all side by side.
pub async fn check(dependencies: &[Arc<dyn Dependency>], clock: &dyn Clock) -> (Status, Report) {
    let checks = join_all(dependencies.iter().map(|dependency| one(&**dependency, clock))).await;
    let worst = |(status, report): &(Status, DependencyReport)| match status {
        Status::Unreachable if !report.critical => Status::Degraded,
        Status::Ok | Status::Degraded | Status::Unreachable => *status,
    };
    let overall = checks.iter().map(worst).max().unwrap_or(Status::Ok);
    let dependencies = checks.into_iter().map(|(_, report)| report).collect();
    (
        overall,
        Report {
            overall: overall.as_str(),
            dependencies,
            lanes: None,
            checked_at: clock.now().to_string(),
            warnings: Vec::new(),
        },
    )
}

async fn one(dependency: &dyn Dependency, clock: &dyn Clock) -> (Status, DependencyReport) {
    let began = Instant::now();
    let answer = tokio::time::timeout(DEADLINE, dependency.check()).await;
    let (status, reason) = match answer {
        Ok(answer) => {
            dependency.timeouts().store(0, Ordering::Relaxed);
            match answer {
                Ok(()) => (Status::Ok, None),
                Err(reason) => (Status::Unreachable, Some(reason)),
            }
        }
        Err(_) => {
            let in_a_row = dependency.timeouts().fetch_add(1, Ordering::Relaxed).saturating_add(1);
            let gone = in_a_row >= TIMEOUTS_TO_UNREACHABLE;
            (if gone { Status::Unreachable } else { Status::Degraded }, Some("timeout".to_owned()))
        }
    };
    let report = DependencyReport {
        name: dependency.name(),
        status: status.as_str(),
        critical: dependency.critical(),
        reason,
        latency_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        last_check_at: clock.now().to_string(),
    };
    (status, report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::time::Timestamp;

    struct Noon;
    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(43_200_000)
        }
    }

    #[derive(Clone, Copy)]
    enum Behaviour {
        Answers,
        Fails,
        Hangs,
    }

    struct Fake(Behaviour, bool, AtomicU32);
    impl Dependency for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }
        fn critical(&self) -> bool {
            self.1
        }
        fn check(&self) -> PortFuture<'_, Result<(), String>> {
            Box::pin(async {
                match self.0 {
                    Behaviour::Answers => Ok(()),
                    Behaviour::Fails => Err("refused".to_owned()),
                    Behaviour::Hangs => std::future::pending().await,
                }
            })
        }
        fn timeouts(&self) -> &AtomicU32 {
            &self.2
        }
    }

    fn fake(behaviour: Behaviour, critical: bool) -> Arc<dyn Dependency> {
        Arc::new(Fake(behaviour, critical, AtomicU32::new(0)))
    }

    async fn overall(dependencies: &[Arc<dyn Dependency>]) -> Status {
        check(dependencies, &Noon).await.0
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_critical_dependency_makes_the_whole_unreachable() {
        assert_eq!(overall(&[]).await, Status::Ok);
        assert_eq!(overall(&[fake(Behaviour::Answers, true)]).await, Status::Ok);
        assert_eq!(overall(&[fake(Behaviour::Answers, true), fake(Behaviour::Fails, false)]).await, Status::Degraded);
        assert_eq!(
            overall(&[fake(Behaviour::Fails, true), fake(Behaviour::Answers, false)]).await,
            Status::Unreachable
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_out_is_degraded_and_the_third_in_a_row_unreachable() {
        let hanging = [fake(Behaviour::Hangs, true)];
        let (status, report) = check(&hanging, &Noon).await;
        assert_eq!((status, report.dependencies[0].reason.as_deref()), (Status::Degraded, Some("timeout")));
        assert_eq!(overall(&hanging).await, Status::Degraded);
        assert_eq!(overall(&hanging).await, Status::Unreachable);
    }

    #[tokio::test(start_paused = true)]
    async fn the_report_has_exactly_these_names() {
        let (_, report) = check(&[fake(Behaviour::Answers, true)], &Noon).await;
        let shape = serde_json::to_value(report).unwrap();
        assert_eq!(shape["overall"], "Ok");
        assert_eq!(shape["checkedAt"], "1970-01-01T12:00:00.000Z");
        let mut names: Vec<&String> = shape["dependencies"][0].as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["critical", "lastCheckAt", "latencyMs", "name", "reason", "status"]);
    }
}
