//! Requests that a web page of another site made a browser send.

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::error::ApiError;

/// Refuses them. Where callers are taken at their word there is no secret that such a page would have to know, and it reaches
/// loopback and the trusted network as well as the person at the keyboard does.
///
/// # Errors
/// 403 for a browser's request that comes from another site.
pub(super) fn refuse(request: &HttpRequest) -> Result<(), ApiError> {
    let header = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let fetched_from = header(header::HeaderName::from_static("sec-fetch-site"));
    let foreign_fetch = fetched_from.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let host = header(header::HOST).unwrap_or_default();
    let origin = header(header::ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    if foreign_fetch || origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(host)) {
        return Err(ApiError::forbidden("a page of another site may not ask this: call the API from its own origin"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_page_of_another_site_is_refused_and_a_program_is_not() {
        let asked = |headers: &[(&'static str, &'static str)]| {
            let request = TestRequest::default().insert_header(("host", "127.0.0.1:8080"));
            let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
            refuse(&request.to_http_request()).is_ok()
        };
        assert!(asked(&[]));
        assert!(asked(&[("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(asked(&[("sec-fetch-site", "none")]), "typed into the address bar");
        assert!(!asked(&[("origin", "https://evil.example")]));
        assert!(!asked(&[("origin", "null")]));
        assert!(!asked(&[("origin", "http://127.0.0.1:9090")]), "another program's page");
        assert!(!asked(&[("sec-fetch-site", "cross-site")]));
        assert!(!asked(&[("sec-fetch-site", "same-site")]));
    }
}
