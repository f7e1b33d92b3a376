use std::sync::Arc;

use anyhow::Context;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::{Clock, Store};
use conductor_core::token::TokenOwner;
use conductor_e::config::{Environment, Settings};
use conductor_e::daemon::logging;
use conductor_e::daemon::start::Daemon;
use conductor_http::caller::issue::issue;

use crate::fleet;

use super::serving::Serving;

/// A daemon, and the tokens with which it is asked.
#[derive(Debug)]
pub(super) struct Served {
    /// The daemon.
    pub(super) serving: Serving,
    /// One of each operator.
    pub(super) operators: Vec<String>,
    /// One of each agent: `worker-0`, `worker-1` …
    pub(super) agents: Vec<String>,
}

/// Signs the webhooks of measurements.
pub(super) const SECRET: &str = "the measurement's own secret";

/// Serves from an empty store, a fleet of so many agents and as many operators.
pub(super) async fn serve(store: Arc<dyn Store>, callers: usize) -> anyhow::Result<Served> {
    serve_as(store, callers, None, |_| ()).await
}

/// The same beside a broker, where there is one, with settings that deviate.
pub(super) async fn serve_as(
    store: Arc<dyn Store>,
    callers: usize,
    broker: Option<&str>,
    deviate: impl FnOnce(&mut Settings),
) -> anyhow::Result<Served> {
    let mut variables =
        vec![("CONDUCTOR_BIND", "127.0.0.1:0"), ("CONDUCTOR_IDENTITY", "token"), ("GITHUB_WEBHOOK_SECRET", SECRET)];
    variables.extend(broker.map(|url| ("VALKEY_URL", url)));
    let mut settings = Settings::load(&Environment::of(variables))?;
    // At its default level: what it costs to be ready to tell is part of it.
    logging::start(&settings.log);
    settings.policy.roster.agents =
        (0..callers).map(fleet::member).collect::<Option<_>>().context("name the agents")?;
    deviate(&mut settings);
    let operators = tokens(&*store, &settings, "operator", "person", callers).await?;
    let agents = tokens(&*store, &settings, "agent", "worker", callers).await?;
    let serving = Serving::start(async move |runtime| {
        let daemon = Daemon::start(&settings, store, &runtime).await?;
        let address = daemon.url.trim_start_matches("http://").parse()?;
        Ok((address, async move || {
            daemon.stop().await;
        }))
    });
    Ok(Served { serving: serving.await?, operators, agents })
}

async fn tokens(
    store: &dyn Store,
    settings: &Settings,
    kind: &str,
    name: &str,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    let (entropy, now, mut secrets) = (SystemEntropy::new(), SystemClock.now(), Vec::with_capacity(count));
    for number in 0..count {
        let owner = TokenOwner::of(kind, &format!("{name}-{number}")).context("name a token's owner")?;
        let (secret, _) = issue(store, &settings.policy, &entropy, owner, None, now).await?;
        secrets.push(secret.expose().to_owned());
    }
    Ok(secrets)
}
