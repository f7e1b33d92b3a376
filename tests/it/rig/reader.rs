use reqwest::{Client, Response};
use serde_json::Value;
use tokio::sync::watch;

/// Somebody who reads a live feed as browsers do: remembers the last id that it was given, and comes back with it.
pub(crate) struct LiveReader {
    http: Client,
    /// Path and query.
    feed: String,
    connection: Option<Response>,
    /// What has come of the next block.
    begun: Vec<u8>,
    last_id: Option<String>,
    /// The events, in the order in which they came.
    pub(crate) seen: Vec<Value>,
}

impl LiveReader {
    /// Of the log, not connected yet; `query` with its `?`, where there is one.
    pub(crate) fn new(query: &str) -> Self {
        Self::of(&format!("/api/events/live{query}"))
    }

    /// Of what is told there.
    pub(crate) fn of(feed: &str) -> Self {
        // Without the rig's deadline: this answer has no end.
        Self {
            http: Client::new(),
            feed: feed.to_owned(),
            connection: None,
            begun: Vec::new(),
            last_id: None,
            seen: Vec::new(),
        }
    }

    /// Comes, or comes back; whether it was let in. What had begun and never came to its end is forgotten.
    pub(crate) async fn connect(&mut self, base: &str) -> bool {
        self.begun.clear();
        let mut request = self.http.get(format!("{base}{}", self.feed));
        if let Some(last_id) = &self.last_id {
            request = request.header("Last-Event-ID", last_id);
        }
        self.connection = request.send().await.ok().filter(|answer| answer.status() == 200);
        self.connection.is_some()
    }

    /// Reads up to the next event; whether there was one before the end of the connection.
    pub(crate) async fn event(&mut self) -> bool {
        loop {
            while let Some(end) = self.begun.windows(2).position(|bytes| bytes == b"\n\n") {
                let block: Vec<u8> = self.begun.drain(..end + 2).collect();
                if self.block(std::str::from_utf8(&block).unwrap()) {
                    return true;
                }
            }
            let Some(connection) = &mut self.connection else { return false };
            match connection.chunk().await {
                Ok(Some(bytes)) => self.begun.extend_from_slice(&bytes),
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Reads that many more events over one connection.
    pub(crate) async fn events(&mut self, count: usize) {
        for read in 0..count {
            assert!(self.event().await, "the connection ended after {read} of {count} events");
        }
    }

    /// Reads on at each of the addresses in turn, however often it is sent away, up to an event of this stream.
    pub(crate) async fn follow(&mut self, addresses: &watch::Receiver<Vec<String>>, mut turn: usize, until: &str) {
        loop {
            let base = addresses.borrow()[turn % 2].clone();
            turn += 1;
            if !self.connect(&base).await {
                tokio::task::yield_now().await;
                continue;
            }
            // Some leave soon, some stay until they are sent away.
            for _ in 0..turn * 40 {
                if !self.event().await {
                    break;
                }
                if self.seen.last().is_some_and(|event| event["streamId"] == until) {
                    return;
                }
            }
        }
    }

    /// Takes a whole block in; whether it is an event. An id counts without one too.
    fn block(&mut self, block: &str) -> bool {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        self.last_id = field("id: ").or(self.last_id.take());
        let Some(data) = field("data: ") else { return false };
        self.seen.push(serde_json::from_str(&data).unwrap());
        true
    }
}
