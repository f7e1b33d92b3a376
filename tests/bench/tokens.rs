//! What it costs to know a caller by its token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use conductor_adapters::memory::MemoryStore;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::authority::IdentityMode;
use conductor_core::port::{Clock, Store};
use conductor_core::roster::{GitHubMode, Policy, UnknownAgents};
use conductor_core::token::TokenOwner;
use conductor_http::caller::issue::issue;
use conductor_http::caller::rates::{Payer, Traffic};
use conductor_http::caller::secret::digest_of_shown;
use conductor_http::caller::{Admission, AdmissionSettings, RateSettings};

use crate::options::Options;
use crate::table::Table;

/// As many as agents are foreseen.
const TOKENS: usize = 10_000;

/// Measures the work of the door between the header and the endpoint, token after token: digest, look-up, comparison, what the
/// roster says of its owner, its bucket. Each token is read anew from a store in memory every three seconds; what a database
/// adds to that read is its own time, once in three seconds.
pub(crate) async fn measure(options: &Options, table: &mut Table) -> anyhow::Result<()> {
    let (store, entropy) = (MemoryStore::new() as Arc<dyn Store>, Arc::new(SystemEntropy::new()));
    let policy = Policy { unknown_agents: UnknownAgents::Hook, ..Policy::built_in(GitHubMode::None) };
    let now = SystemClock.now();
    let mut secrets = Vec::with_capacity(TOKENS);
    for number in 0..TOKENS {
        let owner = TokenOwner::of("agent", &format!("dev-e-{number}")).context("name an agent")?;
        let (secret, _) = issue(&*store, &policy, &*entropy, owner, None, now).await?;
        secrets.push(secret.expose().to_owned());
    }
    let rates = Some(RateSettings::default());
    let settings = AdmissionSettings { mode: IdentityMode::Token, rates, ..AdmissionSettings::default() };
    let admission = Admission::new(settings, store, Arc::new(SystemClock), entropy);
    let mut times = Vec::new();
    let until = Instant::now() + options.span();
    while Instant::now() < until {
        for secret in &secrets {
            let began = Instant::now();
            check(&admission, &policy, secret).await?;
            times.push(began.elapsed());
        }
    }
    times.sort_unstable();
    let at = |per_mille: usize| micros(times[(times.len() - 1) * per_mille / 1_000]);
    table.add([
        format!("token check, {TOKENS} tokens"),
        format!("{:.1} µs p50", at(500)),
        String::new(),
        format!("{:.1} µs p99", at(990)),
        String::new(),
        String::new(),
        "below 20 µs".to_owned(),
    ]);
    Ok(())
}

async fn check(admission: &Admission, policy: &Policy, secret: &str) -> anyhow::Result<()> {
    let digest = digest_of_shown(secret).context("read a token")?;
    let token = admission.keyring.live(&digest).await?.context("find a token")?;
    token.owner.bearer(policy).map_err(|refusal| anyhow::anyhow!("be let in: {refusal}"))?;
    // A token's turn comes less than a hundred times a second, far below its rate.
    admission
        .rates
        .take(&Payer::Token(token.id.clone()), Traffic::Request)
        .map_err(|refused| anyhow::anyhow!("{refused}"))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
