use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

/// The one runtime of the process, shared by all actors, and on it an actix system that runs `main`.
pub(super) fn run<F, Fut>(main: F) -> io::Result<Fut::Output>
where
    F: FnOnce(Arc<Runtime>) -> Fut,
    Fut: Future,
{
    let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
    let output = conductor_actors::run_system(&runtime, main(Arc::clone(&runtime)));
    Ok(output)
}

/// Resolves at the first SIGTERM or Ctrl-C, with its name.
pub(super) async fn asked_to_stop() -> io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
