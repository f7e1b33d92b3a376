//! Claims with 8 and 32 workers over the issues of a queue: index, actor and append, beside a bare `FOR UPDATE SKIP LOCKED`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use conductor_actors::{Arbiters, Coordinator, Ports, Request, Settings, StateListener, run_system};
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::event::{Actor, IssueApproved, Metadata, Priority};
use conductor_core::identity::{Claimant, IssueRef, StreamId};
use conductor_core::issue::{Hand, IssueCommand, IssueDecider};
use conductor_core::port::Store;
use conductor_core::roster::{GitHubMode, Policy};
use conductor_e::daemon::dispatch::Dispatch;
use conductor_e::daemon::work_index::WorkIndex;
use conductor_http::edge::Claims;
use conductor_http::leases::{LeaseKeeper, LeaseTerms, LiveLeases};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;

use crate::database;
use crate::fleet;
use crate::foreign_load::{ForeignLoad, TOO_MUCH};
use crate::latency::{Latency, p50_p99};
use crate::options::Options;
use crate::table::{Table, median};

/// As many as the peers are measured with.
const WORKERS: [usize; 2] = [8, 32];
/// What everybody does who keeps a queue in SQL.
const REFERENCE: &str = "
    UPDATE reference_jobs SET claimed_by = $1 WHERE id =
        (SELECT id FROM reference_jobs WHERE claimed_by IS NULL ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id";

/// Measures all rounds.
pub(crate) async fn measure(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    for workers in WORKERS {
        measure_with(workers, options, table).await?;
    }
    Ok(())
}

async fn measure_with(workers: usize, options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let (mut ours, mut reference, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut last, mut foreign) = (None, 0.0_f64);
    for round in 0..options.rounds {
        let watch = ForeignLoad::watch(options.postmaster)?;
        let url = database::create(options, &format!("bench_claims_{round}")).await?;
        let (count, store) = (options.issues, database::store(&url).await?);
        let (mine, my_rate) = tokio::task::spawn_blocking(move || claim_all(store, workers, count)).await??;
        let url = database::create(options, &format!("bench_skip_locked_{round}")).await?;
        let (theirs, their_rate) = claim_all_in_sql(&url, workers, options.issues).await?;
        let share = watch.share()?;
        foreign = foreign.max(share);
        if share <= TOO_MUCH {
            ratios.push(my_rate / their_rate);
        }
        ours.push(my_rate);
        reference.push(their_rate);
        last = Some((mine, theirs));
    }
    let (mine, theirs) = last.context("measure at least one round")?;
    let rate = |rates| median(rates).map_or_else(String::new, |rate| format!("{rate:.0}/s"));
    let ratio = median(ratios).map_or_else(
        || format!("not compared: others used {:.0} %", foreign * 100.0),
        |ratio| format!("{ratio:.2} x rate"),
    );
    let what = format!("claims, {workers} workers over {} issues (beside bare SKIP LOCKED)", options.issues);
    table.add([what, rate(ours), rate(reference), ratio, p50_p99(&mine), p50_p99(&theirs), String::new()]);
    Ok(())
}

/// The daemon's own way, each claim by a claimant of its own, so that none holds an unstarted one.
fn claim_all(store: Arc<dyn Store>, workers: usize, issues: usize) -> anyhow::Result<(Latency, f64)> {
    let runtime = Arc::new(Runtime::new()?);
    let shared = Arc::clone(&runtime);
    run_system(&runtime, async move {
        let mut policy = Policy::built_in(GitHubMode::Webhook);
        let agents = fleet::size(issues, workers);
        policy.roster.agents = (0..agents).map(fleet::member).collect::<Option<_>>().context("name the agents")?;
        let policy = Arc::new(policy);
        let index = Arc::new(WorkIndex::new(&policy));
        let listeners = vec![Arc::clone(&index) as Arc<dyn StateListener>];
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy::new()));
        let ports = Ports { store, clock, entropy, policy, destinations: Ports::inside(), listeners };
        let terms = LeaseTerms { length: ports.policy.timers.lease, streamed: false };
        let keeper = LeaseKeeper::start(Arc::clone(&ports.store), Arc::clone(&index) as Arc<dyn LiveLeases>, terms);
        let coordinator = Coordinator::start(ports, Settings::default(), Arbiters::start(&shared, 2)).await;
        approve_all(&coordinator, issues).await?;
        let dispatch = Dispatch::new(coordinator.clone(), index, keeper);
        let began = Instant::now();
        let claimed = try_join_all((0..workers).map(|worker| work_off(&dispatch, worker, workers, agents))).await?;
        let took = began.elapsed();
        let latencies: Vec<Duration> = claimed.into_iter().flatten().collect();
        ensure!(latencies.len() == issues, "{} claims of {issues} issues", latencies.len());
        coordinator.drain(Duration::from_secs(10)).await;
        coordinator.stop();
        Ok(rated(latencies, took))
    })
}

