use std::sync::Arc;

use conductor_core::port::Candidacy;

use crate::backoff::BackoffSettings;
use crate::periodic::{Cadence, Counters, Pass, Passes};

use super::{LeaderSettings, Leadership};

/// The pass that gets this process elected and keeps its term.
pub(crate) struct Elections {
    leadership: Arc<Leadership>,
    passes: Arc<Passes>,
}

impl Elections {
    /// For that process; an election wakes its leader passes.
    pub(crate) fn new(leadership: Arc<Leadership>, passes: Arc<Passes>) -> Self {
        Self { leadership, passes }
    }

    /// An answer that comes after the term's length is of no use, and a store that is away is asked again soon: what it
    /// costs is one statement.
    pub(crate) fn cadence(settings: &LeaderSettings) -> Cadence {
        let backoff = BackoffSettings { first: settings.renewal / 8, cap: settings.renewal, calm: settings.term };
        Cadence { period: settings.renewal, deadline: settings.term, backoff }
    }

    async fn stand(&self) -> Result<Counters, String> {
        let (leadership, settings) = (&self.leadership, self.leadership.settings());
        let asked = leadership.asking();
        let store = &leadership.ports().store;
        match store.take_term(leadership.holder(), settings.term).await.map_err(|error| error.to_string())? {
            Candidacy::Elected { term } => {
                leadership.trust(term, asked);
                tracing::info!(term, holder = leadership.holder(), "elected leader for term {term}");
                for pass in leadership.enlisted() {
                    self.passes.nudge(pass);
                }
                Ok(leading(term).with("elected", 1))
            }
            Candidacy::Standby { leader, left } => {
                // As soon as the term can be over: it may not be renewed again.
                let wait = left.min(settings.renewal);
                Ok(Counters::standing_by().again_in(wait).saying(format!("{leader} leads")))
            }
        }
    }
}

impl Pass for Elections {
    const NAME: &'static str = "leader";

    async fn run(&self) -> Result<Counters, String> {
        let (leadership, settings) = (&self.leadership, self.leadership.settings());
        let Some(term) = leadership.term() else { return self.stand().await };
        let asked = leadership.asking();
        let store = &leadership.ports().store;
        let renewed = store.renew_term(leadership.holder(), term, settings.term).await;
        if renewed.map_err(|error| error.to_string())? {
            leadership.trust(term, asked);
            return Ok(leading(term).with("renewed", 1));
        }
        leadership.distrust();
        tracing::warn!(term, "term {term} has ended without having been renewed in time");
        self.stand().await
    }
}

fn leading(term: u64) -> Counters {
    Counters::default().saying(format!("leads term {term}"))
}
