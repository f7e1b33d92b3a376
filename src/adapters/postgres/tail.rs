//! How far the log has grown, on this replica and on the others.
//!
//! A connection of its own listens for the writers' NOTIFY; every [`POLL`] it also asks for the highest position, which
//! finds what a lost notification would have told, keeps the connection honest, and is all that remains behind a proxy that
//! doesn't pass notifications on. A lost connection comes back by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};

use super::failure::described;
use super::session_settings::with_settings;
use super::sql_types::count;
use crate::tail::LogTail;

/// The longest that a reader waits for what a lost notification would have told.
const POLL: Duration = Duration::from_secs(1);

/// How long a poll may take.
const POLL_TIMEOUT: Duration = Duration::from_secs(3);

/// Pauses between attempts to reach the server: doubling from the first to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The task that keeps a [`LogTail`] up to date with what other replicas commit.
#[derive(Debug)]
pub(super) struct Tail {
    log: Arc<LogTail>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Tail {
    pub(super) fn start(config: &Config, log: Arc<LogTail>) -> Self {
        let timeout = POLL_TIMEOUT.as_millis().to_string();
        let config = with_settings(config, &[("statement_timeout", &timeout), ("jit", "off")]);
        let task = tokio::spawn(follow(config, Arc::clone(&log)));
        Self { log, task: Mutex::new(Some(task)) }
    }

    pub(super) async fn close(&self) {
        self.log.close();
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut() {
            task.abort();
        }
    }
}

async fn follow(config: Config, log: Arc<LogTail>) {
    let mut pause = BACK_OFF.0;
    loop {
        let listened = listen(&config, &log, || pause = BACK_OFF.0).await;
        if let Err(why) = listened {
            tracing::warn!(%why, "failed to listen to the log: {why}");
        }
        sleep(pause).await;
        pause = (pause * 2).min(BACK_OFF.1);
    }
}

/// Listens until the connection is lost; calls `came_up` once it stands.
async fn listen(config: &Config, log: &Arc<LogTail>, mut came_up: impl FnMut()) -> Result<(), String> {
    let (client, connection) = config.connect(NoTls).await.map_err(|error| described(&error))?;
    let _driver = Driver(tokio::spawn(drive(connection, Arc::clone(log))));
    // First LISTEN, then the first look: what is committed in between is found twice, not never.
    within(client.batch_execute("LISTEN conductor_log")).await?;
    came_up();
    loop {
        log.grown(highest(&client).await?);
        sleep(POLL).await;
    }
}

async fn highest(client: &Client) -> Result<u64, String> {
    let row = within(client.query_one("SELECT coalesce(max(position), 0) FROM events", &[])).await?;
    Ok(count(row.get(0)))
}

async fn within<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match timeout(POLL_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| described(&error)),
        Err(_) => Err("the server did not answer in time".to_owned()),
    }
}

/// Moves bytes, and takes notifications out as they come.
async fn drive(mut connection: Connection<Socket, NoTlsStream>, log: Arc<LogTail>) {
    while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notification(note)) => {
                if let Ok(position) = note.payload().parse() {
                    log.grown(position);
                }
            }
            // Notices of the server; the enum may grow.
            Ok(_) => {}
            // The next poll says so to the one who can do something about it.
            Err(_) => return,
        }
    }
}

/// A connection's task that ends with its owner.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