async fn approve_all(coordinator: &Coordinator, issues: usize) -> anyhow::Result<()> {
    let numbers: Vec<usize> = (1..=issues).collect();
    for some in numbers.chunks(128) {
        let approvals = some.iter().map(|number| async move {
            let stream =
                IssueRef::parse(&format!("acme/web#{number}")).map(StreamId::Issue).context("name the issue")?;
            let request = Request::new(
                IssueCommand::Approve { approval: Box::new(approval(*number)), hand: Hand::Person },
                Metadata::by(Actor::Operator("bench".to_owned())),
            );
            coordinator.execute::<IssueDecider>(stream, request).await.map_err(anyhow::Error::from)
        });
        try_join_all(approvals).await?;
    }
    Ok(())
}

fn approval(number: usize) -> IssueApproved {
    IssueApproved {
        title: format!("Issue {number}"),
        url: None,
        body: None,
        priority: Priority::Normal,
        depends_on: Vec::new(),
        stack: None,
        escalate: Vec::new(),
        tools: Vec::new(),
        test_command: None,
        build_command: None,
        milestone: None,
        labels: Vec::new(),
        source: "bench".to_owned(),
        new_life: false,
        updated_at: None,
    }
}

/// Asks for its agents in turn, each time as another instance.
async fn work_off(dispatch: &Dispatch, worker: usize, workers: usize, agents: usize) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let run = latencies.len();
        let agent = worker + run % (agents / workers) * workers;
        let name = format!("worker-{agent}/run{run}");
        let claimant = Claimant::parse(&name).context("name the claimant")?;
        let began = Instant::now();
        if dispatch.next(claimant).await?.is_none() {
            return Ok(latencies);
        }
        latencies.push(began.elapsed());
    }
}

async fn claim_all_in_sql(url: &str, workers: usize, issues: usize) -> anyhow::Result<(Latency, f64)> {
    let setup = database::client(url).await?;
    let fill = format!(
        "CREATE TABLE reference_jobs (id bigint PRIMARY KEY, priority int NOT NULL, claimed_by text, payload text NOT NULL);
         CREATE INDEX ON reference_jobs (priority, id) WHERE claimed_by IS NULL;
         INSERT INTO reference_jobs SELECT n, 2, NULL, repeat('x', 300) FROM generate_series(1, {issues}) n;"
    );
    setup.batch_execute(&fill).await?;
    let clients = try_join_all((0..workers).map(|_| database::client(url))).await?;
    let began = Instant::now();
    let workers = clients.iter().enumerate().map(|(worker, client)| async move {
        let (statement, name) = (client.prepare(REFERENCE).await?, format!("worker-{worker}"));
        let mut latencies = Vec::new();
        loop {
            let began = Instant::now();
            if client.query_opt(&statement, &[&name]).await?.is_none() {
                return anyhow::Ok(latencies);
            }
            latencies.push(began.elapsed());
        }
    });
    let latencies: Vec<Duration> = try_join_all(workers).await?.into_iter().flatten().collect();
    Ok(rated(latencies, began.elapsed()))
}

fn rated(latencies: Vec<Duration>, took: Duration) -> (Latency, f64) {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = latencies.len() as f64 / took.as_secs_f64();
    let micros = latencies.iter().map(|latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    (Latency::of(micros.collect()), rate)
}
