//! `/api/agent-logs`: lines that agents' processes write about themselves.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use conductor_core::agent_log::{AgentLine, LONGEST_AGENT_LINE, LogLevel, MOST_LINES_OF_AGENT};
use conductor_core::data::{FieldError, Value};
use conductor_core::execution_log::cut;
use conductor_core::identity::{Claimant, IssueRef};
use conductor_core::port::LineFilter;
use conductor_core::time::Timestamp;
use serde_json::json;

use crate::caller::Visitor;
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::json::{Limits, Properties, RawBody, parse};
use crate::openapi::{
    Answer, Body, Operation, Parameter, Role, Tag, Texts, claimant, count, issue_number, nullable, one_of, repo, text,
};
use crate::paging::{LARGEST_PAGE, PAGE, page};
use crate::query::Query;
use crate::report::AGENT_ID;
use crate::wire::{AgentLineRow, LinesKept};

/// Lines of one agent.
///
/// # Errors
/// When the request makes no sense, a line is another agent's, or the store can't keep them.
pub async fn keep(edge: Data<Edge>, visitor: Visitor, body: RawBody) -> Result<HttpResponse, ApiError> {
    let mut properties = Properties::of(parse(&body.0, &Limits::API)?)?;
    let claimant = visitor.agent(edge.policy(), properties.optional::<Claimant>(AGENT_ID)?)?;
    let entries = match properties.take("entries") {
        Some(Value::List(items)) => items,
        Some(other) => return Err(FieldError::expected("a list", &other).within("entries").into()),
        None => return Err(FieldError::new("is missing").within("entries").into()),
    };
    let read = entries.into_iter().enumerate().map(|(at, entry)| {
        line(&edge, entry, &claimant).map_err(|error| error.within(&format!("[{at}]")).within("entries"))
    });
    let lines: Vec<AgentLine> = read.collect::<Result<_, FieldError>>()?;
    if let Some(other) = lines.iter().find(|line| line.claimant.agent != claimant.agent) {
        return Err(ApiError::forbidden(format!(
            "{} may not write lines of {}: send each agent's lines in its own name",
            claimant.agent, other.claimant.agent
        )));
    }
    let now = edge.now();
    edge.store().keep_lines(&lines, now).await?;
    edge.lines.kept();
    if let Some(channels) = &edge.channels {
        channels.tell(&lines, now);
    }
    are_signs_of_life(&edge, &claimant, &lines, now);
    Ok(HttpResponse::Ok().json(LinesKept { kept: lines.len() as u64 }))
}

/// Whoever writes is there, and works on what the lines are about.
fn are_signs_of_life(edge: &Edge, claimant: &Claimant, lines: &[AgentLine], now: Timestamp) {
    if !lines.is_empty() {
        edge.leases.heard(claimant, None, now);
    }
    let about = |line: &AgentLine| Some((line.claimant.clone(), IssueRef::new(line.repo.clone()?, line.number?)?));
    for (writer, issue) in lines.iter().filter_map(about).collect::<BTreeSet<_>>() {
        edge.leases.worked(&writer, None, &issue, now);
    }
}

fn line(edge: &Edge, entry: Value<'static>, claimant: &Claimant) -> Result<AgentLine, FieldError> {
    let mut properties = Properties::of(entry)?;
    // A repo of "" and a number of 0 mean none, as in telemetry.
    let repo = properties.take("repo").filter(|repo| repo.as_text() != Some(""));
    if let Some(repo) = repo {
        properties.put("repo", repo);
    }
    Ok(AgentLine {
        claimant: properties.optional(AGENT_ID)?.unwrap_or_else(|| claimant.clone()),
        ts: properties.optional("ts")?,
        level: properties.required("level")?,
        message: cut(properties.required("message")?, LONGEST_AGENT_LINE),
        repo: properties.optional("repo")?.map(|repo| edge.first_name(repo)),
        number: properties.optional::<u64>("issueNumber")?.filter(|number| *number != 0),
    })
}

