//! The reference for SQLite: one transaction per event that inserts it and upserts a row, as durable as ours.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::latency::Latency;
use crate::texts::Texts;

/// A database that is ready to run.
#[derive(Debug)]
pub(crate) struct SingleCommits {
    connection: Connection,
    issues: usize,
    texts: Texts,
    done: Cell<usize>,
}

impl SingleCommits {
    /// Makes the tables.
    pub(crate) fn prepare(path: &Path, issues: usize, texts: Texts) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, id BLOB NOT NULL,
                 type TEXT NOT NULL, time INTEGER NOT NULL, data TEXT NOT NULL, metadata TEXT NOT NULL);
             CREATE TABLE rows (stream INTEGER PRIMARY KEY, version INTEGER NOT NULL, document TEXT NOT NULL);",
        )?;
        Ok(Self { connection, issues, texts, done: Cell::new(0) })
    }

    /// Commits until the time is up.
    pub(crate) fn run(&self, span: Duration) -> anyhow::Result<Latency> {
        let mut event = self.connection.prepare(
            "INSERT INTO events (stream, id, type, time, data, metadata) VALUES (?1, randomblob(16), ?2, ?3, ?4, ?5)",
        )?;
        let mut row = self.connection.prepare(
            "INSERT INTO rows VALUES (?1, 1, ?2)
             ON CONFLICT (stream) DO UPDATE SET version = version + 1, document = excluded.document",
        )?;
        let (until, mut micros) = (Instant::now() + span, Vec::new());
        loop {
            let begun = Instant::now();
            if begun >= until {
                return Ok(Latency::of(micros));
            }
            let done = self.done.get();
            self.done.set(done + 1);
            let stream = i64::try_from(done % self.issues)?;
            let transaction = self.connection.unchecked_transaction()?;
            event.execute(params![stream, "PRIORITY_CHANGED", stream, self.texts.data, self.texts.metadata])?;
            row.execute(params![stream, self.texts.document])?;
            transaction.commit()?;
            micros.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }
}
