//! How fast the stores are, beside what the disk and the database allow.
//!
//! Absolute figures drift with the machine's neighbours, so only **ratios inside one run** count: ours and the reference
//! alternate in rounds, each round gives a ratio, the table shows their median. A round in which others used more than a
//! quarter of the machine gives none.
//!
//! `tests/bench/run` starts the server, builds this in release and runs it.

mod appends;
mod callers;
mod claims;
mod database;
mod filling;
mod fleet;
mod foreign_load;
mod http;
mod idle;
mod latency;
mod options;
mod pgbench;
mod replay;
mod rounds;
mod sqlite_reference;
mod startup;
mod story;
mod table;
mod texts;
mod tokens;

use clap::Parser;

use options::{Options, Part};
use table::Table;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut table = Table::new();
    if options.wants(Part::Postgres) {
        appends::postgres(&options, &mut table).await?;
    }
    if options.wants(Part::Sqlite) {
        appends::sqlite(&options, &mut table).await?;
    }
    if options.wants(Part::Log) {
        let filled = filling::fill(&options).await?;
        startup::measure(&options, &filled, &mut table).await?;
        replay::measure(&options, &filled, &mut table).await?;
    }
    if options.wants(Part::Claims) {
        claims::measure(&options, &mut table).await?;
    }
    if options.wants(Part::Idle) {
        idle::measure(&mut table).await?;
    }
    if options.wants(Part::Tokens) {
        tokens::measure(&options, &mut table).await?;
    }
    if options.wants(Part::Http) {
        http::measure(&options, &mut table).await?;
    }
    if options.wants(Part::Delivery) {
        http::measure_deliveries(&options, &mut table).await?;
    }
    println!("{table}");
    Ok(())
}