/// Lines that match, the latest first.
///
/// # Errors
/// When a filter is malformed or the store can't answer.
pub async fn list(edge: Data<Edge>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request)?;
    let filter = filter(&edge, &query)?;
    let before = query.number("before", 1..=i64::MAX.unsigned_abs())?;
    let limit = query.number("limit", 1..=LARGEST_PAGE)?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE);
    let lines = edge.store().agent_lines(&filter, before, limit + 1).await?;
    let next = lines.get(limit).and_then(|_| lines.get(limit - 1));
    let next = next.map(|last| format!("{}?{}", request.path(), query.with("before", &last.place.to_string())));
    let rows: Vec<AgentLineRow> = lines.iter().take(limit).map(AgentLineRow::of).collect();
    Ok(page(&rows, next))
}

/// Which lines are asked for.
pub(super) fn filter(edge: &Edge, query: &Query) -> Result<LineFilter, ApiError> {
    Ok(LineFilter {
        agent: query.read::<Claimant>(AGENT_ID)?.map(|claimant| claimant.agent),
        level: query.read::<LogLevel>("level")?,
        repo: query.read("repo")?.map(|repo| edge.first_name(repo)),
        number: query.number("issueNumber", 1..=i64::MAX.unsigned_abs())?,
    })
}

/// An operation that asks so.
pub(super) fn filtered(operation: Operation) -> Operation {
    let agent = Parameter::query("agentId", claimant(), "Of this agent, all its instances together.");
    operation
        .with(agent.example("some", "dev-e-node"))
        .with(Parameter::query("level", one_of(&LogLevel::texts()), "As loud as this."))
        .with(Parameter::query("repo", repo(), "In this repository."))
        .with(Parameter::query("issueNumber", issue_number(), "On this issue or pull request."))
}

