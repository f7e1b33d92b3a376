use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use conductor_adapters::read_ahead::ReadAhead;
use conductor_adapters::replay::Replay;
use conductor_core::identity::StreamId;
use conductor_core::port::Store;
use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;

use crate::database;
use crate::filling::Filled;
use crate::foreign_load::{ForeignLoad, TOO_MUCH};
use crate::options::Options;
use crate::table::{Table, median};

/// The whole log folded into every stream's state, beside a bare read of the same rows that only counts bytes.
pub(crate) async fn measure(options: &Options, filled: &Filled, table: &mut Table) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = database::store(&filled.url).await?;
    let (mut ours, mut bare, mut ratios, mut foreign) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..options.rounds {
        let watch = ForeignLoad::watch(options.postmaster)?;
        let begun = Instant::now();
        anyhow::ensure!(folded(&store).await? == filled.events, "every event is folded in");
        let mine = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        anyhow::ensure!(counted(&filled.url).await? == filled.events, "every row is read");
        let theirs = begun.elapsed().as_secs_f64();
        let share = watch.share()?;
        foreign = foreign.max(share);
        if share <= TOO_MUCH {
            ratios.push(theirs / mine);
        }
        ours.push(mine);
        bare.push(theirs);
    }
    store.close().await;
    table.add([
        format!("replay with fold, {} events / bare read", filled.events),
        format!("{:.2} s", median(ours).unwrap_or_default()),
        format!("{:.2} s", median(bare).unwrap_or_default()),
        median(ratios).map_or_else(
            || format!("not compared: others used {:.0} %", foreign * 100.0),
            |ratio| format!("{ratio:.2} x rate"),
        ),
        String::new(),
        String::new(),
        "at least 0.7 x rate".to_owned(),
    ]);
    Ok(())
}

async fn folded(store: &Arc<dyn Store>) -> anyhow::Result<usize> {
    let mut streams: HashMap<StreamId, Replay> = HashMap::new();
    let mut events = 0;
    let mut log = ReadAhead::after(Arc::clone(store), 0);
    while let Some(page) = log.page().await? {
        events += page.len();
        for event in page {
            if let Some(replay) = streams.get_mut(&event.stream) {
                replay.fold(event)?;
            } else {
                let mut replay = Replay::of(&event.stream);
                let stream = event.stream.clone();
                replay.fold(event)?;
                streams.insert(stream, replay);
            }
        }
    }
    Ok(events)
}

async fn counted(url: &str) -> anyhow::Result<usize> {
    let client = database::client(url).await?;
    let sql =
        "SELECT e.position, e.version, e.id, e.type, e.schema, e.time, e.data::text, e.metadata::text, s.kind, s.name
        FROM events e JOIN streams s ON s.id = e.stream ORDER BY e.position";
    let none: [&(dyn ToSql + Sync); 0] = [];
    let mut rows = std::pin::pin!(client.query_raw(sql, none).await?);
    let (mut events, mut bytes) = (0, 0);
    while let Some(row) = rows.try_next().await? {
        events += 1;
        bytes += row.get::<_, &str>(6).len() + row.get::<_, &str>(7).len();
    }
    anyhow::ensure!(bytes > 0, "rows without bytes");
    let _ = client.query_one("SELECT 1", &[]).await.context("end the read")?;
    Ok(events)
}
