use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conductor_core::port::{AppendError, Receipt, StoreFailure};
use tokio::time::timeout;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, Error, NoTls, Socket, Statement};

use super::Queued;
use super::lone::{self, Lone};
use super::statement::{Arrays, FULL, PLAIN, WITH_COSTS, call};
use super::verdict::{all_written, verdicts};
use crate::postgres::failure::{described, failure, repeats};
use crate::postgres::generations::Generations;
use crate::postgres::session_settings::with_settings;
use crate::postgres::sql_types::count;

/// How long the log's lock may be waited for. Another replica holds it for milliseconds; one that froze while it holds the
/// lock is thrown out by the server after [`LEFT_OPEN_MS`].
const LOCK_TIMEOUT_MS: &str = "4000";

/// How long a transaction of a writer may stand open without a statement.
const LEFT_OPEN_MS: &str = "3000";

/// Streams' ids by their keys.
pub(super) type StreamIds = Generations<String, i64>;

/// What carries questions and answers of a session, as long as it is polled. A task of its own would be two more changes of
/// task for each append.
pub(super) type Line = Connection<Socket, NoTlsStream>;

/// The writer's own session, with its statements prepared.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    lone: Statement,
    plain: Statement,
    full: Statement,
    with_costs: Statement,
    announce: Statement,
    deadline: Duration,
    /// The ids of streams that were written to lately, by key. A stream has one id for good, so what is in here stays true for
    /// as long as the session: a database that was restored behind it has ended that.
    ids: Mutex<StreamIds>,
}

/// What became of a batch.
pub(super) enum Written {
    /// Committed; each append has its own answer.
    Answered(Vec<Result<Receipt, AppendError>>),
    /// Nothing was written: the server refused the statement, and will again as long as the culprit is in it.
    Refused(StoreFailure),
    /// Nothing was written, for a reason that passes.
    Failed(StoreFailure),
    /// The connection broke or fell silent: all of it happened, or nothing. The session is of no use any more.
    Unknown(StoreFailure),
}

impl Session {
    pub(super) async fn open(config: &Config, statement_timeout: Duration) -> Result<(Self, Line), StoreFailure> {
        let statement_ms = statement_timeout.as_millis().to_string();
        let config = with_settings(
            config,
            &[
                ("statement_timeout", &statement_ms),
                ("lock_timeout", LOCK_TIMEOUT_MS),
                ("idle_in_transaction_session_timeout", LEFT_OPEN_MS),
                // An answered append is durable, whatever the server's default.
                ("synchronous_commit", "on"),
                // One plan for good, by index: planning anew costs more than running, and a plan made while a table was
                // small must not read it whole when it has grown.
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                // Under anything stricter a statement after the lock would not see what was committed before it.
                ("default_transaction_isolation", "read\\ committed"),
                ("jit", "off"),
            ],
        );
        let opening = async {
            let (client, mut line) = config.connect(NoTls).await?;
            let [lone, plain, full, with_costs, announce] = {
                let mut statements = pin!(prepared(&client));
                tokio::select! {
                    biased;
                    statements = &mut statements => statements?,
                    // Where the line ends, so do they.
                    _ = &mut line => statements.await?,
                }
            };
            let deadline = statement_timeout + Duration::from_secs(1);
            Ok::<_, Error>((
                Self { client, lone, plain, full, with_costs, announce, deadline, ids: Mutex::default() },
                line,
            ))
        };
        match timeout(statement_timeout, opening).await {
            Ok(opened) => opened.map_err(|error| failure(&error)),
            Err(_) => Err(StoreFailure::Unavailable("the server did not take a connection in time".to_owned())),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Writes a batch: one call, one transaction, one round trip. Its answer comes after the commit.
    ///
    /// It may be sent while others, `ahead` of it, are not answered: the server works on them one after the other.
    pub(super) async fn write(&self, batch: &[Queued], ahead: usize, announce: bool) -> Written {
        let deadline = self.deadline * u32::try_from(ahead + 1).unwrap_or(u32::MAX);
        match timeout(deadline, self.ask(batch, announce)).await {
            Err(_) => Written::Unknown(StoreFailure::Unavailable("the server did not answer in time".to_owned())),
            Ok(Err(error)) => self.not_written(&error),
            Ok(Ok(written)) => written,
        }
    }

    async fn ask(&self, batch: &[Queued], announce: bool) -> Result<Written, Error> {
        let lone = Lone::of(batch, &mut self.ids(), announce);
        if let Some(lone) = lone {
            let row = self.client.query_one(&self.lone, &lone.params()).await?;
            if let Some(position) = row.get::<_, Option<i64>>(0) {
                return Ok(Written::Answered(all_written(batch, count(position))));
            }
        }
        let arrays = Arrays::of(batch, &mut self.ids(), announce);
        let params = arrays.params();
        let rows = if arrays.has_costs() {
            self.client.query(&self.with_costs, &params).await?
        } else if arrays.is_plain() {
            self.client.query(&self.plain, &params[..PLAIN]).await?
        } else {
            self.client.query(&self.full, &params[..FULL]).await?
        };
        Ok(match verdicts(batch, &rows, &mut self.ids()) {
            Ok(answers) => Written::Answered(answers),
            Err(failure) => Written::Unknown(failure),
        })
    }

    /// Tells the listeners how far the log has grown. That it fails is found by the next batch, and by their own looking.
    pub(super) async fn announce(&self, position: u64) {
        let position = position.to_string();
        let params: [&(dyn ToSql + Sync); 1] = [&position];
        let told = self.client.query(&self.announce, &params);
        if let Ok(Err(error)) = timeout(self.deadline, told).await {
            tracing::debug!(%error, "failed to announce how far the log has grown: {error}");
        }
    }

    fn ids(&self) -> MutexGuard<'_, StreamIds> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A server that reports an error has rolled the transaction back. A fatal one ends the session, whose connection may
    /// look open for a moment yet.
    fn not_written(&self, error: &Error) -> Written {
        let fatal = error.as_db_error().and_then(DbError::parsed_severity) != Some(Severity::Error);
        match error.code() {
            Some(code) if !fatal && repeats(code) => Written::Refused(failure(error)),
            Some(_) if !fatal => Written::Failed(failure(error)),
            Some(_) | None => Written::Unknown(StoreFailure::Unavailable(described(error))),
        }
    }
}

async fn prepared(client: &Client) -> Result<[Statement; 5], Error> {
    let (plain, full, with_costs) = (call(PLAIN), call(FULL), call(WITH_COSTS));
    let announce = "SELECT pg_notify('conductor_log', $1)";
    let [lone, plain, full, with_costs, announce] =
        [lone::CALL, &plain, &full, &with_costs, announce].map(|sql| client.prepare(sql));
    Ok([lone.await?, plain.await?, full.await?, with_costs.await?, announce.await?])
}
