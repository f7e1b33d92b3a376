use std::collections::HashMap;
use std::time::Instant;

use conductor_test_support::{Reply, ValkeyServer};

/// Entries that are asked for at once.
const AT_ONCE: &str = "1000";
/// How long one question waits for an entry, in milliseconds.
const BLOCK: &str = "500";

/// The streams of many agents, read by one consumer as they grow.
pub(super) struct Entries<'a> {
    server: &'a ValkeyServer,
    /// The last entry read of each stream.
    read: Vec<(String, String)>,
}

impl<'a> Entries<'a> {
    /// Of `worker-0` and so many more.
    pub(super) fn of(server: &'a ValkeyServer, agents: usize) -> Self {
        let read = (0..agents).map(|agent| (format!("assignments:worker-{agent}"), "0-0".to_owned())).collect();
        Self { server, read }
    }

    /// Reads until so many entries were there; gives each one's issue, and when it was read.
    pub(super) async fn read(&mut self, count: usize) -> HashMap<u64, Instant> {
        let mut seen = HashMap::with_capacity(count);
        while seen.len() < count {
            let mut ask = vec!["XREAD", "COUNT", AT_ONCE, "BLOCK", BLOCK, "STREAMS"];
            ask.extend(self.read.iter().map(|(stream, _)| stream.as_str()));
            ask.extend(self.read.iter().map(|(_, last)| last.as_str()));
            let reply = self.server.ask(&ask).await;
            let now = Instant::now();
            for (stream, entries) in list(reply).into_iter().filter_map(pair) {
                for (id, fields) in list(entries).into_iter().filter_map(pair) {
                    let (stream, id) = (text(stream.clone()), text(id));
                    if let Some(last) = self.read.iter_mut().find(|(name, _)| *name == stream) {
                        last.1 = id;
                    }
                    let fields = fields.texts();
                    let issue = fields.chunks_exact(2).find(|field| field[0] == "issueNumber");
                    seen.extend(issue.and_then(|field| field[1].parse().ok()).map(|issue: u64| (issue, now)));
                }
            }
        }
        seen
    }
}

fn list(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::List(items) => items,
        Reply::Nil | Reply::Text(_) | Reply::Number(_) => Vec::new(),
        Reply::Error(error) => panic!("the server refused: {error}"),
    }
}

fn pair(reply: Reply) -> Option<(Reply, Reply)> {
    let [first, second]: [Reply; 2] = list(reply).try_into().ok()?;
    Some((first, second))
}

fn text(reply: Reply) -> String {
    reply.texts().concat()
}
