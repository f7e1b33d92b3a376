//! The references: the store's own statement behind a handler of actix-web that does nothing else.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::Store;
use futures_util::future::try_join_all;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::oneshot;
use tokio_postgres::{Client, Statement};

use crate::database;
use crate::story::Issue;

use super::serving::Serving;

/// As long as the daemon does: the machine may be held up for some seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// As many connections as a daemon's own pool has.
const CLIENTS: usize = 16;
/// What everybody does who keeps a queue in SQL; the handler answers with what a worker needs to begin.
const SKIP_LOCKED: &str = "
    UPDATE reference_jobs SET claimed_by = $1 WHERE id =
        (SELECT id FROM reference_jobs WHERE claimed_by IS NULL ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING payload";
/// The same where there is one writer, so that nothing is locked.
const UPDATE: &str = "
    UPDATE reference_jobs SET claimed_by = ?1 WHERE id =
        (SELECT id FROM reference_jobs WHERE claimed_by IS NULL ORDER BY priority, id LIMIT 1)
    RETURNING payload";
const TABLE: &str = "
    CREATE TABLE reference_jobs (id bigint PRIMARY KEY, priority int NOT NULL, claimed_by text, payload text NOT NULL);
    CREATE INDEX reference_queue ON reference_jobs (priority, id) WHERE claimed_by IS NULL;";

/// Each request is one append to the next issue: no parsing, no identity, no actor.
pub(super) async fn appends(
    store: Arc<dyn Store>,
    entropy: Arc<SystemEntropy>,
    issues: usize,
) -> anyhow::Result<Serving> {
    let issues: VecDeque<Issue> = (0..issues).map(Issue::new).collect();
    let issues = Arc::new(Mutex::new(issues));
    let append = move |_: Bytes| {
        let (store, entropy, issues) = (Arc::clone(&store), Arc::clone(&entropy), Arc::clone(&issues));
        async move {
            let next = issues.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let mut issue = next.ok_or_else(|| ErrorInternalServerError("more callers than issues"))?;
            let append = issue.next(&entropy, 1);
            let state = append.snapshot.state.clone();
            let receipt = store.append(append).await.map_err(ErrorInternalServerError)?;
            issue.appended(state, &receipt);
            issues.lock().unwrap_or_else(PoisonError::into_inner).push_back(issue);
            Ok::<_, actix_web::Error>(HttpResponse::Ok().body(format!("{{\"position\":{}}}", receipt.first_position)))
        }
    };
    serve(move |config| {
        config.route("/api/events", web::post().to(append.clone()));
    })
    .await
}

/// A queue in SQL, each request one statement on a connection of its own as far as there are.
pub(super) async fn claims_in_postgres(url: String, jobs: usize) -> anyhow::Result<Serving> {
    let setup = database::client(&url).await?;
    setup.batch_execute(TABLE).await?;
    let fill = "INSERT INTO reference_jobs SELECT n, 2, NULL, repeat('x', 300) FROM generate_series(1, $1::bigint) n";
    setup.execute(fill, &[&i64::try_from(jobs)?]).await?;
    setup.batch_execute("ANALYZE reference_jobs").await?;
    let clients = try_join_all((0..CLIENTS).map(|_| prepared(&url))).await?;
    let clients = Data::new((clients, AtomicUsize::new(0)));
    let claim = async |clients: Data<(Vec<(Client, Statement)>, AtomicUsize)>| {
        let (client, statement) = &clients.0[clients.1.fetch_add(1, Ordering::Relaxed) % CLIENTS];
        let row = client.query_opt(statement, &[&"worker-1"]).await.map_err(ErrorInternalServerError)?;
        answer(row.map(|row| row.get(0)))
    };
    serve(move |config| {
        config.app_data(Data::clone(&clients)).route("/api/assignments/next", web::get().to(claim));
    })
    .await
}

async fn prepared(url: &str) -> anyhow::Result<(Client, Statement)> {
    let client = database::client(url).await?;
    let statement = client.prepare(SKIP_LOCKED).await?;
    Ok((client, statement))
}

/// The same in SQLite, on the one thread that writes, each claim a commit as durable as ours.
pub(super) async fn claims_in_sqlite(folder: PathBuf, jobs: usize) -> anyhow::Result<Serving> {
    let connection = Connection::open(folder.join("reference.db"))?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    connection.execute_batch(TABLE)?;
    let fill = "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ?1)
        INSERT INTO reference_jobs SELECT id, 2, NULL, printf('%.*c', 300, 'x') FROM n";
    connection.execute(fill, [i64::try_from(jobs)?])?;
    let (ask, asked) = mpsc::channel::<oneshot::Sender<rusqlite::Result<Option<String>>>>();
    tokio::task::spawn_blocking(move || {
        for caller in asked {
            let claimed = connection
                .prepare_cached(UPDATE)
                .and_then(|mut update| update.query_row(["worker-1"], |row| row.get(0)).optional());
            // Who has hung up has claimed all the same.
            let _ = caller.send(claimed);
        }
    });
    let claim = async |ask: Data<mpsc::Sender<oneshot::Sender<rusqlite::Result<Option<String>>>>>| {
        let (caller, claimed) = oneshot::channel();
        ask.send(caller).map_err(ErrorInternalServerError)?;
        answer(claimed.await.map_err(ErrorInternalServerError)?.map_err(ErrorInternalServerError)?)
    };
    serve(move |config| {
        config.app_data(Data::new(ask.clone())).route("/api/assignments/next", web::get().to(claim));
    })
    .await
}

fn answer(payload: Option<String>) -> actix_web::Result<HttpResponse> {
    Ok(payload.map_or_else(|| HttpResponse::NoContent().finish(), |payload| HttpResponse::Ok().body(payload)))
}

/// With as many workers as the daemon has.
async fn serve(endpoint: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> anyhow::Result<Serving> {
    Serving::start(async move |_| {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        let server = HttpServer::new(move || App::new().configure(endpoint.clone()));
        let server = server.workers(workers).keep_alive(KEEP_ALIVE).disable_signals().bind(("127.0.0.1", 0))?;
        let address = server.addrs()[0];
        let serving = server.run();
        let handle = serving.handle();
        let served = tokio::task::spawn_local(serving);
        Ok((address, async move || {
            handle.stop(true).await;
            // It has stopped, however.
            let _ = served.await;
        }))
    })
    .await
}
