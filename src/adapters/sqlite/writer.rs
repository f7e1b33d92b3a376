use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use conductor_core::port::StoreFailure;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure::{Fault, unsigned};
use super::folder_lock::FolderLock;
use crate::tail::{LogTail, closed};

/// Jobs in one transaction. More would make the first of them wait longer than they save.
const BATCH: usize = 512;
/// Jobs that may wait; callers beyond wait for room. Far above what the actors' admission lets in.
const QUEUE: usize = 4096;

/// Work for the writer's connection, and whom to tell.
trait Job: Send {
    /// Does the work inside the batch's transaction; what it wrote is taken back when it fails.
    fn run(&mut self, connection: &Connection) -> Result<(), Fault>;
    /// Tells the caller: `Ok` once the work is durable.
    fn settle(self: Box<Self>, durable: Result<(), StoreFailure>);
}

struct Call<W, T> {
    work: Option<W>,
    outcome: Option<T>,
    caller: oneshot::Sender<Result<T, StoreFailure>>,
}

impl<W, T> Job for Call<W, T>
where
    W: FnOnce(&Connection) -> Result<T, Fault> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), Fault> {
        if let Some(work) = self.work.take() {
            self.outcome = Some(work(connection)?);
        }
        Ok(())
    }

    fn settle(self: Box<Self>, durable: Result<(), StoreFailure>) {
        // A caller that hung up has chosen not to know.
        let _ = match (durable, self.outcome) {
            (Ok(()), Some(outcome)) => self.caller.send(Ok(outcome)),
            (Ok(()), None) => self.caller.send(Err(StoreFailure::Unavailable("the work was not done".to_owned()))),
            (Err(failure), _) => self.caller.send(Err(failure)),
        };
    }
}

/// The one thread that writes. It owns the folder's lock, so that the lock outlives the last commit.
#[derive(Debug)]
pub(super) struct Writer {
    // `None` once it is closed.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, lock: FolderLock, tail: Arc<LogTail>) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            work_off(&connection, waiting, &tail);
            drop(connection);
            drop(lock);
        })?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Queues work; once queued, it is done whether or not anybody waits for the answer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Call { work: Some(work), outcome: None, caller });
        let ended = || StoreFailure::Unavailable("its writer has ended".to_owned());
        queue.send(job).await.map_err(|_| ended())?;
        drop(queue);
        answer.await.map_err(|_| ended())?
    }

    /// Takes no more work, and returns when what was queued is done.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(|| thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the SQLite writer ended by a panic");
        }
    }
}

fn work_off(connection: &Connection, mut waiting: mpsc::Receiver<Box<dyn Job>>, tail: &LogTail) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        commit(connection, batch);
        match connection.prepare_cached("SELECT coalesce(max(position), 0) FROM events").and_then(head) {
            Ok(head) => tail.grown(head),
            Err(error) => tracing::error!(%error, "failed to read the head of the log after a commit"),
        }
    }
}

fn head(mut statement: rusqlite::CachedStatement<'_>) -> rusqlite::Result<u64> {
    statement.query_row([], |row| row.get(0)).map(unsigned)
}

/// One transaction for the whole batch; a job that fails is taken back alone and fails nobody else.
fn commit(connection: &Connection, batch: Vec<Box<dyn Job>>) {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        return fail(batch, &StoreFailure::from(error));
    }
    let (mut done, mut batch) = (Vec::with_capacity(batch.len()), batch.into_iter());
    while let Some(mut job) = batch.next() {
        match in_savepoint(connection, job.as_mut()) {
            Ok(()) => done.push(job),
            Err(fault) => {
                let failure = StoreFailure::from(fault);
                job.settle(Err(failure.clone()));
                // Some errors (a full disk among them) make SQLite give up the transaction, and with it what was done.
                if connection.is_autocommit() {
                    return fail(done.into_iter().chain(batch), &failure);
                }
            }
        }
    }
    match execute(connection, "COMMIT") {
        Ok(()) => done.into_iter().for_each(|job| job.settle(Ok(()))),
        Err(error) => {
            // Nothing of it stands: the next BEGIN would fail were the transaction left open.
            let _ = execute(connection, "ROLLBACK");
            fail(done, &StoreFailure::from(error));
        }
    }
}

/// Runs one job so that it leaves either all that it wrote or nothing; where even that fails, the transaction goes.
fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> Result<(), Fault> {
    execute(connection, "SAVEPOINT job")?;
    let worked = run_caught(connection, job).and_then(|()| execute(connection, "RELEASE job"));
    if worked.is_err() && !connection.is_autocommit() {
        let taken_back = execute(connection, "ROLLBACK TO job").and_then(|()| execute(connection, "RELEASE job"));
        if taken_back.is_err() {
            execute(connection, "ROLLBACK")?;
        }
    }
    worked
}

/// A bug in one job must not end the thread that everybody's writes depend on.
fn run_caught(connection: &Connection, job: &mut dyn Job) -> Result<(), Fault> {
    // Unwind safety: what the job wrote is taken back with its savepoint, and the job itself is only settled.
    let caught = catch_unwind(AssertUnwindSafe(|| job.run(connection)));
    caught.unwrap_or_else(|_| Err(StoreFailure::Corrupt("a statement's code panicked".to_owned()).into()))
}

fn execute(connection: &Connection, statement: &str) -> Result<(), Fault> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}

fn fail(jobs: impl IntoIterator<Item = Box<dyn Job>>, failure: &StoreFailure) {
    jobs.into_iter().for_each(|job| job.settle(Err(failure.clone())));
}
