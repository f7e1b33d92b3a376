//! Whether anybody gets in where callers show tokens.

use conductor_core::authority::IdentityMode;
use conductor_core::port::{Clock, Store, StoreFailure};

use crate::config::Settings;

/// Whether there is a token that opens something, where one is needed to be anybody.
///
/// # Errors
/// When the store can't say.
pub(super) async fn is_open(settings: &Settings, store: &dyn Store, clock: &dyn Clock) -> Result<bool, StoreFailure> {
    match settings.identity {
        IdentityMode::Open | IdentityMode::TrustedNetwork => Ok(true),
        IdentityMode::Token => {
            let (tokens, now) = (store.tokens().await?, clock.now());
            Ok(tokens.iter().any(|token| token.is_live(now) && token.owner.bearer(&settings.policy).is_ok()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;
    use conductor_adapters::memory::MemoryStore;
    use conductor_adapters::system_clock::SystemClock;
    use conductor_core::port::Tokens;
    use conductor_core::time::Timestamp;
    use conductor_core::token::{Token, TokenDigest, TokenId, TokenOwner};

    fn token(number: u8, agent: &str, expires_at: Option<Timestamp>) -> Token {
        Token {
            id: TokenId::of_random(number.into()),
            digest: TokenDigest([number; 32]),
            owner: TokenOwner::of("agent", agent).unwrap(),
            created_at: Timestamp::from_millis(0),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[tokio::test]
    async fn a_token_that_ended_or_whose_agent_was_struck_from_the_roster_lets_nobody_in() {
        let store = MemoryStore::new();
        let settings = |identity: &str| Settings::load(&Environment::of([("CONDUCTOR_IDENTITY", identity)])).unwrap();
        let is_open = async |identity: &str| is_open(&settings(identity), &*store, &SystemClock).await.unwrap();
        assert!(is_open("open").await && !is_open("token").await);
        assert!(store.create_token(&token(1, "dev-e-node", Some(Timestamp::from_millis(1)))).await.unwrap());
        assert!(store.create_token(&token(2, "struck", None)).await.unwrap());
        assert!(!is_open("token").await);
        assert!(store.create_token(&token(3, "dev-e-node", None)).await.unwrap());
        assert!(is_open("token").await);
    }
}
