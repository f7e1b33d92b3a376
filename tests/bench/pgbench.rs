//! The reference: what PostgreSQL does with one statement per event that inserts it and upserts a row, at its best.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;

use crate::latency::Latency;
use crate::options::Options;
use crate::texts::Texts;

/// Tables as small as they can be: no version is checked, no key, no column is indexed but the keys.
const TABLES: &str = "
    CREATE TABLE reference_events (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream bigint NOT NULL, id uuid NOT NULL,
        type text NOT NULL, time timestamptz NOT NULL, data json NOT NULL, metadata json NOT NULL);
    CREATE TABLE reference_rows (stream bigint PRIMARY KEY, version bigint NOT NULL, document text NOT NULL)
        WITH (fillfactor = 80);
";

/// A reference that is ready to run.
#[derive(Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    script: PathBuf,
    logs: PathBuf,
    url: String,
    texts: Texts,
}

impl Pgbench {
    /// Makes tables and script.
    pub(crate) async fn prepare(options: &Options, url: String, texts: Texts) -> anyhow::Result<Self> {
        crate::database::client(&url).await?.batch_execute(TABLES).await?;
        let script = format!(
            "\\set stream random(1, {issues})\n\
             WITH event AS (INSERT INTO reference_events (stream, id, type, time, data, metadata) \
             VALUES (:stream, gen_random_uuid(), 'PRIORITY_CHANGED', now(), :data, :metadata)) \
             INSERT INTO reference_rows (stream, version, document) VALUES (:stream, 1, :document) \
             ON CONFLICT (stream) DO UPDATE SET version = reference_rows.version + 1, document = excluded.document;\n",
            issues = options.issues,
        );
        let path = options.folder.join("reference.sql");
        std::fs::write(&path, script).context("write the reference's script")?;
        let logs = options.folder.join("pgbench");
        Ok(Self { program: options.pg_bin.join("pgbench"), script: path, logs, url, texts })
    }

    /// Runs it with that many clients.
    pub(crate) async fn run(&self, clients: usize, seconds: u64) -> anyhow::Result<Latency> {
        std::fs::create_dir_all(&self.logs)?;
        let output = Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix=tx"])
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", clients.min(2)))
            .arg(format!("--time={seconds}"))
            .arg(format!("--define=data={}", self.texts.data))
            .arg(format!("--define=metadata={}", self.texts.metadata))
            .arg(format!("--define=document={}", self.texts.document))
            .arg("--file")
            .arg(&self.script)
            .arg(&self.url)
            .current_dir(&self.logs)
            .stdin(Stdio::null())
            .output()
            .await
            .context("start pgbench")?;
        anyhow::ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        let mut micros = Vec::new();
        for entry in std::fs::read_dir(&self.logs)? {
            let text = std::fs::read_to_string(entry?.path())?;
            // client, transaction, microseconds, script, second, microsecond
            micros.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok()));
        }
        std::fs::remove_dir_all(&self.logs)?;
        Ok(Latency::of(micros))
    }
}
