use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use conductor_core::port::{Append, AppendError, Receipt, StoreFailure};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_postgres::Config;

use super::session::{Session, Written};
use super::{Queued, batch};
use crate::codec::PreparedAppend;
use crate::tail::{LogTail, closed};

/// Appends that may wait: four full batches, less than a second of work.
const QUEUE: usize = 4 * batch::MOST_APPENDS;

/// How long a caller waits for a place in the queue.
const QUEUE_WAIT: Duration = Duration::from_secs(2);

/// Pauses between attempts to reach the server: doubling from the first to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The caller's side of the queue, and the thread behind it.
///
/// A thread of its own, as SQLite's writer has one: the server waits for nobody but this task, and on a runtime shared with
/// the callers it would stand in line behind each of those that its last batch has just woken.
#[derive(Debug)]
pub(in crate::postgres) struct Writer {
    queue: mpsc::Sender<Queued>,
    closing: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. It connects when there is something to write.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(in crate::postgres) fn start(
        config: Config,
        statement_timeout: Duration,
        log: Arc<LogTail>,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (closing, told_to_close) = watch::channel(false);
        let task = Task { config, statement_timeout, log, queue: waiting, closing: told_to_close, session: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("postgres-writer".to_owned())
            .spawn(move || runtime.block_on(task.run()))?;
        Ok(Self { queue, closing, thread: Mutex::new(Some(thread)) })
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
        if let Some(thread) = self.thread.lock().await.take() {
            // An error means that it panicked, which was reported where it happened.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn unavailable(why: &str) -> StoreFailure {
    StoreFailure::Unavailable(why.to_owned())
}

struct Task {
    config: Config,
    statement_timeout: Duration,
    log: Arc<LogTail>,
    queue: mpsc::Receiver<Queued>,
    closing: watch::Receiver<bool>,
    session: Option<Session>,
}

impl Task {
    async fn run(mut self) {
        let mut waiting = Vec::new();
        let mut pause = BACK_OFF.0;
        while self.gather(&mut waiting).await {
            match self.connect().await {
                Ok(session) => {
                    pause = BACK_OFF.0;
                    self.write(session, batch::take(&mut waiting)).await;
                }
                Err(failure) => {
                    tracing::warn!(%failure, waiting = waiting.len(), "failed to {failure}");
                    batch::fail(waiting.drain(..), &failure);
                    sleep(pause).await;
                    pause = (pause * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    /// Takes in all that waits, and waits for something if nothing does; false when there will be nothing any more.
    async fn gather(&mut self, waiting: &mut Vec<Queued>) -> bool {
        while waiting.is_empty() {
            tokio::select! {
                biased;
                taken = self.queue.recv_many(waiting, QUEUE) => if taken == 0 { return false },
                _ = self.closing.wait_for(|closing| *closing) => self.queue.close(),
            }
            // Whoever has given up already is spared the doubt.
            waiting.retain(|queued| !queued.reply.is_closed());
        }
        while waiting.len() < QUEUE {
            match self.queue.try_recv() {
                Ok(queued) => waiting.push(queued),
                Err(_) => break,
            }
        }
        true
    }

    async fn connect(&mut self) -> Result<Session, StoreFailure> {
        match self.session.take() {
            Some(session) if !session.is_closed() => Ok(session),
            Some(_) | None => Session::open(&self.config, self.statement_timeout).await,
        }
    }

    async fn write(&mut self, session: Session, batch: Vec<Queued>) {
        let written = session.write(&batch).await;
        match written {
            Written::Answered(answers) => self.answer(batch, answers),
            Written::Refused(_) if batch.len() > 1 => return self.write_singly(session, batch).await,
            Written::Refused(failure) | Written::Failed(failure) => batch::fail(batch, &failure),
            Written::Unknown(failure) => {
                tracing::warn!(%failure, appends = batch.len(), "failed to learn what became of a batch");
                return batch::fail(batch, &failure);
            }
        }
        self.session = Some(session);
    }

    /// One append in the batch makes the server refuse it; alone, each gets what it deserves.
    async fn write_singly(&mut self, session: Session, batch: Vec<Queued>) {
        let mut session = Some(session);
        for queued in batch {
            let alone = vec![queued];
            let Some(open) = session.as_ref() else {
                batch::fail(alone, &unavailable("the connection broke"));
                continue;
            };
            match open.write(&alone).await {
                Written::Answered(answers) => self.answer(alone, answers),
                Written::Refused(failure) | Written::Failed(failure) => batch::fail(alone, &failure),
                Written::Unknown(failure) => {
                    batch::fail(alone, &failure);
                    session = None;
                }
            }
        }
        self.session = session;
    }

    fn answer(&self, batch: Vec<Queued>, answers: Vec<Result<Receipt, AppendError>>) {
        let last = answers.iter().flatten().map(|receipt| receipt.last_position).max();
        for (queued, answer) in batch.into_iter().zip(answers) {
            // A caller that has gone doesn't want to know.
            let _ = queued.reply.send(answer);
        }
        if let Some(position) = last {
            self.log.grown(position);
        }
    }
}