pub(crate) fn keep_described() -> Operation {
    let entry = json!({
        "type": "object", "required": ["level", "message"],
        "properties": {
            "ts": nullable(text()), "agentId": nullable(claimant()), "level": one_of(&LogLevel::texts()), "message": text(),
            "repo": { "anyOf": [repo(), { "const": "" }, { "type": "null" }] }, "issueNumber": nullable(count(u64::MAX)),
        },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let schema = json!({
        "type": "object", "required": ["agentId", "entries"],
        "properties": {
            "agentId": claimant(), "entries": { "type": "array", "items": entry, "maxItems": Limits::API.items },
        },
        "additionalProperties": { "$ref": "#/components/schemas/Anything" }, "propertyNames": text(),
    });
    let lines = json!({ "agentId": "dev-e-node", "entries": [
        { "ts": "2026-11-21T09:30:00.000Z", "agentId": "dev-e-node", "level": "progress", "message": "12 tests passed",
          "repo": "acme/web", "issueNumber": 42 },
    ] });
    Operation::new("keep_agent_lines", Tag::Runs, "An agent's process wrote lines")
        .only(&[Role::Agent])
        .about(format!(
            "Of each line 4 KiB are kept, of each agent {MOST_LINES_OF_AGENT} lines, for as long as a setting says. Each entry has to \
             be of the agent that sends them. Lines are signs of life of their agent, and those that name the issue which it holds \
             are signs of work on it.",
        ))
        .takes(Body::json(schema, "Whose they are, and the lines.").example("some_lines", lines))
        .answers(Answer::json::<LinesKept>(200, "They are kept."))
        .refuses(&[Code::Malformed, Code::TooSlow, Code::TooLarge])
        .refuses(super::READS)
}

pub(crate) fn list_described() -> Operation {
    let before = json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX });
    let described = Operation::new("agent_lines", Tag::Runs, "What agents' processes wrote, the latest first")
        .about("200 lines, or `limit`.");
    filtered(described)
        .with(Parameter::query("before", before, "Where a page begins, as the `Link` header has it."))
        .with(super::limit())
        .answers(super::paged(Answer::json::<Vec<AgentLineRow>>(200, "Lines.")))
        .refuses(&[Code::Malformed])
        .refuses(super::READS)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::testing::{Daemon, Reply};

    async fn send(daemon: &Daemon, body: &Value) -> Reply {
        daemon.send(TestRequest::post().uri("/api/agent-logs").set_payload(body.to_string())).await
    }

    fn entry(agent: &str, message: &str) -> Value {
        json!({ "ts": "now", "agentId": agent, "level": "info", "message": message, "repo": "acme/web", "issueNumber": 4 })
    }

    #[actix_web::test]
    async fn lines_are_read_back_the_latest_first() {
        let daemon = Daemon::start().await;
        let mut second = entry("dev-e-node/b", "two");
        (second["Level"], second["repo"], second["issueNumber"]) = (json!("cli-stderr"), json!(""), json!(0));
        second.as_object_mut().unwrap().remove("level");
        let body = json!({ "agentId": "dev-e-node/a", "entries": [entry("dev-e-node", "one"), second] });
        assert_eq!(send(&daemon, &body).await.expect(200), json!({ "kept": 2 }));
        let rows = daemon.get("/api/agent-logs").await.expect(200);
        assert_eq!(
            rows[0],
            json!({ "agentId": "dev-e-node/b", "ts": "now", "level": "cli-stderr", "message": "two", "repo": null,
                    "issueNumber": null, "receivedAt": "2026-11-21T12:00:00.000Z" })
        );
        assert_eq!((&rows[1]["message"], &rows[1]["issueNumber"]), (&json!("one"), &json!(4)));
        for (query, expected) in [
            ("agentId=dev-e-node/x&level=info", 1),
            ("agentId=review-e", 0),
            ("repo=ACME/web", 1),
            ("issueNumber=4", 1),
            ("issueNumber=5", 0),
        ] {
            let found = daemon.get(&format!("/api/agent-logs?{query}")).await.expect(200);
            assert_eq!(found.as_array().unwrap().len(), expected, "{query}");
        }
        let first = daemon.get("/api/agent-logs?limit=1").await;
        let next = first.headers["link"].trim_start_matches('<').split('>').next().unwrap().to_owned();
        assert_eq!(daemon.get(&next).await.expect(200)[0]["message"], "one");
    }

    #[actix_web::test]
    async fn an_agent_writes_lines_of_its_own_alone() {
        let daemon = Daemon::start().await;
        let foreign = json!({ "agentId": "dev-e-node", "entries": [entry("dev-e-python", "x")] });
        send(&daemon, &foreign).await.refused(403, "forbidden");
        let (secret, _) = daemon.token("agent", "dev-e-python").await;
        let request =
            TestRequest::post().uri("/api/agent-logs").insert_header(("Authorization", format!("Bearer {secret}")));
        let own = json!({ "agentId": "dev-e-node", "entries": [] });
        daemon.send(request.set_payload(own.to_string())).await.refused(403, "forbidden");
        assert_eq!(daemon.get("/api/agent-logs").await.expect(200), json!([]));
    }

    #[actix_web::test]
    async fn what_makes_no_sense_is_a_clear_400() {
        let daemon = Daemon::start().await;
        for (body, mentions) in [
            (json!([]), "object"),
            (json!({ "entries": [] }), "agentId"),
            (json!({ "agentId": "a" }), "entries"),
            (json!({ "agentId": "a", "entries": {} }), "entries"),
            (json!({ "agentId": "a", "entries": [{ "level": "info" }] }), "entries[0].message"),
            (json!({ "agentId": "a", "entries": [{ "level": "shout", "message": "x" }] }), "entries[0].level"),
            (
                json!({ "agentId": "a", "entries": [{ "level": "info", "message": "x", "repo": "acme" }] }),
                "entries[0].repo",
            ),
        ] {
            let problem = send(&daemon, &body).await.refused(400, "malformed");
            assert!(problem.contains(mentions), "{body}: {problem}");
        }
        for query in ["level=shout", "before=0", "limit=0", "agentId=a%23b", "repo=acme"] {
            daemon.get(&format!("/api/agent-logs?{query}")).await.refused(400, "malformed");
        }
    }
}
