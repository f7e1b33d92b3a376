use std::future::Future;
use std::io;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

/// The one runtime of the process, shared by all actors, and on it an actix system that runs `main`.
pub(super) fn run<F, Fut>(main: F) -> io::Result<Fut::Output>
where
    F: FnOnce(Arc<Runtime>) -> Fut,
    Fut: Future,
{
    let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
    outlive_file_size_limits(&runtime)?;
    take_all_files_allowed();
    let output = conductor_actors::run_system(&runtime, main(Arc::clone(&runtime)));
    Ok(output)
}

/// A file that may not grow (`RLIMIT_FSIZE`) is a failed write, which the store answers for, and not the end of the process, as
/// which the system means it. Whoever listens to a signal once has taken it over for good.
fn outlive_file_size_limits(runtime: &Runtime) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    /// `SIGXFSZ`, the same on Linux, macOS and the BSDs.
    const FILE_SIZE_LIMIT: i32 = 25;
    let _inside = runtime.enter();
    signal(SignalKind::from_raw(FILE_SIZE_LIMIT)).map(drop)
}

/// A process often begins with room for 1,024 open files, where its administrator allows it many more; each agent that waits and
/// each reader of the live feed is one.
fn take_all_files_allowed() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused (some systems have a lower limit of their own) there is room for as many as before.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
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
