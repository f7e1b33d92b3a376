use conductor_core::port::{PortFuture, StoreFailure, Tokens};
use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenDigest, TokenId, TokenOwner};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::failure::Fault;

const COLUMNS: &str = "id, digest, kind, name, created_at, expires_at, last_used_at, revoked_at";

fn token(row: &Row<'_>) -> Result<Token, Fault> {
    let (id, digest, kind, name): (String, String, String, String) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let time = |at| row.get::<_, Option<i64>>(at).map(|millis| millis.map(Timestamp::from_millis));
    let broken = || StoreFailure::Corrupt(format!("token {id} of {kind} {name}"));
    Ok(Token {
        id: TokenId::parse(&id).ok_or_else(broken)?,
        digest: TokenDigest::parse(&digest).ok_or_else(broken)?,
        owner: TokenOwner::of(&kind, &name).ok_or_else(broken)?,
        created_at: Timestamp::from_millis(row.get(4)?),
        expires_at: time(5)?,
        last_used_at: time(6)?,
        revoked_at: time(7)?,
    })
}

impl Tokens for SqliteStore {
    fn create_token<'a>(&'a self, token: &'a Token) -> PortFuture<'a, Result<bool, StoreFailure>> {
        let token = token.clone();
        self.write(move |connection| {
            let sql = format!(
                "INSERT INTO tokens ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING"
            );
            let made = connection.prepare_cached(&sql)?.execute(params![
                token.id.as_str(),
                token.digest.to_string(),
                token.owner.kind(),
                token.owner.name(),
                token.created_at.as_millis(),
                token.expires_at.map(Timestamp::as_millis),
                token.last_used_at.map(Timestamp::as_millis),
                token.revoked_at.map(Timestamp::as_millis),
            ])?;
            Ok(made == 1)
        })
    }

    fn token_of<'a>(&'a self, digest: &'a TokenDigest) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        let digest = digest.to_string();
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE digest = ?1"))?;
            statement.query_row([digest], |row| Ok(token(row))).optional()?.transpose()
        })
    }

    fn tokens(&self) -> PortFuture<'_, Result<Vec<Token>, StoreFailure>> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens ORDER BY created_at, id"))?;
            let (mut rows, mut tokens) = (statement.query([])?, Vec::new());
            while let Some(row) = rows.next()? {
                tokens.push(token(row)?);
            }
            Ok(tokens)
        })
    }

    fn revoke_token<'a>(
        &'a self,
        id: &'a TokenId,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        let id = id.clone();
        self.write(move |connection| {
            let sql =
                format!("UPDATE tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1 RETURNING {COLUMNS}");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row(params![id.as_str(), now.as_millis()], |row| Ok(token(row))).optional()?.transpose()
        })
    }

    fn tokens_used<'a>(&'a self, used: &'a [(TokenId, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        let used = used.to_vec();
        self.write(move |connection| {
            let mut statement = connection
                .prepare_cached("UPDATE tokens SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE id = ?1")?;
            for (id, at) in used {
                statement.execute(params![id.as_str(), at.as_millis()])?;
            }
            Ok(())
        })
    }
}
