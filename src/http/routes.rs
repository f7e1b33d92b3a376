//! Which path leads where. Every answer is JSON, the refusals of unknown paths and methods too.

use actix_web::web::{PayloadConfig, ServiceConfig};

use crate::endpoint::{
    about, agent_lines_live, agent_logs, agents, assignments, costs, dead_letters, events, execution_logs, explain,
    health, issues, learnings, live, merge, overrides, pulls, queue, report, reviews, tokens,
};
use crate::openapi::Endpoint;

/// The largest body that the API takes; the webhook, which GitHub fills, has a limit of its own.
pub const LARGEST_BODY: usize = 1 << 20;

/// Serves the endpoints of the API and of health.
pub fn configure(config: &mut ServiceConfig) {
    serve(endpoints(), config);
}

/// Serves those endpoints.
pub(crate) fn serve(endpoints: Vec<Endpoint>, config: &mut ServiceConfig) {
    for endpoint in endpoints {
        config.service(endpoint.into_resource());
    }
}

/// The endpoints of the API and of health, each with its description.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::read("/", about::index, about::index_described()),
        Endpoint::read("/openapi.json", about::openapi, about::openapi_described()),
        Endpoint::read("/docs", about::docs, about::docs_described()),
        Endpoint::read("/health", health::health, health::health_described()),
        Endpoint::read("/healthz/live", health::live, health::live_described()),
        Endpoint::read("/healthz/ready", health::ready, health::ready_described()),
        Endpoint::read("/healthz/deep", health::deep, health::deep_described()),
        Endpoint::read("/healthz/actors", health::actors, health::actors_described()),
        Endpoint::at("/api/events")
            .data(PayloadConfig::new(LARGEST_BODY))
            .get(events::log, events::log_described())
            .post(report::post, report::post_described()),
        Endpoint::read("/api/events/stream", events::stream, events::stream_described()),
        Endpoint::read("/api/events/live", live::live, live::live_described()),
        Endpoint::read("/api/issues", issues::list, issues::list_described()),
        Endpoint::read("/api/issues/{owner}/{repo}/{number}", issues::one, issues::one_described()),
        Endpoint::read("/api/pulls", pulls::list, pulls::list_described()),
        Endpoint::read("/api/queue", queue::list, queue::list_described()),
        Endpoint::read("/api/explain", explain::explain, explain::explain_described()),
        Endpoint::read("/api/assignments/next", assignments::next, assignments::next_described()),
        Endpoint::at("/api/agent-logs")
            .data(PayloadConfig::new(LARGEST_BODY))
            .get(agent_logs::list, agent_logs::list_described())
            .post(agent_logs::keep, agent_logs::keep_described()),
        Endpoint::read("/api/agent-logs/live", agent_lines_live::live, agent_lines_live::live_described()),
        Endpoint::at("/api/repo-learnings")
            .data(PayloadConfig::new(LARGEST_BODY))
            .get(learnings::list, learnings::list_described())
            .post(learnings::learn, learnings::learn_described()),
        Endpoint::at("/api/merge").data(PayloadConfig::new(LARGEST_BODY)).post(merge::merge, merge::merge_described()),
        Endpoint::read("/api/usage", costs::usage, costs::usage_described()),
        Endpoint::read("/api/costs/summary", costs::summary, costs::summary_described()),
        Endpoint::read("/api/costs/daily", costs::daily, costs::daily_described()),
        Endpoint::read("/api/costs/issue", costs::by_issue, costs::by_issue_described()),
        Endpoint::read("/public/cost-summary", costs::public, costs::public_described()),
        Endpoint::read("/api/reviews/next", reviews::next, reviews::next_described()),
        Endpoint::at("/api/execution-logs")
            .data(PayloadConfig::new(LARGEST_BODY))
            .get(execution_logs::list, execution_logs::list_described())
            .post(execution_logs::begin, execution_logs::begin_described()),
        Endpoint::read("/api/execution-logs/{id}", execution_logs::one, execution_logs::one_described()),
        Endpoint::at("/api/execution-logs/{id}/steps")
            .data(PayloadConfig::new(LARGEST_BODY))
            .post(execution_logs::steps, execution_logs::steps_described()),
        Endpoint::at("/api/execution-logs/{id}/logs")
            .data(PayloadConfig::new(LARGEST_BODY))
            .post(execution_logs::lines, execution_logs::lines_described()),
        Endpoint::at("/api/execution-logs/{id}/complete")
            .data(PayloadConfig::new(LARGEST_BODY))
            .post(execution_logs::complete, execution_logs::complete_described()),
        Endpoint::at("/api/admin/tokens")
            .data(PayloadConfig::new(LARGEST_BODY))
            .get(tokens::list, tokens::list_described())
            .post(tokens::create, tokens::create_described()),
        Endpoint::at("/api/admin/overrides")
            .data(PayloadConfig::new(LARGEST_BODY))
            .post(overrides::post, overrides::post_described()),
        Endpoint::at("/api/admin/tokens/{id}").delete(tokens::revoke, tokens::revoke_described()),
        Endpoint::read("/api/dead-letters", dead_letters::list, dead_letters::list_described()),
        Endpoint::at("/api/dead-letters/{id}/retry").post(dead_letters::retry, dead_letters::retry_described()),
        Endpoint::read("/api/agents", agents::list, agents::list_described()),
        Endpoint::matching("/api/agents/{id}", "/api/agents/{id:.+}").get(agents::one, agents::one_described()),
    ]
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
        assert_eq!(reply.headers["allow"], "GET, HEAD, POST");
    }

    #[actix_web::test]
    async fn everything_that_the_root_names_exists() {
        let daemon = Daemon::start().await;
        let index = daemon.get("/").await.expect(200);
        let links = ["docs", "health", "api"].iter().flat_map(|group| index[group].as_object().unwrap().values());
        for link in links {
            assert_eq!(daemon.get(link.as_str().unwrap()).await.status, 200, "{link}");
        }
    }
}
