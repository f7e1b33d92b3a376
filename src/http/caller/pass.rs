//! What lets somebody in for longer than one request.

use std::sync::Arc;
use std::time::Duration;

use conductor_core::port::StoreFailure;
use conductor_core::token::TokenDigest;
use tokio::time::Instant;

use super::keyring::Keyring;

/// How often a token is asked for again: seldom enough that a thousand readers with a thousand tokens are nothing to a store,
/// often enough that whoever takes one back sees it work.
pub const RECHECK: Duration = Duration::from_secs(5);

/// The token with which an answer without end was begun. It is checked again and again, and the answer ends with it.
pub struct Pass {
    keyring: Arc<Keyring>,
    digest: TokenDigest,
    checked: Instant,
}

impl Pass {
    /// Of a token that was live right now.
    pub(crate) fn new(keyring: Arc<Keyring>, digest: TokenDigest) -> Self {
        Self { keyring, digest, checked: Instant::now() }
    }

    /// When to ask again.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.checked + RECHECK
    }

    /// Whether the token opens anything still, by a look that is [`RECHECK`] old at most.
    ///
    /// # Errors
    /// When the store has to be asked and can't answer: closed when in doubt is for the caller to keep.
    pub async fn holds(&mut self) -> Result<bool, StoreFailure> {
        let now = Instant::now();
        if now < self.due() {
            return Ok(true);
        }
        let live = self.keyring.live(&self.digest).await?.is_some();
        self.checked = now;
        Ok(live)
    }
}
