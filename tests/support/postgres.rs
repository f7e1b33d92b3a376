//! A PostgreSQL of one's own, for tests that take it away.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::{free_port, fresh_database, wait_for};

/// Recovery after a kill on a busy machine is the longest thing waited for here.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is stopped; PostgreSQL's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, what was running is rolled back, the log is closed in order.
    Fast,
    /// Everything at once; the next start recovers from the log.
    Immediate,
}

/// A private server with the defaults that matter left alone (fsync on), in a temporary folder, on a port that stays the same.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    settings: Vec<String>,
    port: u16,
    process: Option<Child>,
}

impl PostgresServer {
    /// Makes a cluster and serves it.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with settings such as `("max_connections", "5")`.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("conductor-pg-").tempdir().expect("a temporary folder");
        // The server's user must get through to its data.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("our own folder");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("our own folder");
        if geteuid().is_root() {
            let user = unprivileged_user();
            chown(&data, Some(user), Some(user)).expect("root gives a folder away");
        }
        let settings = settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect();
        let mut server = Self { folder, settings, port: free_port(), process: None };
        server.initialise();
        while !server.serve().await {
            server.port = free_port();
        }
        server
    }

    /// A superuser's URL of its database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The port that it has for life.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a new, empty database.
    pub async fn fresh_database(&self, name: &str) -> String {
        fresh_database(&self.url(), name).await
    }

    /// Stops it and waits for its end.
    pub async fn stop(&mut self, how: Stop) {
        let mut process = self.process.take().expect("a server that is stopped runs");
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        };
        kill_process(Pid::from_child(&process), signal).expect("a child that was not waited for has its pid");
        wait_for("PostgreSQL to stop", PATIENCE, || std::future::ready(process.try_wait().expect("our own child")))
            .await;
    }

    /// `kill -9` of the postmaster. Its backends end by themselves when they notice.
    pub fn kill9(&mut self) {
        let mut process = self.process.take().expect("a server that is killed runs");
        process.kill().and_then(|()| process.wait()).expect("a child can be killed and waited for");
    }

    /// Serves the same data on the same port again, after [`stop`](Self::stop) or [`kill9`](Self::kill9).
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "a server that is started again was stopped before");
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            // Refused while backends of a killed postmaster still hold its shared memory.
            if self.serve().await {
                return;
            }
        }
        panic!("PostgreSQL did not start again:\n{}", self.log());
    }

    /// What it wrote, for a failing test to show.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn initialise(&self) {
        let made = self
            .program("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .output()
            .expect("initdb can be run");
        assert!(made.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&made.stderr));
    }

    /// `false` where it ended instead of serving.
    async fn serve(&mut self) -> bool {
        let log =
            File::options().create(true).append(true).open(self.folder.path().join("log")).expect("our own folder");
        let mut process = self
            .program("postgres")
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .args(&self.settings)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres can be run");
        let serves = wait_for("PostgreSQL to serve", PATIENCE, || {
            let ended = process.try_wait().expect("our own child").is_some();
            std::future::ready(if ended { Some(false) } else { self.is_ready(process.id()).then_some(true) })
        })
        .await;
        self.process = serves.then_some(process);
        serves
    }

    /// By its own lock file, as `pg_ctl` does it: the port alone might be a neighbour's. Line 1 is the pid, line 8 the status.
    fn is_ready(&self, pid: u32) -> bool {
        let lock = fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap_or_default();
        let line = |number| lock.lines().nth(number).map(str::trim);
        line(0) == Some(pid.to_string().as_str()) && line(7) == Some("ready")
    }

    /// A program of the installation, on this cluster's data, as a user that is not root (PostgreSQL refuses that one).
    fn program(&self, name: &str) -> Command {
        let path = binaries().join(name);
        let mut command = if geteuid().is_root() {
            let user = unprivileged_user();
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.arg("-D").arg(self.folder.path().join("data")).current_dir("/").stdin(Stdio::null());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Not `kill -9`: that would leave backends and shared memory behind. Failures have nobody left to tell.
            let _ = kill_process(Pid::from_child(process), Signal::QUIT);
            let _ = process.wait();
        }
    }
}

/// `postgres` where there is such a user, else `nobody`.
fn unprivileged_user() -> u32 {
    const NOBODY: u32 = 65_534;
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().find_map(|line| line.strip_prefix("postgres:")?.split(':').nth(1)?.parse().ok()).unwrap_or(NOBODY)
}

/// Where the programs are: as `tests/run` found them, else the newest of the well-known places.
fn binaries() -> PathBuf {
    if let Some(named) = std::env::var_os("CONDUCTOR_TEST_PG_BIN") {
        return named.into();
    }
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .max_by_key(|path| version(path))
        .map(|path| path.join("bin"))
        .expect("PostgreSQL is installed, or CONDUCTOR_TEST_PG_BIN names the folder of its programs")
}

#[cfg(test)]
mod tests {
    use tokio_postgres::NoTls;

    use super::*;

    async fn connect(url: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    #[tokio::test]
    async fn what_a_postgres_committed_is_there_after_every_kind_of_end() {
        let mut server = PostgresServer::start_with(&[("max_connections", "7")]).await;
        let (url, port) = (server.fresh_database("kept").await, server.port());
        let client = connect(&url).await;
        client.batch_execute("CREATE TABLE fact (n int)").await.unwrap();
        let limit: String = client.query_one("SHOW max_connections", &[]).await.unwrap().get(0);
        assert_eq!(limit, "7");

        for round in 1..=3_i64 {
            connect(&url).await.batch_execute("INSERT INTO fact VALUES (1)").await.unwrap();
            match round {
                1 => server.stop(Stop::Fast).await,
                2 => server.stop(Stop::Immediate).await,
                _ => server.kill9(),
            }
            assert!(tokio_postgres::connect(&url, NoTls).await.is_err(), "still serving after end {round}");
            server.restart().await;
            assert_eq!(server.port(), port);
            let count = connect(&url).await.query_one("SELECT count(*) FROM fact", &[]).await.unwrap();
            assert_eq!(count.get::<_, i64>(0), round, "{}", server.log());
        }
    }
}
