use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use conductor_core::identity::StreamId;
use conductor_core::port::StoreFailure;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_postgres::Row;

use super::connections::Connections;
use super::sql_types::count;
use crate::tail::closed;

/// Streams in one statement at most.
const AT_ONCE: usize = 256;

/// Statements under way at most: a slow one doesn't hold up the others, and a crowd doesn't take the whole pool.
const UNDER_WAY: usize = 4;

/// Streams that may wait, beyond which whoever asks waits to be let in.
const QUEUE: usize = 1024;

/// Columns as [`read_models`](super::read_models) reads them, and then which key it was, counted from 1. A stream that doesn't
/// exist has no row. Each key is looked up by itself, by its index: a plan made while the tables were small stays right.
const SQL: &str = "SELECT f.*, w.nth FROM unnest($1::text[], $2::boolean[]) WITH ORDINALITY AS w (key, body, nth)
    CROSS JOIN LATERAL (
        SELECT s.kind, s.name, r.version, r.projection, r.document, CASE WHEN w.body THEN r.body END
        FROM streams s LEFT JOIN LATERAL (SELECT * FROM read_models WHERE stream = s.id LIMIT 1) r ON true
        WHERE s.key = w.key LIMIT 1
    ) f";

/// Where the number stands.
const NTH: usize = 6;

/// Reads rows of single streams, for many who ask at the same time in one statement: a claim, a report and each stream that
/// comes back to memory needs one, and a statement costs as much as fifty rows.
///
/// What is asked for is read by a statement that begins afterwards, so everybody sees what was appended before.
#[derive(Debug)]
pub(super) struct RowReader {
    queue: mpsc::Sender<Wanted>,
    patience: Duration,
}

#[derive(Debug)]
struct Wanted {
    key: String,
    with_body: bool,
    reply: oneshot::Sender<Result<Option<Row>, StoreFailure>>,
}

impl RowReader {
    /// Starts the task, which ends with this.
    pub(super) fn start(connections: Connections) -> Self {
        let (queue, wanted) = mpsc::channel(QUEUE);
        let patience = connections.silence();
        tokio::spawn(serve(connections, wanted));
        Self { queue, patience }
    }

    /// The stream's row, with its body where that is wanted; `None` for a stream without events.
    pub(super) async fn read(&self, stream: &StreamId, with_body: bool) -> Result<Option<Row>, StoreFailure> {
        let asking = async {
            let (reply, answer) = oneshot::channel();
            let wanted = Wanted { key: stream.key(), with_body, reply };
            self.queue.send(wanted).await.map_err(|_| closed())?;
            answer.await.unwrap_or_else(|_| Err(closed()))
        };
        match timeout(self.patience, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreFailure::Unavailable("the server did not answer in time".to_owned())),
        }
    }
}

async fn serve(connections: Connections, mut queue: mpsc::Receiver<Wanted>) {
    let slots = Arc::new(Semaphore::new(UNDER_WAY));
    let mut wanted = Vec::new();
    // A slot first, and then all that waits: under load the statements grow instead of getting more.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        if queue.recv_many(&mut wanted, AT_ONCE).await == 0 {
            return;
        }
        let (connections, wanted) = (connections.clone(), take(&mut wanted));
        tokio::spawn(async move {
            answer(&connections, wanted).await;
            drop(slot);
        });
    }
}

async fn answer(connections: &Connections, mut wanted: Vec<Wanted>) {
    // Whoever has given up isn't read for.
    wanted.retain(|wanted| !wanted.reply.is_closed());
    let keys: Vec<&str> = wanted.iter().map(|wanted| wanted.key.as_str()).collect();
    let bodies: Vec<bool> = wanted.iter().map(|wanted| wanted.with_body).collect();
    let mut found: Vec<Option<Row>> = wanted.iter().map(|_| None).collect();
    let read = connections
        .each(SQL, &[&keys, &bodies], |row| {
            let place = usize::try_from(count(row.get(NTH))).ok().and_then(|nth| found.get_mut(nth.checked_sub(1)?));
            *place.ok_or_else(|| StoreFailure::Corrupt("a row that nobody asked for".to_owned()))? = Some(row);
            Ok(())
        })
        .await;
    for (wanted, found) in wanted.into_iter().zip(found) {
        // Whoever has gone doesn't want to know.
        let _ = wanted.reply.send(read.clone().map(|()| found));
    }
}
