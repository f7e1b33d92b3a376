//! Long answers with bounded memory: arrays that are streamed page by page, and pages with an opaque cursor.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use conductor_core::port::{Cursor, StoreFailure};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Serialize;

use crate::error::{ApiError, json_text};
use crate::query::Query;

/// Rows or events per read of the store: small enough for a few hundred kilobytes, large enough to need few reads.
pub const PAGE: usize = 200;
/// The largest page that a client may ask for.
pub const LARGEST_PAGE: u64 = 1_000;

/// Answers `head`, the items of all pages with commas between them, and `tail`.
///
/// The first page is read before anything is answered, so a store that is away gives a 503. A failure later on cuts the
/// answer short in the middle of its JSON: the client sees a broken answer, never a complete-looking shorter one.
///
/// # Errors
/// When the first page can't be read.
pub async fn streamed<T, S>(head: String, pages: S, tail: &'static str) -> Result<HttpResponse, ApiError>
where
    T: Serialize + 'static,
    S: Stream<Item = Result<Vec<T>, StoreFailure>> + 'static,
{
    let mut pages = Box::pin(pages);
    let first = match pages.next().await {
        Some(page) => page?,
        None => Vec::new(),
    };
    let mut written = 0;
    let chunks = stream::once(std::future::ready(Ok(first))).chain(pages).map(move |page| {
        let page = page.inspect_err(|failure| tracing::warn!(%failure, "cut an answer short: failed to {failure}"))?;
        Ok(Bytes::from(items(&page, &mut written)))
    });
    let body = stream::once(std::future::ready(Ok(Bytes::from(head))))
        .chain(chunks)
        .chain(stream::once(std::future::ready(Ok::<_, StoreFailure>(Bytes::from_static(tail.as_bytes())))));
    Ok(HttpResponse::Ok().content_type("application/json").streaming(body))
}

fn items<T: Serialize>(page: &[T], written: &mut usize) -> String {
    let mut text = String::new();
    for item in page {
        if *written > 0 {
            text.push(',');
        }
        *written += 1;
        text.push_str(&json_text(item));
    }
    text
}

/// A page as a bare array, with a link to the next one where there is one.
#[must_use]
pub fn page<T: Serialize>(items: &[T], next: Option<String>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(next) = next {
        response.insert_header((header::LINK, format!("<{next}>; rel=\"next\"")));
    }
    response.json(items)
}

/// The cursor as clients see it: opaque, and safe in a URL.
#[must_use]
pub fn cursor_text(cursor: &Cursor) -> String {
    hex::encode(format!("{} {}", cursor.number, cursor.name))
}

/// The cursor that a client sent back.
///
/// # Errors
/// When it isn't one of ours.
pub fn cursor_of(query: &Query) -> Result<Option<Cursor>, ApiError> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    let read = || {
        let decoded = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (number, name) = decoded.split_once(' ')?;
        let printable = name.bytes().all(|byte| byte.is_ascii_graphic());
        printable.then_some(Cursor { name: name.to_owned(), number: number.parse().ok()? })
    };
    let cursor =
        read().ok_or_else(|| ApiError::malformed("cursor is not one of ours: follow the Link header of a page"))?;
    Ok(Some(cursor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    async fn text_of(pages: Vec<Result<Vec<u32>, StoreFailure>>) -> Result<String, String> {
        let response = streamed("[".to_owned(), stream::iter(pages), "]").await.map_err(|error| error.to_string())?;
        let body = to_bytes(response.into_body()).await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn pages_become_one_array() {
        assert_eq!(text_of(vec![Ok(vec![1, 2]), Ok(vec![]), Ok(vec![3])]).await.unwrap(), "[1,2,3]");
        assert_eq!(text_of(vec![]).await.unwrap(), "[]");
    }

    #[actix_web::test]
    async fn a_store_that_is_away_is_503_and_one_that_goes_away_breaks_the_answer() {
        let away = || Err(StoreFailure::Unavailable("gone".into()));
        assert!(text_of(vec![away()]).await.unwrap_err().starts_with("503"));
        let cut = text_of(vec![Ok(vec![1]), away(), Ok(vec![2])]).await;
        assert!(cut.is_err(), "{cut:?}");
    }

    #[test]
    fn cursors_read_back_and_foreign_ones_are_refused() {
        let cursor = Cursor { name: "acme/web".to_owned(), number: 7 };
        let sent_back = |text: &str| {
            let request = actix_web::test::TestRequest::with_uri(&format!("/?cursor={text}")).to_http_request();
            cursor_of(&Query::of(&request).unwrap())
        };
        assert_eq!(sent_back(&cursor_text(&cursor)), Ok(Some(cursor)));
        for text in ["x", "00", "37", &hex::encode("seven acme/web"), &hex::encode("7 acme\0web")] {
            assert!(sent_back(text).is_err(), "{text}");
        }
    }
}
