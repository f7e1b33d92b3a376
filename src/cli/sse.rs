use std::time::Duration;

/// Server-sent events out of pieces of bytes, as far as a program needs them that knows its daemon: the types are in the data.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    line: Vec<u8>,
    data: Vec<String>,
    /// The id of the last block: where to resume.
    pub(super) last_id: Option<String>,
    id: Option<String>,
    /// How long to wait before coming back, where the server has said so.
    pub(super) come_back_after: Option<Duration>,
}

impl Blocks {
    /// Takes the next piece, and gives the data of every block that is whole with it.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<String> {
        let mut whole = Vec::new();
        for byte in piece {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned();
            if line.is_empty() {
                whole.extend(self.end_block());
            } else {
                self.field(&line);
            }
        }
        whole
    }

    /// After a lost connection: what was begun never comes to its end.
    pub(super) fn restart(&mut self) {
        self.line.clear();
        self.data.clear();
        self.id = None;
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => self.data.push(value.to_owned()),
            "id" => self.id = Some(value.to_owned()),
            "retry" => self.come_back_after = value.parse().ok().map(Duration::from_millis).or(self.come_back_after),
            // Comments, whose name is empty, and what is not for us.
            _ => {}
        }
    }

    /// A block without data is no event, but its id counts.
    fn end_block(&mut self) -> Option<String> {
        if let Some(id) = self.id.take() {
            self.last_id = Some(id);
        }
        let data = std::mem::take(&mut self.data);
        (!data.is_empty()).then(|| data.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_however_the_bytes_are_cut() {
        let text =
            "retry: 2000\nid: 4\n\n: hello\nid: 5\nevent: Merged\ndata: {\"a\":\"ü\"}\n\ndata:x\r\ndata: y\r\n\r\n";
        for size in 1..text.len() {
            let mut blocks = Blocks::default();
            let found: Vec<_> = text.as_bytes().chunks(size).flat_map(|piece| blocks.push(piece)).collect();
            assert_eq!(found, ["{\"a\":\"ü\"}", "x\ny"], "{size}");
            assert_eq!((blocks.last_id.as_deref(), blocks.come_back_after), (Some("5"), Some(Duration::from_secs(2))));
        }
    }

    #[test]
    fn an_id_counts_once_its_block_is_whole() {
        let mut blocks = Blocks::default();
        assert!(blocks.push(b"id: 4\n\nid: 5\ndata: lost in the mid").is_empty());
        assert_eq!(blocks.last_id.as_deref(), Some("4"));
        blocks.restart();
        assert!(blocks.push(b": heartbeat\nid: 6\n\n").is_empty());
        assert_eq!(blocks.last_id.as_deref(), Some("6"));
    }
}
