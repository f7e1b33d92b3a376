//! Appends through the store port, with read-model rows, beside single statements of the same database.

use std::sync::Arc;

use conductor_adapters::codec::PreparedAppend;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::Store;

use crate::callers::append_for;
use crate::database;
use crate::foreign_load::{ForeignLoad, TOO_MUCH};
use crate::latency::{Latency, p50_p99};
use crate::options::Options;
use crate::pgbench::{Pgbench, Texts};
use crate::story::Issue;
use crate::table::{Table, median};

/// What all rounds at one number of callers gave.
#[derive(Default)]
struct Rounds {
    ours: Vec<f64>,
    reference: Vec<f64>,
    ratios: Vec<f64>,
    latency_ratios: Vec<f64>,
    last: Option<(Latency, Latency)>,
    foreign: f64,
}

impl Rounds {
    fn add(&mut self, ours: Latency, reference: Latency, seconds: u64, foreign: f64) {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = |latency: &Latency| latency.calls() as f64 / seconds as f64;
        let (mine, theirs) = (rate(&ours), rate(&reference));
        self.foreign = self.foreign.max(foreign);
        if foreign <= TOO_MUCH {
            self.ratios.push(mine / theirs);
            self.latency_ratios
                .push(ours.quantile(0.5).as_secs_f64() / reference.quantile(0.5).as_secs_f64().max(1e-6));
        }
        self.ours.push(mine);
        self.reference.push(theirs);
        self.last = Some((ours, reference));
    }

    fn row(self, what: String, expected: &str) -> [String; 7] {
        let rate = |rates| median(rates).map_or_else(String::new, |rate| format!("{rate:.0}/s"));
        let ratio = match (median(self.ratios), median(self.latency_ratios)) {
            (Some(ratio), Some(latency)) => format!("{ratio:.2} x rate, {latency:.2} x p50"),
            (_, _) => format!("not compared: others used {:.0} %", self.foreign * 100.0),
        };
        let (ours, reference) = self.last.unwrap_or_default();
        [what, rate(self.ours), rate(self.reference), ratio, p50_p99(&ours), p50_p99(&reference), expected.to_owned()]
    }
}

/// PostgreSQL: ours beside pgbench, at each number of callers.
pub(crate) async fn postgres(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = database::store(&database::create(options, "bench_appends").await?).await?;
    let entropy = Arc::new(SystemEntropy::new());
    let mut issues: Vec<Issue> = (0..options.issues).map(Issue::new).collect();
    warm_up(&store, &entropy, &mut issues).await?;
    let reference =
        Pgbench::prepare(options, database::create(options, "bench_reference").await?, texts(&entropy)?).await?;
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

/// As long as ours are on average over an issue's life.
fn texts(entropy: &SystemEntropy) -> anyhow::Result<Texts> {
    let prepared = PreparedAppend::new(Issue::new(1).next(entropy, 10))?;
    let texts = prepared.events.iter().map(|event| (&event.encoded.data, &event.encoded.metadata));
    let total: usize = texts.map(|(data, metadata)| data.len() + metadata.len()).sum();
    let average = &prepared.events[6].encoded;
    eprintln!(
        "an event has {} bytes on average, a row's document {}",
        total / prepared.events.len(),
        prepared.document.len()
    );
    let padding = (total / prepared.events.len()).saturating_sub(average.data.len() + average.metadata.len());
    let data = average.data.replacen('{', &format!("{{\"padding\":\"{}\",", "x".repeat(padding.saturating_sub(13))), 1);
    Ok(Texts { data, metadata: average.metadata.clone(), document: prepared.document })
}
