use std::sync::Arc;
use std::time::Instant;

use conductor_core::identity::StreamKind;
use conductor_core::port::{RowFilter, Store};

use crate::database;
use crate::filling::Filled;
use crate::options::Options;
use crate::table::{Table, median};

/// Rows per page, as a daemon asks for them at its start.
const PAGE: usize = 1000;

/// From nothing to a store whose open issues are known, over a long log.
pub(crate) async fn measure(options: &Options, filled: &Filled, table: &mut Table) -> anyhow::Result<()> {
    let mut took = Vec::new();
    for _ in 0..options.rounds {
        let begun = Instant::now();
        let store: Arc<dyn Store> = database::store(&filled.url).await?;
        let (mut known, mut after) = (0, None);
        loop {
            let page = store.rows(StreamKind::Issue, &RowFilter::default(), after.as_ref(), PAGE).await?;
            known += page.len();
            after = page.last().map(|row| row.cursor());
            if page.len() < PAGE {
                break;
            }
        }
        store.outbox_depth().await?;
        store.inbox_depth().await?;
        took.push(begun.elapsed().as_secs_f64());
        store.close().await;
        anyhow::ensure!(known == filled.issues, "{known} open issues of {}", filled.issues);
    }
    table.add([
        format!("start-up, {} events, {} open issues", filled.events, filled.issues),
        format!("{:.2} s", median(took).unwrap_or_default()),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        "below 2 s".to_owned(),
    ]);
    Ok(())
}
