//! The real program as a process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::wait_for;

/// For a debug build on a busy machine, migrations included.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How the line begins by which the daemon says that it serves (contract: `listening on http://127.0.0.1:8080 · …`).
const READY: &str = "listening on ";

/// How a daemon is to be started.
#[derive(Debug, Clone)]
pub struct DaemonCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
}

impl DaemonCommand {
    /// `serve` by that program, in tests of the root package `env!("CARGO_BIN_EXE_conductor-e")`.
    ///
    /// It sees nothing of this process' settings: port 0, a data folder of its own, and what [`env`](Self::env) adds.
    #[must_use]
    pub fn serve(program: impl Into<PathBuf>) -> Self {
        let inherited = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"];
        let kept = inherited.into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
        let command = Self { program: program.into(), arguments: vec!["serve".into()], environment: kept.collect() };
        command.env("CONDUCTOR_BIND", "127.0.0.1:0")
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Other arguments instead of `serve`.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(OsString::from).collect();
        self
    }

    /// Starts it and waits until it says that it serves. Panics, showing its log, where it ends instead.
    pub async fn start(self) -> Daemon {
        let folder = tempfile::Builder::new().prefix("conductor-data-").tempdir().expect("a temporary folder");
        let mut daemon = Daemon { command: self, folder, log: Arc::default(), running: None };
        daemon.run().await;
        daemon
    }

    /// Starts it, waits for its end, and gives back how it ended and all that it wrote: for a start that must be refused.
    pub async fn refused(self) -> (ExitStatus, String) {
        let folder = tempfile::Builder::new().prefix("conductor-data-").tempdir().expect("a temporary folder");
        let daemon = Daemon { command: self, folder, log: Arc::default(), running: None };
        let mut running = daemon.spawn();
        let status = daemon.ended(&mut running, START_WITHIN).await;
        (status, daemon.log())
    }
}

/// A daemon, running or not, with its data and its log. Killed when dropped; its log is shown when the test panics.
#[derive(Debug)]
pub struct Daemon {
    command: DaemonCommand,
    folder: TempDir,
    log: Arc<Mutex<String>>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    process: Child,
    /// Where it listens, once it has said so.
    address: watch::Receiver<Option<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Daemon {
    /// `http://127.0.0.1:PORT`; another one after each start.
    #[must_use]
    pub fn url(&self) -> String {
        let running = self.running.as_ref().expect("a daemon that is asked for its address runs");
        running.address.borrow().clone().expect("a daemon that was started has said where it listens")
    }

    /// The process that runs now.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.running.as_ref().expect("a daemon that is asked for its pid runs").process)
    }

    /// All that it wrote so far, over every start.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its data folder, which outlives every start.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// `kill -9`, and waits for the end.
    pub fn kill9(&mut self) {
        let mut running = self.running.take().expect("a daemon that is killed runs");
        running.process.kill().and_then(|()| running.process.wait()).expect("a child can be killed and waited for");
    }

    /// Asks it to end, as Kubernetes does, and waits for that; panics where it takes longer than `within`.
    pub async fn sigterm(&mut self, within: Duration) -> ExitStatus {
        let mut running = self.running.take().expect("a daemon that is to end runs");
        kill_process(Pid::from_child(&running.process), Signal::TERM)
            .expect("a child that was not waited for has its pid");
        self.ended(&mut running, within).await
    }

    /// Starts it on the same data, after a `kill -9` or an end in order.
    pub async fn restart(&mut self) {
        assert!(self.running.is_none(), "a daemon that is started again has ended before");
        self.run().await;
    }

    async fn run(&mut self) {
        let mut running = self.spawn();
        let process = &mut running.process;
        let address = running.address.clone();
        let ready = wait_for("the daemon to serve or to end", START_WITHIN, || {
            let ended = process.try_wait().expect("our own child");
            let listens = address.borrow().is_some();
            std::future::ready(if listens { Some(Ok(())) } else { ended.map(Err) })
        });
        if let Err(status) = ready.await {
            running.read_to_the_end();
            panic!("the daemon did not start ({status}):\n{}", self.log());
        }
        self.running = Some(running);
    }

