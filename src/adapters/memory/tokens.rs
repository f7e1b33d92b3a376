use conductor_core::port::{PortFuture, StoreFailure, Tokens};
use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenDigest, TokenId};

use super::MemoryStore;

impl Tokens for MemoryStore {
    fn create_token<'a>(&'a self, token: &'a Token) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.with(move |tables| {
            let known = tables.tokens.iter().any(|other| other.id == token.id || other.digest == token.digest);
            if !known {
                tables.tokens.push(token.clone());
            }
            Ok(!known)
        })
    }

    fn token_of<'a>(&'a self, digest: &'a TokenDigest) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        self.with(move |tables| Ok(tables.tokens.iter().find(|token| token.digest == *digest).cloned()))
    }

    fn tokens(&self) -> PortFuture<'_, Result<Vec<Token>, StoreFailure>> {
        self.with(|tables| {
            let mut tokens = tables.tokens.clone();
            tokens.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
            Ok(tokens)
        })
    }

    fn revoke_token<'a>(
        &'a self,
        id: &'a TokenId,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        self.with(move |tables| {
            let token = tables.tokens.iter_mut().find(|token| token.id == *id);
            Ok(token.map(|token| {
                token.revoked_at.get_or_insert(now);
                token.clone()
            }))
        })
    }

    fn tokens_used<'a>(&'a self, used: &'a [(TokenId, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.with(move |tables| {
            for (id, at) in used {
                if let Some(token) = tables.tokens.iter_mut().find(|token| token.id == *id) {
                    token.last_used_at = token.last_used_at.max(Some(*at));
                }
            }
            Ok(())
        })
    }
}
