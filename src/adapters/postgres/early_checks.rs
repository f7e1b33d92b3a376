//! Checks whose head no known pull request has yet.

use conductor_core::identity::{RepoName, Sha};
use conductor_core::port::{EarlyCheck, StoreFailure};
use conductor_core::time::Timestamp;

use super::connections::Connections;
use super::sql_types::{At, JsonText};
use crate::codec::{decode_record, encode_record};

pub(super) async fn keep(connections: &Connections, check: &EarlyCheck, now: Timestamp) -> Result<(), StoreFailure> {
    let sql = "INSERT INTO early_checks (repo_key, repo, head, \"check\", kept_at) VALUES ($1, $2, $3, $4, $5)";
    let repo = check.repo.as_str();
    let record = encode_record(&check.check)?;
    let head = check.check.head_sha.as_str();
    connections.execute(sql, &[&repo.to_ascii_lowercase(), &repo, &head, &JsonText(&record), &At(now)]).await.map(drop)
}

pub(super) async fn of_head(
    connections: &Connections,
    repo: &RepoName,
    head: &Sha,
) -> Result<Vec<EarlyCheck>, StoreFailure> {
    let sql = "SELECT repo, \"check\" FROM early_checks WHERE repo_key = $1 AND head = $2 ORDER BY place";
    connections
        .rows(sql, &[&repo.as_str().to_ascii_lowercase(), &head.as_str()], |row| {
            let name = row.get(0);
            let repo = RepoName::parse(name);
            Ok(EarlyCheck {
                repo: repo.ok_or_else(|| StoreFailure::Corrupt(format!("no repository: {name:?}")))?,
                check: decode_record(row.get::<_, JsonText<'_>>(1).0)?,
            })
        })
        .await
}
