//! Tokens: whose word a secret stands for. Few, and asked for seldom: the edge remembers them for a few seconds.

use std::collections::BTreeMap;

use conductor_core::port::{PortFuture, StoreFailure, Tokens};
use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenDigest, TokenId, TokenOwner};
use tokio_postgres::Row;

use super::PostgresStore;
use super::sql_types::At;

const COLUMNS: &str = "id, digest, kind, name, created_at, expires_at, last_used_at, revoked_at";

fn token(row: &Row) -> Result<Token, StoreFailure> {
    let (id, digest, kind, name): (&str, &str, &str, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
    let time = |at| row.get::<_, Option<At>>(at).map(|At(time)| time);
    let broken = || StoreFailure::Corrupt(format!("token {id} of {kind} {name}"));
    Ok(Token {
        id: TokenId::parse(id).ok_or_else(broken)?,
        digest: TokenDigest::parse(digest).ok_or_else(broken)?,
        owner: TokenOwner::of(kind, name).ok_or_else(broken)?,
        created_at: row.get::<_, At>(4).0,
        expires_at: time(5),
        last_used_at: time(6),
        revoked_at: time(7),
    })
}

impl Tokens for PostgresStore {
    fn create_token<'a>(&'a self, token: &'a Token) -> PortFuture<'a, Result<bool, StoreFailure>> {
        Box::pin(async move {
            let sql = format!(
                "INSERT INTO tokens ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
            );
            let (digest, kind, name) = (token.digest.to_string(), token.owner.kind(), token.owner.name());
            let [expires, used, revoked] =
                [token.expires_at, token.last_used_at, token.revoked_at].map(|at| at.map(At));
            let (id, created) = (token.id.as_str(), At(token.created_at));
            let made = self
                .connections()
                .execute(&sql, &[&id, &digest, &kind, &name, &created, &expires, &used, &revoked])
                .await?;
            Ok(made == 1)
        })
    }

    fn token_of<'a>(&'a self, digest: &'a TokenDigest) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        Box::pin(async move {
            let sql = format!("SELECT {COLUMNS} FROM tokens WHERE digest = $1");
            self.connections().first(&sql, &[&digest.to_string()], token).await
        })
    }

    fn tokens(&self) -> PortFuture<'_, Result<Vec<Token>, StoreFailure>> {
        Box::pin(async move {
            let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY created_at, id");
            self.connections().rows(&sql, &[], token).await
        })
    }

    fn revoke_token<'a>(
        &'a self,
        id: &'a TokenId,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        Box::pin(async move {
            let sql =
                format!("UPDATE tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING {COLUMNS}");
            self.connections().first(&sql, &[&id.as_str(), &At(now)], token).await
        })
    }

    fn tokens_used<'a>(&'a self, used: &'a [(TokenId, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move {
            // A statement can't touch a row twice. In order, so that two replicas never lock rows crosswise.
            let mut latest: BTreeMap<&str, Timestamp> = BTreeMap::new();
            for (id, at) in used {
                latest.entry(id.as_str()).and_modify(|known| *known = (*known).max(*at)).or_insert(*at);
            }
            if latest.is_empty() {
                return Ok(());
            }
            let ids: Vec<&str> = latest.keys().copied().collect();
            let times: Vec<At> = latest.values().map(|at| At(*at)).collect();
            let sql = "UPDATE tokens SET last_used_at = greatest(last_used_at, used.at)
                FROM (SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS given (id, at) ORDER BY given.id) used
                WHERE tokens.id = used.id";
            self.connections().execute(sql, &[&ids, &times]).await.map(drop)
        })
    }
}