    fn spawn(&self) -> Running {
        let mut command = Command::new(&self.command.program);
        command.env_clear().env("CONDUCTOR_DATA_DIR", self.folder.path()).envs(&self.command.environment);
        command.args(&self.command.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("failed to run {}: {error}", self.command.program.display()));
        let (found, address) = watch::channel(None);
        let stdout = process.stdout.take().expect("stdout is piped");
        let stderr = process.stderr.take().expect("stderr is piped");
        let readers = vec![self.read(stdout, Some(found)), self.read(stderr, None)];
        Running { process, address, readers }
    }

    /// Threads, not tasks: a test that blocks its runtime must not block the daemon on a full pipe.
    fn read(
        &self,
        stream: impl Read + Send + 'static,
        found: Option<watch::Sender<Option<String>>>,
    ) -> std::thread::JoinHandle<()> {
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                let address =
                    line.strip_prefix(READY).and_then(|rest| rest.split_whitespace().next()).map(str::to_owned);
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
                drop(log);
                if let (Some(found), Some(address)) = (&found, address) {
                    found.send_replace(Some(address));
                }
            }
        })
    }

    async fn ended(&self, running: &mut Running, within: Duration) -> ExitStatus {
        let process = &mut running.process;
        let ended =
            wait_for("the daemon to end", within, || std::future::ready(process.try_wait().expect("our own child")));
        let status = ended.await;
        running.read_to_the_end();
        status
    }
}

impl Running {
    /// After the end of the process: the log is whole once both readers have seen it.
    fn read_to_the_end(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader doesn't panic");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Failures have nobody left to tell: it ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── what the daemon wrote ──\n{}── end of it ──", self.log());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for the daemon: the shell script is handed to `sh -c`.
    fn script(text: &str) -> DaemonCommand {
        DaemonCommand::serve("/bin/sh").arguments(&["-c", text])
    }

    /// Says where it "listens" (its pid stands for the port), ends in order on SIGTERM, and keeps a count in its data.
    const OBEDIENT: &str = "trap 'echo drained; exit 0' TERM
        echo start >> $CONDUCTOR_DATA_DIR/starts; echo a warning >&2
        echo \"listening on http://127.0.0.1:$$ · store memory\"; while :; do sleep 0.05; done";

    fn starts(daemon: &Daemon) -> usize {
        std::fs::read_to_string(daemon.data().join("starts")).unwrap().lines().count()
    }

    #[tokio::test]
    async fn a_start_returns_with_the_address_and_a_restart_has_the_same_data() {
        let mut daemon = script(OBEDIENT).start().await;
        let first = daemon.url();
        assert!(first.starts_with("http://127.0.0.1:") && !first.contains(' '), "{first}");
        daemon.kill9();
        daemon.restart().await;
        assert_ne!(daemon.url(), first);
        assert_eq!(starts(&daemon), 2);
    }

    #[tokio::test]
    async fn sigterm_waits_for_the_end_and_has_the_whole_log() {
        let mut daemon = script(OBEDIENT).start().await;
        assert!(daemon.sigterm(Duration::from_secs(30)).await.success());
        assert!(daemon.log().contains("a warning") && daemon.log().ends_with("drained\n"), "{}", daemon.log());
    }

    #[tokio::test]
    async fn a_refused_start_gives_its_exit_code_and_its_words() {
        let (status, log) = script("echo no such setting >&2; exit 78").refused().await;
        assert_eq!((status.code(), log.as_str()), (Some(78), "no such setting\n"));
    }

    #[tokio::test]
    #[should_panic(expected = "no such setting")]
    async fn a_start_that_fails_shows_the_log() {
        script("echo no such setting; exit 78").start().await;
    }

    #[tokio::test]
    async fn settings_of_this_process_stay_here() {
        let (_, log) = script("env").env("GITHUB_WEBHOOK_SECRET", "given").refused().await;
        assert!(log.contains("CONDUCTOR_BIND=127.0.0.1:0\n") && log.contains("GITHUB_WEBHOOK_SECRET=given\n"), "{log}");
        assert!(!log.contains("CARGO"), "{log}");
    }
}
