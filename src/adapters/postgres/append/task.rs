use std::slice;
use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::StoreFailure;
use futures_util::StreamExt;
use futures_util::future::{self, BoxFuture, OptionFuture};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_postgres::Config;

use super::herald::Herald;
use super::pace::Pace;
use super::session::{Line, Session, Written};
use super::{QUEUE, Queued, batch, unavailable};
use crate::tail::LogTail;

/// Pauses between attempts to reach the server: doubling from the first to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What writes the batches, until the queue is closed and empty.
pub(super) struct Task {
    config: Config,
    statement_timeout: Duration,
    log: Arc<LogTail>,
    queue: mpsc::Receiver<Queued>,
    closing: watch::Receiver<bool>,
    session: Option<Arc<Session>>,
    line: Option<Line>,
    waiting: Vec<Queued>,
    pace: Pace,
    herald: Herald,
}

/// What the server was asked, and what became of it. All of it is awaited at once: the answers share a connection, and one that
/// nobody takes off it holds up those behind it.
enum Done {
    Sent { batch: Vec<Queued>, written: Written, announced: bool },
    SentSingly { outcomes: Vec<(Queued, Written)> },
    Announced,
}

type Asked = BoxFuture<'static, Done>;

impl Task {
    pub(super) fn new(
        config: Config,
        statement_timeout: Duration,
        log: Arc<LogTail>,
        queue: mpsc::Receiver<Queued>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let (pace, herald) = (Pace::default(), Herald::default());
        Self {
            config,
            statement_timeout,
            log,
            queue,
            closing,
            session: None,
            line: None,
            waiting: Vec::new(),
            pace,
            herald,
        }
    }

    pub(super) async fn run(mut self) {
        let mut asked = FuturesUnordered::new();
        let mut pause = BACK_OFF.0;
        let mut open = true;
        while open || !self.waiting.is_empty() || !asked.is_empty() {
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
                        asked.push(send(session, batch, ahead, announce));
                    }
                    // What is under way on a session that broke fails soon; until then nothing new is begun.
                    Err(_) if self.pace.in_flight() > 0 => break,
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
                Some(done) = asked.next() => asked.extend(self.finish(done)),
                // When it ends, what is under way fails, and the next session brings another one.
                Some(_) = OptionFuture::from(self.line.as_mut()) => self.line = None,
                taken = self.queue.recv_many(&mut self.waiting, room), if open && room > 0 => open = taken > 0,
                () = until(tell_at), if tell_at.is_some() => asked.extend(self.announce()),
                () = told(&mut self.closing), if !self.queue.is_closed() => self.queue.close(),
                // Closed, and those who waited have given up.
                else => {}
            }
        }
        if let (Some(announced), Some(line)) = (self.announce(), self.line) {
            // Until the one or the other.
            future::select(announced, line).await;
        }
    }

    /// The session that there is; a new one only while nothing is under way on an old one.
    async fn connect(&mut self) -> Result<Arc<Session>, StoreFailure> {
        match &self.session {
            Some(session) if !session.is_closed() => Ok(Arc::clone(session)),
            Some(_) | None if self.pace.in_flight() > 0 => Err(unavailable("the connection broke")),
            Some(_) | None => {
                let (session, line) = Session::open(&self.config, self.statement_timeout).await?;
                self.line = Some(line);
                let session = Arc::new(session);
                Ok(Arc::clone(self.session.insert(session)))
            }
        }
    }

    /// Answers the callers. Gives back what is to be asked next, if that is how it goes on.
    fn finish(&mut self, done: Done) -> Option<Asked> {
        match done {
            Done::Announced => None,
            Done::Sent { batch, written: Written::Refused(_), .. } if batch.len() > 1 => Some(self.send_singly(batch)),
            Done::Sent { batch, written, announced } => {
                self.pace.answered(batch.len());
                self.answer(batch, written, announced);
                None
            }
            Done::SentSingly { outcomes } => {
                self.pace.answered(outcomes.len());
                for (queued, written) in outcomes {
                    self.answer(vec![queued], written, true);
                }
                None
            }
        }
    }

    /// One append in the batch makes the server refuse it; alone, each gets what it deserves.
    fn send_singly(&self, batch: Vec<Queued>) -> Asked {
        let (session, ahead) = (self.session.clone(), self.pace.in_flight());
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(batch.len());
            let mut session = session;
            for queued in batch {
                let written = match &session {
                    Some(session) => session.write(slice::from_ref(&queued), ahead, true).await,
                    None => Written::Failed(unavailable("the connection broke")),
                };
                if matches!(written, Written::Unknown(_)) {
                    session = None;
                }
                outcomes.push((queued, written));
            }
            Done::SentSingly { outcomes }
        })
    }

    /// Tells the other replicas what they were not told, if there is anything.
    fn announce(&mut self) -> Option<Asked> {
        let position = self.herald.take(Instant::now())?;
        let session = Arc::clone(self.session.as_ref()?);
        Some(Box::pin(async move {
            session.announce(position).await;
            Done::Announced
        }))
    }

    fn answer(&mut self, batch: Vec<Queued>, written: Written, announced: bool) {
        match written {
            Written::Answered(answers) => {
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
            Written::Refused(failure) | Written::Failed(failure) => batch::fail(batch, &failure),
            Written::Unknown(failure) => {
                tracing::warn!(%failure, appends = batch.len(), "failed to learn what became of a batch");
                batch::fail(batch, &failure);
                (self.session, self.line) = (None, None);
            }
        }
    }
}

fn send(session: Arc<Session>, batch: Vec<Queued>, ahead: usize, announced: bool) -> Asked {
    Box::pin(async move {
        let written = session.write(&batch, ahead, announced).await;
        Done::Sent { batch, written, announced }
    })
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
