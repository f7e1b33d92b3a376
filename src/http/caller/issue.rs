//! Making a token: the same rules for the endpoint and for the command line.

use conductor_core::decider::Refusal;
use conductor_core::port::{Entropy, StoreFailure, Tokens};
use conductor_core::roster::Policy;
use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenId, TokenOwner};

use super::secret::TokenSecret;
use crate::error::ApiError;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// This owner gets none.
    #[error("make a token: {0}")]
    Refused(Refusal),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

impl From<IssueError> for ApiError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Refused(refusal) => refusal.into(),
            IssueError::Store(failure) => failure.into(),
        }
    }
}

/// Makes a token and keeps all of it but its secret, which is in this answer and nowhere else.
///
/// # Errors
/// When the owner may have no such token, the end lies in the past, or the store can't keep it.
pub async fn issue(
    store: &(impl Tokens + ?Sized),
    policy: &Policy,
    entropy: &dyn Entropy,
    owner: TokenOwner,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(TokenSecret, Token), IssueError> {
    owner.check(policy).map_err(IssueError::Refused)?;
    if expires_at.is_some_and(|end| end <= now) {
        let why = "a token that ends before it begins opens nothing: choose a later end".to_owned();
        return Err(IssueError::Refused(Refusal::Rule { rule: "ends_before_it_begins".into(), why }));
    }
    let secret = TokenSecret::generate(entropy);
    let id_bits = u64::try_from(entropy.random() >> 64).unwrap_or_default();
    let token = Token {
        id: TokenId::of_random(id_bits),
        digest: secret.digest(),
        owner,
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    if store.create_token(&token).await? {
        Ok((secret, token))
    } else {
        // One in 2^64 per token there is: the caller tries again.
        Err(StoreFailure::Unavailable("the token's id was given before".to_owned()).into())
    }
}
