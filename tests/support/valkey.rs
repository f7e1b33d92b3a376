//! A Redis or Valkey of one's own, for tests that take it away.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::{free_port, wait_for};

/// It serves within a blink; a busy machine may blink long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The URL of the server that `tests/run` started.
///
/// A test that needs it has `valkey` in its name: by that name `tests/run --without valkey` leaves it out.
#[must_use]
pub fn valkey_url() -> String {
    std::env::var("CONDUCTOR_TEST_VALKEY_URL").unwrap_or_else(|_| {
        panic!(
            "this test needs Redis or Valkey: run it as `tests/run -- <arguments of cargo test>`, or set \
             CONDUCTOR_TEST_VALKEY_URL to a server whose keys don't matter"
        )
    })
}

/// A private server that keeps nothing on disk, on a port that stays the same.
#[derive(Debug)]
pub struct ValkeyServer {
    folder: TempDir,
    port: u16,
    tls: Option<Tls>,
    process: Option<Child>,
}

/// Where it speaks TLS too, and as whom.
#[derive(Debug)]
struct Tls {
    port: u16,
    certificate: PathBuf,
    key: PathBuf,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A word or a text.
    Text(String),
    /// A number.
    Number(i64),
    /// Several answers.
    List(Vec<Reply>),
    /// A refusal.
    Error(String),
}

impl Reply {
    /// The texts of a list, those inside lists of it too.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Nil => Vec::new(),
            Self::Text(text) => vec![text.clone()],
            Self::Number(number) => vec![number.to_string()],
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Error(error) => panic!("the server refused: {error}"),
        }
    }
}

impl Tls {
    fn arguments(&self) -> [OsString; 8] {
        let (certificate, key) = (self.certificate.clone().into_os_string(), self.key.clone().into_os_string());
        let port = self.port.to_string().into();
        let [port_is, certificate_is, key_is, asks] =
            ["--tls-port", "--tls-cert-file", "--tls-key-file", "--tls-auth-clients"].map(OsString::from);
        [port_is, port, certificate_is, certificate, key_is, key, asks, "no".into()]
    }
}

impl ValkeyServer {
    /// Starts one.
    pub async fn start() -> Self {
        let mut server = Self::down();
        server.restart().await;
        server
    }

    /// Starts one that speaks TLS too, on a port of its own, as whom that certificate says; it asks its clients for none.
    pub async fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        let mut server = Self::down();
        server.tls = Some(Tls { port: free_port(), certificate: certificate.to_owned(), key: key.to_owned() });
        server.restart().await;
        server
    }

    /// A server that isn't there yet, with the port that it will have.
    #[must_use]
    pub fn down() -> Self {
        let folder = tempfile::Builder::new().prefix("conductor-valkey-").tempdir().expect("a temporary folder");
        Self { folder, port: free_port(), tls: None, process: None }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its URL with TLS.
    #[must_use]
    pub fn tls_url(&self) -> String {
        let tls = self.tls.as_ref().expect("a server that is reached by TLS was started with it");
        format!("rediss://127.0.0.1:{}", tls.port)
    }

    /// Serves, empty, on the same port.
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "a server that is started again was killed before");
        let log =
            File::options().create(true).append(true).open(self.folder.path().join("log")).expect("our own folder");
        let process = Command::new(binary())
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .args(self.tls.iter().flat_map(Tls::arguments))
            .stdin(Stdio::null())
            .stdout(log)
            .spawn()
            .expect("the server can be run");
        let process = self.process.insert(process);
        let (port, id) = (self.port, process.id());
        wait_for("the server to serve", PATIENCE, || async move {
            // Its own process, not a neighbour's that took the port.
            let info = ask_at(port, &["INFO", "server"]).await?.texts().concat();
            info.contains(&format!("process_id:{id}\r")).then_some(())
        })
        .await;
    }

    /// `kill -9`; what it held is gone.
    pub fn kill9(&mut self) {
        let mut process = self.process.take().expect("a server that is killed runs");
        process.kill().and_then(|()| process.wait()).expect("a child can be killed and waited for");
    }

    /// It hangs: connections stay and are made, and nothing is answered, until it is let [`go on`](Self::go_on).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// It answers again, also what was asked meanwhile.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it something, on a connection of its own.
    pub async fn ask(&self, command: &[&str]) -> Reply {
        wait_for("an answer of the server", PATIENCE, || ask_at(self.port, command)).await
    }

    /// Listens on a channel from now on.
    pub async fn subscribe(&self, channel: &str) -> Channel {
        wait_for("the channel", PATIENCE, || async {
            let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).await.ok()?);
            send(&mut stream, &["SUBSCRIBE", channel]).await?;
            read(&mut stream).await?;
            Some(Channel(stream))
        })
        .await
    }

    /// All its keys are gone.
    pub async fn flush(&self) {
        assert_eq!(self.ask(&["FLUSHALL"]).await, Reply::Text("OK".to_owned()));
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("a server that is paused runs");
        kill_process(Pid::from_child(process), signal).expect("a child that was not waited for has its pid");
    }
}

