//! One file per event type and kind of stream, with the text that the log holds for a payload without gaps.
//!
//! `CONDUCTOR_WRITE_GOLDEN=1 cargo test -p conductor-adapters golden` writes files that are missing or changed. A *changed*
//! file means that recorded events of that type look different from today on: add an upcaster first.

mod agent;
mod issue;
mod pull_request;
mod rig;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Once;

use conductor_core::data::{Record, Value};
use conductor_core::event::{AgentEvent, Event, IssueEvent, PullRequestEvent, RigEvent};
use conductor_core::identity::{AgentId, IssueRef, Login, RepoName, Sha, StreamKind};
use conductor_core::time::Timestamp;

use super::json::Written;
use super::{parse, schema_version, upcast};

/// The payload itself, once it is sure that no field of it is left out of the text.
fn full<R: Record>(payload: R) -> R {
    let written = payload.to_value();
    let gaps: Vec<&str> = R::FIELDS.iter().copied().filter(|field| written.get(field).is_none()).collect();
    assert!(gaps.is_empty(), "an example of {} leaves {gaps:?} empty", std::any::type_name::<R>());
    payload
}

fn agent_id() -> AgentId {
    AgentId::parse("dev-e-node").unwrap()
}
fn issue_ref(number: u64) -> IssueRef {
    IssueRef::new(repo(), number).unwrap()
}
fn login() -> Login {
    Login::parse("review-e-bot[bot]").unwrap()
}
fn repo() -> RepoName {
    RepoName::parse("Acme/Web").unwrap()
}
fn sha() -> Sha {
    Sha::parse("6dcb09b5b57875f334f61aebed695e2e4193db5e").unwrap()
}
fn text(text: &str) -> String {
    text.to_owned()
}
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
fn time() -> Timestamp {
    Timestamp::parse("2026-11-21T09:30:00.123Z").unwrap()
}

/// Folder and example, for every type of every kind of stream.
fn examples() -> Vec<(&'static str, Event)> {
    let own = issue::own().into_iter().map(|event| ("issue", Event::Issue(event)));
    let consequences = issue::consequences().into_iter().map(|event| ("issue_consequence", Event::Issue(event)));
    let pulls = pull_request::examples().into_iter().map(|event| ("pull_request", Event::PullRequest(event)));
    let agents = agent::examples().into_iter().map(|event| ("agent", Event::Agent(event)));
    let rig = rig::examples().into_iter().map(|event| ("rig", Event::Rig(event)));
    own.chain(consequences).chain(pulls).chain(agents).chain(rig).collect()
}

fn kind_of(event: &Event) -> StreamKind {
    match event {
        Event::Issue(_) => StreamKind::Issue,
        Event::PullRequest(_) => StreamKind::PullRequest,
        Event::Agent(_) => StreamKind::Agent,
        Event::Rig(_) => StreamKind::Rig,
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("codec/golden")
}

fn path(folder_name: &str, type_name: &str) -> PathBuf {
    folder().join(folder_name).join(format!("{type_name}.json"))
}

/// Type, schema and data of an event, laid out for reading; the data's fields stand in their order in the log.
fn golden_text(event: &Event) -> String {
    let schema = schema_version(kind_of(event), event.type_name());
    let file = Value::Map(vec![
        ("type".into(), Value::text(event.type_name())),
        ("schema".into(), Value::Int(schema.into())),
        ("data".into(), event.to_value()),
    ]);
    let mut text = serde_json::to_string_pretty(&Written::new(&file)).unwrap();
    text.push('\n');
    text
}

/// Writes what is missing or changed, once and before any test reads, where the environment asks for it.
fn bring_up_to_date() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::env::var_os("CONDUCTOR_WRITE_GOLDEN").is_none_or(|value| value != "1") {
            return;
        }
        for (folder_name, event) in examples() {
            let (path, wanted) = (path(folder_name, event.type_name()), golden_text(&event));
            if std::fs::read_to_string(&path).ok().as_deref() != Some(wanted.as_str()) {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, wanted).unwrap();
            }
        }
    });
}

#[test]
fn every_event_is_written_as_its_golden_file_says() {
    bring_up_to_date();
    let mut wrong = Vec::new();
    for (folder_name, event) in examples() {
        let path = path(folder_name, event.type_name());
        match std::fs::read_to_string(&path) {
            Ok(found) if found == golden_text(&event) => {}
            Ok(_) => wrong.push(format!("changed: {}", path.display())),
            Err(error) => wrong.push(format!("missing: {} ({error})", path.display())),
        }
    }
    assert!(wrong.is_empty(), "golden files differ (see the head of codec/golden/mod.rs):\n{}", wrong.join("\n"));
}

#[test]
fn every_golden_file_reads_back_as_the_event_it_was_made_of() {
    bring_up_to_date();
    for (folder_name, event) in examples() {
        let path = path(folder_name, event.type_name());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = parse(&text).unwrap();
        let Some(Value::Int(schema)) = file.get("schema") else { panic!("{}: no schema", path.display()) };
        let data = file.get("data").unwrap().clone();
        let type_name = file.get("type").and_then(Value::as_text).unwrap();
        let data = upcast(kind_of(&event), type_name, u16::try_from(*schema).unwrap(), data).unwrap();
        assert_eq!(Event::from_value(kind_of(&event), type_name, &data).unwrap(), event, "{}", path.display());
    }
}

#[test]
fn every_type_of_every_kind_of_stream_has_exactly_one_golden_file() {
    bring_up_to_date();
    let wanted: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("issue", IssueEvent::TYPES),
        ("issue_consequence", PullRequestEvent::TYPES),
        ("pull_request", PullRequestEvent::TYPES),
        ("agent", AgentEvent::TYPES),
        ("rig", RigEvent::TYPES),
    ]);
    for (folder_name, types) in wanted {
        let mut wanted: Vec<String> = types.iter().map(|name| format!("{name}.json")).collect();
        wanted.sort_unstable();
        let entries = std::fs::read_dir(folder().join(folder_name)).unwrap();
        let mut found: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, wanted, "files of {folder_name}");
    }
}
