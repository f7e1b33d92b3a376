//! Which tokens are still needed.

use std::sync::Arc;

use conductor_actors::{Counters, Pass};
use conductor_http::caller::keyring::Keyring;

/// The pass that writes when tokens were last used: gathered, since a write per request would cost more than the request.
pub struct TokenUses {
    keyring: Arc<Keyring>,
}

impl TokenUses {
    /// Of those tokens.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>) -> Self {
        Self { keyring }
    }
}

impl Pass for TokenUses {
    const NAME: &'static str = "token-uses";

    async fn run(&self) -> Result<Counters, String> {
        let written = self.keyring.write_uses().await.map_err(|error| error.to_string())?;
        Ok(Counters::default().with("tokens", written as u64))
    }
}
