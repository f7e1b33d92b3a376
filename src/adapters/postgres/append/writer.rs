use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::{Append, AppendError, Receipt, StoreFailure};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::Config;

use super::herald::Herald;
use super::pace::Pace;
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
        let task = Task {
            config,
            statement_timeout,
            log,
            queue: waiting,
            closing: told_to_close,
            session: None,
            waiting: Vec::new(),
            pace: Pace::default(),
            herald: Herald::default(),
        };
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

fn unavailable(why: &str) -> StoreFailure {
    StoreFailure::Unavailable(why.to_owned())
}

struct Task {
    config: Config,
    statement_timeout: Duration,
    log: Arc<LogTail>,
    queue: mpsc::Receiver<Queued>,
    closing: watch::Receiver<bool>,
    session: Option<Arc<Session>>,
    waiting: Vec<Queued>,
    pace: Pace,
    herald: Herald,
}

/// A batch that was sent, and what became of it.
struct Sent {
    session: Arc<Session>,
    batch: Vec<Queued>,
    written: Written,
    announced: bool,
}

impl Task {
    async fn run(mut self) {
        let mut in_flight = FuturesUnordered::new();
        let mut pause = BACK_OFF.0;
        let mut open = true;
        while open || !self.waiting.is_empty() || !in_flight.is_empty() {
            // Whoever has given up already is spared the doubt.
            self.waiting.retain(|queued| !queued.reply.is_closed());
            while self.pace.is_time_for_another(self.waiting.len()) {
                match self.connect().await {
                    Ok(session) => {
                        pause = BACK_OFF.0;
                        let batch = batch::take(&mut self.waiting);
                        let ahead = self.pace.in_flight();
                        self.pace.sent(batch.len(), self.waiting.len());
                        let announce = self.herald.tells(Instant::now());
                        in_flight.push(send(session, batch, ahead, announce));
                    }
                    // What is under way on a session that broke fails soon; until then nothing new is begun.
                    Err(_) if !in_flight.is_empty() => break,
                    Err(failure) => {
                        tracing::warn!(%failure, waiting = self.waiting.len(), "failed to {failure}");
                        batch::fail(self.waiting.drain(..), &failure);
                        sleep(pause).await;
                        pause = (pause * 2).min(BACK_OFF.1);
                    }
                }
            }
            let tell_at = self.herald.due();
            let room = QUEUE - self.waiting.len().min(QUEUE);
            tokio::select! {
                biased;
                Some(sent) = in_flight.next() => self.finish(sent).await,
                taken = self.queue.recv_many(&mut self.waiting, room), if open && room > 0 => open = taken > 0,
                () = until(tell_at), if tell_at.is_some() => self.announce().await,
                () = told(&mut self.closing), if !self.queue.is_closed() => self.queue.close(),
                // Closed, and those who waited have given up.
                else => {}
            }
        }
        self.announce().await;
    }

    /// The session that there is; a new one only while nothing is under way on an old one.
    async fn connect(&mut self) -> Result<Arc<Session>, StoreFailure> {
        match &self.session {
            Some(session) if !session.is_closed() => Ok(Arc::clone(session)),
            Some(_) | None if self.pace.in_flight() > 0 => Err(unavailable("the connection broke")),
            Some(_) | None => {
                let session = Arc::new(Session::open(&self.config, self.statement_timeout).await?);
                Ok(Arc::clone(self.session.insert(session)))
            }
        }
    }

    async fn finish(&mut self, Sent { session, batch, written, announced }: Sent) {
        self.pace.answered(batch.len());
        match written {
            Written::Answered(answers) => self.answer(batch, answers, announced),
            Written::Refused(_) if batch.len() > 1 => self.write_singly(&session, batch).await,
            Written::Refused(failure) | Written::Failed(failure) => batch::fail(batch, &failure),
            Written::Unknown(failure) => {
                tracing::warn!(%failure, appends = batch.len(), "failed to learn what became of a batch");
                batch::fail(batch, &failure);
                self.session = None;
            }
        }
    }

    /// One append in the batch makes the server refuse it; alone, each gets what it deserves.
    async fn write_singly(&mut self, session: &Session, batch: Vec<Queued>) {
        for queued in batch {
            let alone = vec![queued];
            if self.session.is_none() {
                batch::fail(alone, &unavailable("the connection broke"));
                continue;
            }
            match session.write(&alone, self.pace.in_flight(), true).await {
                Written::Answered(answers) => self.answer(alone, answers, true),
                Written::Refused(failure) | Written::Failed(failure) => batch::fail(alone, &failure),
                Written::Unknown(failure) => {
                    batch::fail(alone, &failure);
                    self.session = None;
                }
            }
        }
    }

    async fn announce(&mut self) {
        if let (Some(position), Some(session)) = (self.herald.take(Instant::now()), &self.session) {
            session.announce(position).await;
        }
    }

    fn answer(&mut self, batch: Vec<Queued>, answers: Vec<Result<Receipt, AppendError>>, announced: bool) {
        let last = answers.iter().flatten().map(|receipt| receipt.last_position).max();
        for (queued, answer) in batch.into_iter().zip(answers) {
            // A caller that has gone doesn't want to know.
            let _ = queued.reply.send(answer);
        }
        if let Some(position) = last {
            self.log.grown(position);
            self.herald.grown(position, announced);
        }
    }
}

async fn send(session: Arc<Session>, batch: Vec<Queued>, ahead: usize, announced: bool) -> Sent {
    let written = session.write(&batch, ahead, announced).await;
    Sent { session, batch, written, announced }
}

/// Ends at that time; never, where there is none.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Ends when the store is closed, or gone.
async fn told(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}
