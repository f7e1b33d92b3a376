//! Which path leads where. Every answer is JSON, the refusals of unknown paths and methods too.

use actix_web::web::{PayloadConfig, ServiceConfig, resource, route};
use actix_web::{HttpRequest, HttpResponse, Resource, web};

use crate::endpoint::{agents, assignments, events, health, issues, live, pulls, queue, report, root, tokens};
use crate::error::ApiError;

/// The largest body that the API takes; the webhook, which GitHub fills, has a limit of its own.
pub const LARGEST_BODY: usize = 1 << 20;

/// The endpoints of the API and of health.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_only("/", root::index))
        .service(get_only("/health", health::health))
        .service(get_only("/healthz/live", health::live))
        .service(get_only("/healthz/ready", health::ready))
        .service(get_only("/healthz/deep", health::deep))
        .service(get_only("/healthz/actors", health::actors))
        .service(
            resource("/api/events")
                .app_data(PayloadConfig::new(LARGEST_BODY))
                .get(events::log)
                .post(report::post)
                .default_service(route().to(|request: HttpRequest| refuse(request, "GET, POST"))),
        )
        .service(get_only("/api/events/stream", events::stream))
        .service(get_only("/api/events/live", live::live))
        .service(get_only("/api/issues", issues::list))
        .service(get_only("/api/issues/{owner}/{repo}/{number}", issues::one))
        .service(get_only("/api/pulls", pulls::list))
        .service(get_only("/api/queue", queue::list))
        .service(get_only("/api/assignments/next", assignments::next))
        .service(
            resource("/api/admin/tokens")
                .app_data(PayloadConfig::new(LARGEST_BODY))
                .get(tokens::list)
                .post(tokens::create)
                .default_service(route().to(|request: HttpRequest| refuse(request, "GET, POST"))),
        )
        .service(
            resource("/api/admin/tokens/{id}")
                .delete(tokens::revoke)
                .default_service(route().to(|request: HttpRequest| refuse(request, "DELETE"))),
        )
        .service(get_only("/api/agents", agents::list))
        .service(get_only("/api/agents/{id:.+}", agents::one));
}

/// A path that is only read.
fn get_only<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(route().to(|request: HttpRequest| refuse(request, "GET, HEAD")))
}

async fn refuse(request: HttpRequest, allow: &'static str) -> Result<HttpResponse, ApiError> {
    Err(ApiError::method_not_allowed(request.method().as_str(), allow))
}

#[cfg(test)]
mod tests {
    use crate::testing::Daemon;
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    #[actix_web::test]
    async fn unknown_paths_are_404_in_json() {
        let daemon = Daemon::start().await;
        for uri in ["/nothing", "/api", "/api/issues/acme/web", "/api/events/", "/healthz", "/%00", "/api/agents/"] {
            daemon.get(uri).await.refused(404, "unknown");
        }
        daemon.send(TestRequest::post().uri("/nothing").set_payload("x")).await.refused(404, "unknown");
    }

    #[actix_web::test]
    async fn unknown_methods_are_405_in_json_and_say_what_is_answered() {
        let daemon = Daemon::start().await;
        for uri in ["/", "/health", "/healthz/deep", "/api/issues", "/api/issues/a/b/1", "/api/queue", "/api/agents/x"]
        {
            let reply = daemon.send(TestRequest::default().method(Method::DELETE).uri(uri)).await;
            reply.refused(405, "method_not_allowed");
            assert_eq!(reply.headers["allow"], "GET, HEAD", "{uri}");
        }
        let reply = daemon.send(TestRequest::default().method(Method::PUT).uri("/api/events")).await;
        reply.refused(405, "method_not_allowed");
        assert_eq!(reply.headers["allow"], "GET, POST");
    }

    #[actix_web::test]
    async fn everything_that_the_root_names_exists() {
        let daemon = Daemon::start().await;
        let index = daemon.get("/").await.expect(200);
        let links = ["health", "api"].iter().flat_map(|group| index[group].as_object().unwrap().values());
        for link in links {
            daemon.get(link.as_str().unwrap()).await.expect(200);
        }
    }
}
