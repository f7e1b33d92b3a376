use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conductor_adapters::system_entropy::SystemEntropy;

use crate::foreign_load::ForeignLoad;
use crate::options::Options;
use crate::table::Table;

use super::daemon::{Served, serve};
use super::load::{Script, closed_loop};
use super::stores::Kind;
use super::{CONNECTIONS, ceiling, comparisons, expected};

/// Text that nobody reads, so that an event of ours is about as long as those of the ceiling.
const NOTE: &str =
    "the customer's month ends on Friday, and the invoices of three tenants can't be sent before this one is done";
/// A setting up that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// `POST /api/events`: an operator's change of a priority, each of them one event and one row.
pub(super) async fn measure(kind: Kind, options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let most = CONNECTIONS.into_iter().max().unwrap_or(1);
    let served = serve(kind.empty(options, "bench_http_reports").await?, most).await?;
    approve_all(&served, options.issues).await?;
    let store = kind.empty(options, "bench_http_ceiling").await?;
    let ceiling = ceiling::appends(Arc::clone(&store), Arc::new(SystemEntropy::new()), options.issues).await?;
    let (ours, theirs) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // Its rows are all there too before anything counts.
    let first: Vec<Script> =
        (0..64).map(|_| once_each(Arc::clone(&theirs), options.issues, |_| request("", "{}"))).collect();
    closed_loop(ceiling.address, first, PATIENCE).await?;
    let mut all = comparisons(options);
    for _ in 0..options.rounds {
        for (connections, rounds) in &mut all {
            let watch = ForeignLoad::watch(options.postmaster)?;
            let changes = served.operators.iter().take(*connections);
            let changes = changes.map(|token| changes_of(token, &ours, options.issues)).collect();
            let ours = closed_loop(served.serving.address, changes, options.span()).await?;
            let bare = (0..*connections).map(|_| Box::new(|| Some(request("", "{}"))) as Script).collect();
            let theirs = closed_loop(ceiling.address, bare, options.span()).await?;
            rounds.add_timed(ours, theirs, watch.share()?);
        }
    }
    for (connections, rounds) in all {
        let what = format!("{kind}, POST /api/events, {connections} connections / its append behind a bare handler");
        table.add(rounds.row(what, expected(connections)));
    }
    ceiling.stop().await?;
    store.close().await;
    served.serving.stop().await
}

/// Approves issues 1 to `issues`.
pub(super) async fn approve_all(served: &Served, issues: usize) -> anyhow::Result<()> {
    approve_all_for(served, issues, "node").await
}

/// The same for those who serve a stack.
pub(super) async fn approve_all_for(served: &Served, issues: usize, stack: &'static str) -> anyhow::Result<()> {
    let turn = Arc::new(AtomicUsize::new(0));
    let script = |token: &String| {
        let token = token.clone();
        once_each(Arc::clone(&turn), issues, move |at| {
            request(&token, &report("ISSUE_APPROVED", at, &format!(r#""title":"Issue {at}","stack":"{stack}""#)))
        })
    };
    closed_loop(served.serving.address, served.operators.iter().map(script).collect(), PATIENCE).await.map(|_| ())
}

pub(super) fn once_each(
    turn: Arc<AtomicUsize>,
    most: usize,
    request: impl Fn(usize) -> Vec<u8> + Send + 'static,
) -> Script {
    Box::new(move || {
        let at = turn.fetch_add(1, Ordering::Relaxed);
        (at < most).then(|| request(at))
    })
}

/// Every issue in turn, all connections together: high in one turn, normal in the next, so that each is a change.
fn changes_of(token: &str, turn: &Arc<AtomicUsize>, issues: usize) -> Script {
    let (token, turn) = (token.to_owned(), Arc::clone(turn));
    Box::new(move || {
        let at = turn.fetch_add(1, Ordering::Relaxed);
        let priority = if (at / issues).is_multiple_of(2) { "high" } else { "normal" };
        let fields = format!(r#""priority":"{priority}","note":"{NOTE}""#);
        Some(request(&token, &report("PRIORITY_CHANGED", at % issues, &fields)))
    })
}

pub(super) fn report(event_type: &str, at: usize, fields: &str) -> String {
    format!(r#"{{"type":"{event_type}","repo":"acme/service-{}","issueNumber":{},{fields}}}"#, at % 40, at + 1)
}

pub(super) fn request(token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
