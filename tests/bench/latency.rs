use std::time::Duration;

/// What many calls took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latency {
    micros: Vec<u64>,
}

impl Latency {
    /// Of calls that took these microseconds.
    pub(crate) fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        Self { micros }
    }

    /// How many there were.
    pub(crate) fn calls(&self) -> usize {
        self.micros.len()
    }

    /// The time that this share of the calls stayed below.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank"
        )]
        let rank = (self.micros.len() as f64 * share) as usize;
        let micros = self.micros.get(rank).or(self.micros.last()).copied().unwrap_or(0);
        Duration::from_micros(micros)
    }
}

/// `0.37 / 1.20`, milliseconds.
pub(crate) fn p50_p99(latency: &Latency) -> String {
    let ms = |share| latency.quantile(share).as_secs_f64() * 1000.0;
    format!("{:.2} / {:.2}", ms(0.5), ms(0.99))
}
