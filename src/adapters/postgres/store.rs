use std::sync::Arc;

use conductor_core::decider::StreamState;
use conductor_core::event::Recorded;
use conductor_core::identity::{Claimant, EventId, IssueRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::port::{
    Answer, Answers, Append, AppendError, Cursor, Delivery, DueEffect, EarlyCheck, EarlyChecks, EventStore, Heartbeats,
    Housekeeping, Inbox, InboxDepth, KeyedAnswer, LastHeartbeat, LogFilter, ObsoleteEffect, Outbox, OutboxDepth,
    PendingDelivery, PortFuture, Pruned, ReadModels, Receipt, Received, RowFilter, Store, StoreFailure, StoredRow,
};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;

use super::append::Writer;
use super::connections::Connections;
use super::row_reader::RowReader;
use super::tail::Tail;
use super::{
    OpenError, PostgresOptions, answers, costs, early_checks, heartbeats, housekeeping, inbox, log, migrate, options,
    outbox, read_models, rebuild,
};
use crate::tail::LogTail;

/// All ports of a store, on PostgreSQL.
#[derive(Debug)]
pub struct PostgresStore {
    location: String,
    connections: Connections,
    reader: RowReader,
    writer: Writer,
    log: Arc<LogTail>,
    tail: Tail,
}

impl PostgresStore {
    /// Migrates the database and rebuilds rows of older projections, where need be, and opens the store. Needs a Tokio runtime, which its readers stay on.
    ///
    /// # Errors
    /// [`OpenError::Unavailable`] when the server can't be reached now: waiting for it is the caller's business. The others
    /// don't pass by waiting.
    pub async fn connect(options: PostgresOptions) -> Result<Arc<Self>, OpenError> {
        migrate(&options).await?;
        let config = options::parse(&options.url)?;
        let connections =
            Connections::new(&config, &options).map_err(|failure| OpenError::Unavailable(failure.to_string()))?;
        let rebuilt = async {
            rebuild::stale_rows(&connections).await?;
            costs::rebuild_stale(&connections).await
        };
        rebuilt.await.map_err(|failure| match failure {
            StoreFailure::Unavailable(why) => OpenError::Unavailable(why),
            StoreFailure::Corrupt(why) => OpenError::Rebuild(why),
        })?;
        let log = Arc::new(LogTail::new(0));
        let writer = Writer::start(config.clone(), options.statement_timeout, Arc::clone(&log));
        Ok(Arc::new(Self {
            location: options::location(&config),
            reader: RowReader::start(connections.clone()),
            connections,
            writer,
            tail: Tail::start(&config, Arc::clone(&log)),
            log,
        }))
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Store for PostgresStore {
    fn name(&self) -> &'static str {
        "postgres"
    }
    fn is_shared(&self) -> bool {
        true
    }
    fn location(&self) -> String {
        self.location.clone()
    }
    fn ping(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(async { self.connections.execute("SELECT 1", &[]).await.map(drop) })
    }
    fn close(&self) -> PortFuture<'_, ()> {
        Box::pin(async {
            self.writer.close().await;
            self.tail.close().await;
            self.connections.close();
        })
    }
}

impl EventStore for PostgresStore {
    fn append(&self, append: Append) -> PortFuture<'_, Result<Receipt, AppendError>> {
        Box::pin(self.writer.append(append))
    }
    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        after: u64,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        Box::pin(log::read_stream(&self.connections, stream, after, limit))
    }
    fn read_log<'a>(
        &'a self,
        after: u64,
        limit: usize,
        filter: &'a LogFilter,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        Box::pin(log::read_log(&self.connections, after, limit, filter))
    }
    fn head(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        Box::pin(log::head(&self.connections))
    }
    fn wait_past(&self, position: u64) -> PortFuture<'_, Result<(), StoreFailure>> {
        Box::pin(self.log.wait_past(position))
    }
    fn load<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<(u64, StreamState)>, StoreFailure>> {
        Box::pin(async move {
            let row = read_models::row(&self.connections, &self.reader, stream, false).await?;
            Ok(row.map(|row| (row.version, row.state)))
        })
    }
}

