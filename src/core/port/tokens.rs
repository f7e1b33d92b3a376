use crate::time::Timestamp;
use crate::token::{Token, TokenDigest, TokenId};

use super::{PortFuture, StoreFailure};

/// Tokens: an operational table. A token that was taken back or is past its time stays in it, so that what was done with it
/// can be told later.
pub trait Tokens: Send + Sync {
    /// Keeps a token, durably; `false` where there is one with its id or digest already.
    fn create_token<'a>(&'a self, token: &'a Token) -> PortFuture<'a, Result<bool, StoreFailure>>;

    /// The token of that digest, live or not.
    fn token_of<'a>(&'a self, digest: &'a TokenDigest) -> PortFuture<'a, Result<Option<Token>, StoreFailure>>;

    /// All of them, in order of making, those of one instant by id.
    fn tokens(&self) -> PortFuture<'_, Result<Vec<Token>, StoreFailure>>;

    /// Takes a token back and gives it as it stands then; the first time stays. `None` where there is no such.
    fn revoke_token<'a>(
        &'a self,
        id: &'a TokenId,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Token>, StoreFailure>>;

    /// Notes when tokens were last used; the later time stays. What isn't known is passed over.
    fn tokens_used<'a>(&'a self, used: &'a [(TokenId, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>>;
}