impl Drop for ValkeyServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // Also one that is paused. Failures have nobody left to tell.
            let _ = process.kill().and_then(|()| process.wait());
        }
    }
}

/// As `tests/run` found it, else by its usual name.
fn binary() -> PathBuf {
    std::env::var_os("CONDUCTOR_TEST_VALKEY_BIN").map_or_else(|| "redis-server".into(), Into::into)
}

/// A channel that somebody listens to.
#[derive(Debug)]
pub struct Channel(BufReader<TcpStream>);

impl Channel {
    /// The next message.
    pub async fn message(&mut self) -> String {
        let told = tokio::time::timeout(PATIENCE, read(&mut self.0)).await.ok().flatten();
        told.and_then(|told| told.texts().pop()).expect("a message comes while the server is there")
    }
}

async fn ask_at(port: u16, command: &[&str]) -> Option<Reply> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.ok()?);
    send(&mut stream, command).await?;
    read(&mut stream).await
}

async fn send(stream: &mut BufReader<TcpStream>, command: &[&str]) -> Option<()> {
    let mut asked = format!("*{}\r\n", command.len());
    command.iter().for_each(|word| asked.push_str(&format!("${}\r\n{word}\r\n", word.len())));
    stream.write_all(asked.as_bytes()).await.ok()
}

/// One answer of the protocol's second version; `None` where the connection ended first.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let (kind, rest) = line.trim_end().split_at_checked(1)?;
    let length = || rest.parse::<usize>().ok();
    Some(match kind {
        "+" => Reply::Text(rest.to_owned()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Number(rest.parse().ok()?),
        "$" => match length() {
            Some(length) => {
                let mut text = vec![0; length + 2];
                stream.read_exact(&mut text).await.ok()?;
                text.truncate(length);
                Reply::Text(String::from_utf8_lossy(&text).into_owned())
            }
            None => Reply::Nil,
        },
        "*" => match length() {
            Some(length) => {
                let mut items = Vec::with_capacity(length);
                for _ in 0..length {
                    items.push(Box::pin(read(stream)).await?);
                }
                Reply::List(items)
            }
            None => Reply::Nil,
        },
        other => panic!("the server answers {other}{rest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_valkey_answers_is_emptied_killed_and_started_again() {
        let mut server = ValkeyServer::start().await;
        let url = server.url();
        assert_eq!(server.ask(&["RPUSH", "list", "a", "b"]).await, Reply::Number(2));
        assert_eq!(server.ask(&["LRANGE", "list", "0", "-1"]).await.texts(), ["a", "b"]);
        assert!(matches!(server.ask(&["GET", "list"]).await, Reply::Error(error) if error.starts_with("WRONGTYPE")));
        server.flush().await;
        assert_eq!(server.ask(&["GET", "list"]).await, Reply::Nil);
        server.ask(&["SET", "kept", "no"]).await;
        server.kill9();
        assert_eq!(ask_at(server.port, &["PING"]).await, None);
        server.restart().await;
        assert_eq!((server.ask(&["GET", "kept"]).await, server.url()), (Reply::Nil, url));
    }

    #[tokio::test]
    async fn a_paused_valkey_answers_later() {
        let server = ValkeyServer::start().await;
        server.pause();
        let answer = tokio::spawn(ask_at(server.port, &["PING"]));
        let other = ValkeyServer::start().await;
        assert_eq!(other.ask(&["PING"]).await, Reply::Text("PONG".to_owned()));
        assert!(!answer.is_finished());
        server.go_on();
        assert_eq!(answer.await.unwrap(), Some(Reply::Text("PONG".to_owned())));
    }
}
