use std::net::SocketAddr;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept alive. It reads no more of HTTP than our answers need, so that it takes little from the cores that
/// it shares with the server.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("connect to the server")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Sends a request and reads the whole answer, which has to be 200.
    pub(super) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.ask_for(request, 200).await
    }

    /// The same for another status.
    pub(super) async fn ask_for(&mut self, request: &[u8], status: u16) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let head = loop {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server hung up");
            if let Some(at) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let whole = head + body_length(&self.answer[..head]);
        while self.answer.len() < whole {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server hung up");
        }
        let wanted = format!("HTTP/1.1 {status} ");
        ensure!(self.answer.starts_with(wanted.as_bytes()), "answered {}", String::from_utf8_lossy(&self.answer));
        Ok(())
    }
}

fn body_length(head: &[u8]) -> usize {
    let lines = std::str::from_utf8(head).unwrap_or_default().lines();
    let named = lines.filter_map(|line| line.split_once(':'));
    let length = named
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.trim().parse().ok());
    length.unwrap_or(0)
}
