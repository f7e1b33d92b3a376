//! `/`, `/openapi.json` and `/docs`: what there is, for people who look around and programs that read along.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use schemars::json_schema;
use serde_json::json;

use crate::edge::Edge;
use crate::error::json_text;
use crate::openapi::{ADDRESS, Answer, Operation, Tag, document, page};

/// The page needs nothing but its own style: no script, nothing of another host, no frame around it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The way to everything that exists.
pub async fn index(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "name": "conductor-e",
        "version": env!("CARGO_PKG_VERSION"),
        "identity": edge.admission.mode().as_str(),
        "warning": edge.admission.warning(),
        "docs": { "people": "/docs", "programs": "/openapi.json" },
        "health": { "alive": "/health", "ready": "/healthz/ready", "deep": "/healthz/deep", "actors": "/healthz/actors" },
        "api": {
            "issues": "/api/issues",
            "pulls": "/api/pulls",
            "queue": "/api/queue",
            "agents": "/api/agents",
            "events": "/api/events",
            "deadLetters": "/api/dead-letters",
        },
    }))
}

/// The description of the API.
pub async fn openapi() -> HttpResponse {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(json_text(document())));
    HttpResponse::Ok().content_type("application/json").body(TEXT.clone())
}

/// The same for people, with examples that name the address by which it was asked for.
pub async fn docs(request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<String> = LazyLock::new(|| page(document()));
    let connection = request.connection_info();
    let address = address(connection.scheme(), connection.host());
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(PAGE.replace(ADDRESS, &address))
}

/// What stands in a command to be copied. The words come from the request, so what is no plain host is none.
fn address(scheme: &str, host: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:[]".contains(letter);
    let host = if host.chars().all(plain) { host } else { "localhost" };
    let scheme = if scheme.eq_ignore_ascii_case("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}

pub(crate) fn index_described() -> Operation {
    Operation::new("index", Tag::About, "The way to everything that exists").public().counted().answers(Answer::text(
        200,
        "application/json",
        |_| json_schema!({ "type": "object", "required": ["name", "version", "docs", "health", "api"] }),
        "Paths by purpose.",
    ))
}

pub(crate) fn openapi_described() -> Operation {
    Operation::new("openapi", Tag::About, "This description").public().counted().answers(Answer::text(
        200,
        "application/json",
        |_| json_schema!({ "type": "object", "required": ["openapi", "info", "paths", "components"] }),
        "An OpenAPI 3.1 document.",
    ))
}

pub(crate) fn docs_described() -> Operation {
    let html = |_: &mut _| json_schema!({ "type": "string" });
    Operation::new("docs", Tag::About, "This description, for people")
        .about("A page that loads nothing, from this host or any other.")
        .public()
        .counted()
        .answers(Answer::text(200, "text/html", html, "A page."))
}

#[cfg(test)]
mod tests {
    use super::address;
    use crate::testing::Daemon;

    #[actix_web::test]
    async fn the_examples_of_the_page_name_the_address_by_which_it_was_asked_for() {
        let daemon = Daemon::start().await;
        let asked = actix_web::test::TestRequest::get().uri("/docs").insert_header(("Host", "rig.example:8091"));
        let page = daemon.send(asked).await.text;
        assert!(page.contains("curl 'http://rig.example:8091/api/"));
        assert!(!page.contains("{address}") && !page.contains("8080"));
        assert_eq!(address("https", "rig.example"), "https://rig.example");
        assert_eq!(address("http", "[::1]:9"), "http://[::1]:9");
        for hostile in ["x' ; rm -rf ~ #", "<script>", "$(x)"] {
            assert_eq!(address("javascript", hostile), "http://localhost");
        }
    }

    #[actix_web::test]
    async fn the_description_is_json_and_the_page_is_html_that_may_load_nothing() {
        let daemon = Daemon::start().await;
        assert_eq!(daemon.get("/openapi.json").await.expect(200)["openapi"], "3.1.0");
        let page = daemon.get("/docs").await;
        assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
        assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"), "{:?}", page.headers);
    }
}
