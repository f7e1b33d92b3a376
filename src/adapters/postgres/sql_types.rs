//! Types of ours as PostgreSQL's binary protocol carries them, without a detour over a calendar or a JSON tree.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use conductor_core::time::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

/// 2000-01-01 in milliseconds since 1970: where PostgreSQL's clock begins.
const POSTGRES_EPOCH_MS: i64 = 946_684_800_000;

/// A point in time as `timestamptz`.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) Timestamp);

impl ToSql for At {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        ((self.0.as_millis() - POSTGRES_EPOCH_MS) * 1000).to_sql(ty, out)
    }
    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_sql(ty, raw)?;
        Ok(Self(Timestamp::from_millis(micros.div_euclid(1000).saturating_add(POSTGRES_EPOCH_MS))))
    }
    accepts!(TIMESTAMPTZ);
}

/// JSON text as `json`: PostgreSQL checks that it is JSON and keeps its bytes as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonText<'a>(pub(super) &'a str);

impl ToSql for JsonText<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.as_bytes().to_sql(ty, out)
    }
    accepts!(JSON);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for JsonText<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }
    accepts!(JSON);
}

/// A count of ours as `bigint`; nothing ever counts that far.
pub(super) fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A page's size as `bigint`.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A `bigint` that only counts.
pub(super) fn count(bigint: i64) -> u64 {
    u64::try_from(bigint).unwrap_or(0)
}

/// Text without the one letter that PostgreSQL can't hold; the replacement character stands in for it.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}
