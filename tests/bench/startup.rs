use std::time::Instant;

use crate::database;
use crate::filling::Filled;
use crate::http;
use crate::options::Options;
use crate::table::{Table, median};

/// From nothing to a daemon that says it is ready, over a long log.
pub(crate) async fn measure(options: &Options, filled: &Filled, table: &mut Table) -> anyhow::Result<()> {
    let mut took = Vec::new();
    for _ in 0..options.rounds {
        let begun = Instant::now();
        let serving = http::ready(database::store(&filled.url).await?).await?;
        took.push(begun.elapsed().as_secs_f64());
        serving.stop().await?;
    }
    table.add([
        format!("start-up of a daemon until it is ready, {} events, {} open issues", filled.events, filled.issues),
        format!("{:.2} s", median(took).unwrap_or_default()),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        "below 2 s".to_owned(),
    ]);
    Ok(())
}
