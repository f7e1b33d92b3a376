use std::time::Duration;

use crate::foreign_load::TOO_MUCH;
use crate::latency::{Latency, p50_p99};
use crate::table::median;

/// What the rounds of one comparison gave.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    ours: Vec<f64>,
    reference: Vec<f64>,
    ratios: Vec<f64>,
    latency_ratios: Vec<f64>,
    last: Option<(Latency, Latency)>,
    foreign: f64,
}

impl Rounds {
    /// Adds a round: both ran this long, while others used that share of the machine.
    pub(crate) fn add(&mut self, ours: Latency, reference: Latency, seconds: u64, foreign: f64) {
        let took = Duration::from_secs(seconds);
        self.add_timed((ours, took), (reference, took), foreign);
    }

    /// The same where each took a time of its own.
    pub(crate) fn add_timed(
        &mut self,
        (ours, my_time): (Latency, Duration),
        (reference, their_time): (Latency, Duration),
        foreign: f64,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = |latency: &Latency, time: Duration| latency.calls() as f64 / time.as_secs_f64();
        let (mine, theirs) = (rate(&ours, my_time), rate(&reference, their_time));
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

    /// The row of the table.
    pub(crate) fn row(self, what: String, expected: &str) -> [String; 7] {
        let rate = |rates| median(rates).map_or_else(String::new, |rate| format!("{rate:.0}/s"));
        let ratio = match (median(self.ratios), median(self.latency_ratios)) {
            (Some(ratio), Some(latency)) => format!("{ratio:.2} x rate, {latency:.2} x p50"),
            (_, _) => format!("not compared: others used {:.0} %", self.foreign * 100.0),
        };
        let (ours, reference) = self.last.unwrap_or_default();
        [what, rate(self.ours), rate(self.reference), ratio, p50_p99(&ours), p50_p99(&reference), expected.to_owned()]
    }
}
