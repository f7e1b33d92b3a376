use conductor_core::identity::StreamId;
use conductor_core::port::{AppendError, Guard, Receipt, StoreFailure};
use tokio_postgres::Row;

use super::Queued;
use super::session::StreamIds;
use crate::codec::PreparedAppend;
use crate::postgres::sql_types::{At, count};

/// What the function says about each append of a batch, in its order.
///
/// `Err` only when the answer itself can't be understood.
pub(super) fn verdicts(
    batch: &[Queued],
    rows: &[Row],
    ids: &mut StreamIds,
) -> Result<Vec<Result<Receipt, AppendError>>, StoreFailure> {
    if let [row] = rows
        && row.get::<_, &str>("verdict") == "all"
    {
        return Ok(all_written(batch, count(row.get("first_position"))));
    }
    if rows.len() != batch.len() {
        return Err(StoreFailure::Corrupt(format!("{} verdicts for {} appends", rows.len(), batch.len())));
    }
    let guards: Vec<&Guard> = batch.iter().flat_map(|queued| &queued.append.guards).collect();
    batch.iter().zip(rows).map(|(queued, row)| verdict(queued, row, &guards, ids)).collect()
}

/// Positions follow each other in the order of the batch.
pub(super) fn all_written(batch: &[Queued], first_position: u64) -> Vec<Result<Receipt, AppendError>> {
    let mut next = first_position;
    let written = batch.iter().map(|queued| {
        let receipt = written(&queued.append, next);
        next = receipt.last_position + 1;
        Ok(receipt)
    });
    written.collect()
}

fn written(append: &PreparedAppend, first_position: u64) -> Receipt {
    let events = append.events.len() as u64;
    Receipt {
        first_version: append.expected + 1,
        last_version: append.expected + events,
        first_position,
        last_position: first_position + events - 1,
        time: append.time,
    }
}

fn verdict(
    queued: &Queued,
    row: &Row,
    guards: &[&Guard],
    ids: &mut StreamIds,
) -> Result<Result<Receipt, AppendError>, StoreFailure> {
    let append = &queued.append;
    Ok(match row.get("verdict") {
        "written" => {
            ids.learn(append.key.clone(), row.get("stream"));
            Ok(written(append, count(row.get("first_position"))))
        }
        "known" => Err(known(queued, row)),
        "conflict" => Err(AppendError::Conflict { actual: count(row.get("actual")) }),
        "guarded" => {
            // Guards are numbered from 1 over the whole batch.
            let number: i32 = row.get("broken");
            let guard = usize::try_from(number - 1).ok().and_then(|at| guards.get(at)).copied();
            let guard = guard.ok_or_else(|| StoreFailure::Corrupt(format!("no guard {number} in the batch")))?;
            Err(AppendError::Guarded { guard: guard.clone(), held: held(row)? })
        }
        other => return Err(StoreFailure::Corrupt(format!("a verdict {other:?}"))),
    })
}

/// The same key again: the same request gets its first receipt, another one is refused.
fn known(queued: &Queued, row: &Row) -> AppendError {
    let asked = queued.append.idempotency.as_ref().map(|answer| answer.fingerprint.as_str());
    let first: Option<i64> = row.get("known_first_position");
    match first {
        Some(first_position) if asked == row.get("known_fingerprint") => AppendError::Duplicate(Receipt {
            first_version: count(row.get("known_first_version")),
            last_version: count(row.get("known_last_version")),
            first_position: count(first_position),
            last_position: count(row.get("known_last_position")),
            time: row.get::<_, At>("known_time").0,
        }),
        Some(_) | None => AppendError::KeyReused,
    }
}

fn held(row: &Row) -> Result<Option<StreamId>, StoreFailure> {
    let (kind, name): (Option<&str>, Option<&str>) = (row.get("held_kind"), row.get("held_name"));
    kind.zip(name).map(|(kind, name)| crate::postgres::rows::stream_id(kind, name)).transpose()
}
