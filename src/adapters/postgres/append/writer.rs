use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{Append, AppendError, Receipt};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Config;

use super::task::Task;
use super::{QUEUE, Queued, unavailable};
use crate::codec::PreparedAppend;
use crate::tail::{LogTail, closed};

/// How long a caller waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(2);

/// The caller's side of the queue, and the task behind it.
///
/// On the runtime that opened the store. A thread of its own was tried: each append then takes two more changes of thread, a
/// fifth of a lone one's time, and with a batch sent [ahead](super::pace) the server waits for nobody anyway.
#[derive(Debug)]
pub(in crate::postgres) struct Writer {
    queue: mpsc::Sender<Queued>,
    closing: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the task. It connects when there is something to write.
    pub(in crate::postgres) fn start(config: Config, statement_timeout: Duration, log: Arc<LogTail>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (closing, told_to_close) = watch::channel(false);
        let task = Task::new(config, statement_timeout, log, waiting, told_to_close);
        let task = tokio::spawn(task.run());
        Self { queue, closing, task: Mutex::new(Some(task)) }
    }

    /// Appends, and waits for the answer.
    pub(in crate::postgres) async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        let (reply, answer) = oneshot::channel();
        let queued = Queued { append: PreparedAppend::new(append)?, reply };
        match timeout(QUEUE_WAIT, self.queue.send(queued)).await {
            Ok(Ok(())) => answer.await.unwrap_or_else(|_| Err(unavailable("the writer ended").into())),
            Ok(Err(_)) => Err(closed().into()),
            Err(_) => Err(unavailable("the writer's queue is full").into()),
        }
    }

    /// Takes no more, writes what waits, ends.
    pub(in crate::postgres) async fn close(&self) {
        self.closing.send_replace(true);
        if let Some(task) = self.task.lock().await.take() {
            // An error means that it panicked, which was reported where it happened.
            let _ = task.await;
        }
    }
}
