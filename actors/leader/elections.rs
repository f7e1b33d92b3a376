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
                if store.is_shared() {
                    tracing::info!(term, holder = leadership.holder(), "elected leader for term {term}");
                } else {
                    // Nobody else could be.
                    tracing::debug!(term, holder = leadership.holder(), "leads alone, for term {term}");
                }
                self.wake_passes();
                Ok(leading(term).with("elected", 1))
            }
            Candidacy::Standby { leader, left } => {
                // As soon as the term can be over: it may not be renewed again.
                let wait = left.min(settings.renewal);
                Ok(Counters::standing_by().again_in(wait).saying(format!("{leader} leads")))
            }
        }
    }

    /// To begin, or to stand by: also those that come once an hour show at once what they are.
    fn wake_passes(&self) {
        for pass in self.leadership.enlisted() {
            self.passes.nudge(pass);
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
        match store.renew_term(leadership.holder(), term, settings.term).await {
            Ok(true) => {
                let lapsed = leadership.proof().is_none();
                leadership.trust(term, asked);
                if lapsed {
                    self.wake_passes();
                }
                return Ok(leading(term).with("renewed", 1));
            }
            Ok(false) => leadership.distrust(),
            Err(error) => {
                if leadership.proof().is_none() {
                    self.wake_passes();
                }
                return Err(error.to_string());
            }
        }
        self.wake_passes();
        tracing::warn!(term, "term {term} has ended without having been renewed in time");
        self.stand().await
    }
}

fn leading(term: u64) -> Counters {
    Counters::default().saying(format!("leads term {term}"))
}
