use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use conductor_core::roster::UnknownAgents;
use conductor_test_support::ValkeyServer;

use crate::foreign_load::ForeignLoad;
use crate::options::Options;
use crate::rounds::Rounds;
use crate::table::Table;

use super::daemon::serve_as;
use super::load::{Script, Taken, closed_loop};
use super::reports::{approve_all_for, once_each, report, request};
use super::stores::Kind;

const CONNECTIONS: usize = 64;
/// Issues that are handed out, each once.
const ISSUES: usize = 5000;
const PATIENCE: Duration = Duration::from_secs(120);
/// What the issues need, and nobody in the roster serves: nothing is handed out but by this measurement, to strangers.
const STACK: &str = "cobol";

/// Hand-outs by a coordinator, each one append: with an entry written and delivered for each, beside a rig without a broker.
pub(super) async fn measure(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let server = ValkeyServer::start().await;
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut rounds = Rounds::default();
        for _ in 0..options.rounds {
            let watch = ForeignLoad::watch(options.postmaster)?;
            let with = hand_out(Some(&server.url()), kind, options).await?;
            let without = hand_out(None, kind, options).await?;
            rounds.add_timed(with, without, watch.share()?);
            server.flush().await;
        }
        let what = format!("{kind}, hand-outs with delivery, {CONNECTIONS} connections / the same without a broker");
        table.add(rounds.row(what, "at least 0.85 x rate"));
    }
    Ok(())
}

async fn hand_out(broker: Option<&str>, kind: Kind, options: &Options) -> anyhow::Result<Taken> {
    let store = kind.empty(options, "bench_delivery_cost").await?;
    let served = serve_as(store, CONNECTIONS, broker, |settings| {
        settings.policy.unknown_agents = UnknownAgents::Allow;
        for agent in &mut settings.policy.roster.agents {
            agent.stacks = vec!["java".to_owned()];
        }
    })
    .await?;
    approve_all_for(&served, ISSUES, STACK).await?;
    let turn = Arc::new(AtomicUsize::new(0));
    let scripts = served.operators.iter().map(|token| {
        let token = token.clone();
        once_each(Arc::clone(&turn), ISSUES, move |at| {
            request(&token, &report("ISSUE_ASSIGNED", at, &format!(r#""agentId":"stranger-{at}""#)))
        }) as Script
    });
    let taken = closed_loop(served.serving.address, scripts.collect(), PATIENCE).await?;
    served.serving.stop().await?;
    Ok(taken)
}
