//! Answers given under an idempotency key. Those of appends are kept by the append itself.

use conductor_core::port::{Answer, KeyedAnswer, Receipt, StoreFailure};
use conductor_core::time::Timestamp;
use tokio_postgres::Row;

use super::connections::Connections;
use super::rows::stream_id;
use super::sql_types::{At, count, without_nul};

pub(super) async fn answered(
    connections: &Connections,
    scope: &str,
    key: &str,
) -> Result<Option<(KeyedAnswer, Answer)>, StoreFailure> {
    let sql = "SELECT a.fingerprint, a.kept_at, a.first_version, a.last_version, a.first_position, a.last_position,
            a.status, a.body, s.kind, s.name
        FROM answers a LEFT JOIN streams s ON s.id = a.stream WHERE a.scope = $1 AND a.key = $2";
    let found = connections.first(sql, &[&scope, &key], |row| Ok((row.get::<_, String>(0), answer(row)?))).await?;
    Ok(found.map(|(fingerprint, answer)| {
        (KeyedAnswer { scope: scope.to_owned(), key: key.to_owned(), fingerprint }, answer)
    }))
}

fn answer(row: &Row) -> Result<Answer, StoreFailure> {
    if let Some(status) = row.get::<_, Option<i32>>(6) {
        let status = u16::try_from(status).map_err(|_| StoreFailure::Corrupt(format!("a kept status {status}")))?;
        return Ok(Answer::Literal { status, body: row.get::<_, Option<String>>(7).unwrap_or_default() });
    }
    Ok(Answer::Appended {
        stream: stream_id(row.get(8), row.get(9))?,
        receipt: Receipt {
            first_version: count(row.get(2)),
            last_version: count(row.get(3)),
            first_position: count(row.get(4)),
            last_position: count(row.get(5)),
            time: row.get::<_, At>(1).0,
        },
    })
}

pub(super) async fn remember(
    connections: &Connections,
    key: &KeyedAnswer,
    status: u16,
    body: &str,
    now: Timestamp,
) -> Result<(), StoreFailure> {
    let sql = "INSERT INTO answers (scope, key, fingerprint, kept_at, status, body) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (scope, key) DO NOTHING";
    let status = i32::from(status);
    connections
        .execute(sql, &[&key.scope, &key.key, &key.fingerprint, &At(now), &status, &without_nul(body)])
        .await
        .map(drop)
}
