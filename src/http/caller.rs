//! Who calls: the one place where a request gets its identity.
//!
//! Identity is `open` so far, which serves loopback alone: whoever names an agent is taken at its word and acts in that
//! agent's role, whoever names none acts as operator. Tokens will be read here, and nowhere else.

use actix_web::HttpRequest;
use actix_web::http::header;
use conductor_core::authority::{Caller, membership_of};
use conductor_core::decider::Refusal;
use conductor_core::identity::Claimant;
use conductor_core::roster::Policy;

use crate::error::ApiError;

/// What an operator without a token is called on record.
const LOCAL_OPERATOR: &str = "local";

/// The caller of a request that names this agent, or none.
///
/// # Errors
/// [`Refusal::Forbidden`] for an agent outside the roster where such are refused.
pub fn identify(policy: &Policy, named: Option<Claimant>) -> Result<Caller, Refusal> {
    match named {
        Some(claimant) => membership_of(policy, &claimant.agent).map(|_| Caller::Agent(claimant)),
        None => Ok(Caller::Operator(LOCAL_OPERATOR.to_owned())),
    }
}

/// Refuses what a web page of another site made a browser send. Where identity is `open` there is no secret that such a page
/// would have to know, and it reaches loopback as well as the person at the keyboard does.
///
/// # Errors
/// 403 for a browser's request that comes from another site.
pub fn refuse_foreign_pages(request: &HttpRequest) -> Result<(), ApiError> {
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

/// The caller as one text, for scopes of idempotency keys and log lines: instances are told apart.
#[must_use]
pub fn name_of(caller: &Caller) -> String {
    match caller {
        Caller::Agent(claimant) => format!("agent:{claimant}"),
        Caller::Operator(name) => format!("operator:{name}"),
        Caller::Viewer(name) => format!("viewer:{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_core::roster::{GitHubMode, UnknownAgents};

    #[test]
    fn whoever_names_no_agent_is_the_operator() {
        let policy = Policy::built_in(GitHubMode::None);
        assert_eq!(name_of(&identify(&policy, None).unwrap()), "operator:local");
        let named = identify(&policy, Claimant::parse("dev-e-node/ab12c")).unwrap();
        assert_eq!(name_of(&named), "agent:dev-e-node/ab12c");
    }

    #[test]
    fn a_page_of_another_site_is_refused_and_a_program_is_not() {
        use actix_web::test::TestRequest;
        let asked = |headers: &[(&'static str, &'static str)]| {
            let request = TestRequest::default().insert_header(("host", "127.0.0.1:8080"));
            let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
            refuse_foreign_pages(&request.to_http_request()).is_ok()
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

    #[test]
    fn an_agent_outside_the_roster_is_refused_where_the_policy_says_so() {
        let policy = Policy { unknown_agents: UnknownAgents::Refuse, ..Policy::built_in(GitHubMode::None) };
        assert!(matches!(identify(&policy, Claimant::parse("stranger")), Err(Refusal::Forbidden { .. })));
    }
}