impl ReadModels for PostgresStore {
    fn rows<'a>(
        &'a self,
        kind: StreamKind,
        filter: &'a RowFilter,
        after: Option<&'a Cursor>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<StoredRow>, StoreFailure>> {
        Box::pin(read_models::rows(&self.connections, kind, filter, after, limit))
    }
    fn row<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<StoredRow>, StoreFailure>> {
        Box::pin(read_models::row(&self.connections, &self.reader, stream, true))
    }
    fn pulls_with_head<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<IssueRef>, StoreFailure>> {
        Box::pin(read_models::pulls_with_head(&self.connections, repo, head))
    }
    fn kind_of<'a>(&'a self, reference: &'a IssueRef) -> PortFuture<'a, Result<Option<StreamKind>, StoreFailure>> {
        Box::pin(read_models::kind_of(&self.connections, reference))
    }
}

impl Outbox for PostgresStore {
    fn due(
        &self,
        destination: Destination,
        now: Timestamp,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<DueEffect>, StoreFailure>> {
        Box::pin(outbox::due(&self.connections, destination, now, limit))
    }
    fn delivered<'a>(&'a self, effects: &'a [EventId]) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(outbox::delivered(&self.connections, effects))
    }
    fn obsolete<'a>(&'a self, effects: &'a [ObsoleteEffect]) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(outbox::obsolete(&self.connections, effects))
    }
    fn failed<'a>(
        &'a self,
        effect: EventId,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(outbox::failed(&self.connections, effect, error, retry_at))
    }
    fn outbox_depth(&self) -> PortFuture<'_, Result<Vec<OutboxDepth>, StoreFailure>> {
        Box::pin(outbox::depth(&self.connections))
    }
}

impl Inbox for PostgresStore {
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>> {
        Box::pin(inbox::receive(&self.connections, delivery))
    }
    fn waiting(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        Box::pin(inbox::waiting(&self.connections, now, limit))
    }
    fn worked<'a>(&'a self, id: &'a str, outcome: &'a str) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(inbox::worked(&self.connections, id, outcome))
    }
    fn stuck<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(inbox::stuck(&self.connections, id, error, retry_at))
    }
    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>> {
        Box::pin(inbox::depth(&self.connections))
    }
}

impl Answers for PostgresStore {
    fn answered<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> PortFuture<'a, Result<Option<(KeyedAnswer, Answer)>, StoreFailure>> {
        Box::pin(answers::answered(&self.connections, scope, key))
    }
    fn remember<'a>(
        &'a self,
        key: &'a KeyedAnswer,
        status: u16,
        body: &'a str,
        now: Timestamp,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(answers::remember(&self.connections, key, status, body, now))
    }
}

impl Heartbeats for PostgresStore {
    fn heard<'a>(&'a self, heard: &'a [(Claimant, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(heartbeats::heard(&self.connections, heard))
    }
    fn last_heartbeats(&self) -> PortFuture<'_, Result<Vec<LastHeartbeat>, StoreFailure>> {
        Box::pin(heartbeats::last_heartbeats(&self.connections))
    }
}

impl EarlyChecks for PostgresStore {
    fn keep_check<'a>(&'a self, check: &'a EarlyCheck, now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(early_checks::keep(&self.connections, check, now))
    }
    fn checks_of<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<EarlyCheck>, StoreFailure>> {
        Box::pin(early_checks::of_head(&self.connections, repo, head))
    }
}

impl Housekeeping for PostgresStore {
    fn prune(&self, now: Timestamp) -> PortFuture<'_, Result<Pruned, StoreFailure>> {
        Box::pin(housekeeping::prune(&self.connections, now))
    }
}
