use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conductor_core::agent_log::{AgentLine, KeptLine};
use conductor_core::identity::AgentId;
use conductor_core::port::Broker;
use conductor_core::time::Timestamp;
use tokio::sync::mpsc;

use crate::error::json_text;
use crate::wire::AgentLineRow;

/// Lines that wait for the broker; beyond it they are not told there. Nobody is made to wait for listeners that may not exist.
const QUEUE: usize = 4_096;

/// Tells agents' lines on the broker's channels, one message per line, off the path of the request: a hint for whoever listens
/// now. What can't be told is dropped; the table has it.
pub struct LinePublisher {
    queue: mpsc::Sender<(AgentId, String)>,
    behind: AtomicBool,
}

impl LinePublisher {
    /// Starts it on the current Tokio runtime; it ends when it is dropped.
    #[must_use]
    pub fn start(broker: Arc<dyn Broker>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(publish(broker, waiting));
        Self { queue, behind: AtomicBool::new(false) }
    }

    /// Tells lines that came then.
    pub fn tell(&self, lines: &[AgentLine], at: Timestamp) {
        for line in lines {
            // As `GET /api/agent-logs` gives it, where the place isn't shown either.
            let row = AgentLineRow::of(&KeptLine { place: 0, at, line: line.clone() });
            let full = self.queue.try_send((line.claimant.agent.clone(), json_text(&row))).is_err();
            if full && !self.behind.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "agents' lines come faster than the broker takes them: some are not told on its channels"
                );
            } else if !full {
                self.behind.store(false, Ordering::Relaxed);
            }
        }
    }
}

async fn publish(broker: Arc<dyn Broker>, mut waiting: mpsc::Receiver<(AgentId, String)>) {
    let mut failing = false;
    while let Some((agent, line)) = waiting.recv().await {
        match broker.publish_log(&agent, &line).await {
            Ok(_listeners) => failing = false,
            Err(failure) if failing => tracing::debug!(%agent, %failure, "a line of {agent} was not told: {failure}"),
            Err(failure) => {
                failing = true;
                tracing::info!(%agent, %failure, "agents' lines are not told on the broker's channels now: {failure}");
            }
        }
    }
}
