use std::collections::BTreeSet;

use conductor_core::authority::{Caller, may_report};
use conductor_core::identity::Claimant;
use conductor_core::roster::{GitHubMode, Policy};
use serde_json::Map;

use super::*;
use crate::json::{ASKED_FOR, Limits, Properties, parse};
use crate::report::{Place, Report, translate};

type Json = Map<String, Value>;

/// What a property's schema takes.
fn value_of(schema: &Value) -> Value {
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("string") if schema["examples"][0] == "acme/web" => json!("acme/web"),
        // A commit as well as an agent and any text.
        Some("string") => json!("c0ffee"),
        Some(other) => panic!("no property is of the kind {other}"),
        None => value_of(&schema["anyOf"][0]),
    }
}

/// What no property takes.
fn wrong_for(schema: &Value) -> Value {
    if schema.to_string().contains("\"array\"") { json!(7) } else { json!([{}]) }
}

/// The properties that the translation reads; those of the place are taken before it.
fn translated(shape: &ReportShape) -> Vec<Property> {
    let place: Vec<&str> =
        if has_place(shape.event_type) { vec!["repo", "issueNumber", "prRepo", "prNumber"] } else { vec![] };
    let is_callers = |name: &str| name == "agentId" && !agent_is_the_object(shape.event_type);
    let own = |property: &Property| !place.contains(&property.name) && !is_callers(property.name);
    shape.all_properties().into_iter().filter(own).collect()
}

fn whole(shape: &ReportShape) -> Json {
    translated(shape).iter().map(|property| (property.name.to_owned(), value_of(&property.schema()))).collect()
}

fn without(report: &Json, name: &str) -> Json {
    report.iter().filter(|(key, _)| *key != name).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Everybody who may report it.
fn callers(policy: &Policy, event_type: EventType) -> Vec<Caller> {
    let agents = ["dev-e-node", "review-e"].map(|id| Caller::Agent(Claimant::parse(id).unwrap()));
    let all = std::iter::once(Caller::Operator("ada".to_owned())).chain(agents);
    all.filter(|caller| may_report(policy, caller, event_type).is_ok()).collect()
}

/// The translation, by the last one who may say it: a reviewer where one may.
fn read(shape: &ReportShape, report: &Json) -> Result<Report, String> {
    let policy = Policy::built_in(GitHubMode::None);
    let place =
        if has_place(shape.event_type) { Place::of(Some("acme/web#4"), Some("acme/web#57")) } else { Place::default() };
    let text = Value::Object(report.clone()).to_string();
    let properties = || Properties::of(parse(text.as_bytes(), &Limits::API).unwrap()).unwrap();
    let all = callers(&policy, shape.event_type);
    let read = all.iter().map(|caller| translate(shape.event_type, caller, &policy, &place, properties()));
    read.collect::<Vec<_>>().pop().expect("somebody may say it").map_err(|error| format!("{} {error}", error.code()))
}

#[test]
fn every_type_that_somebody_may_report_is_described_and_shown_in_one_story() {
    let all = shapes();
    let described: BTreeSet<EventType> = all.iter().map(|shape| shape.event_type).collect();
    let may: BTreeSet<EventType> = EventType::all().filter(|known| Voice::of(*known) != Voice::Daemon).collect();
    assert_eq!((described, all.len()), (may.clone(), may.len()));
    let mut steps: Vec<u8> = all.iter().flat_map(|shape| shape.examples.iter().map(|(step, _)| *step)).collect();
    steps.sort_unstable();
    assert_eq!(steps, (1..=steps.len() as u8).collect::<Vec<_>>());
    assert!(all.iter().all(|shape| !shape.examples.is_empty()));
}

#[test]
fn the_translation_asks_for_what_is_described_and_for_nothing_else() {
    for shape in shapes() {
        ASKED_FOR.with_borrow_mut(BTreeSet::clear);
        let whole = whole(&shape);
        read(&shape, &whole).unwrap_or_else(|error| panic!("{}: {error}", shape.event_type));
        // Old names are asked for where the proper one is missing.
        for name in whole.keys() {
            let _ = read(&shape, &without(&whole, name));
        }
        let asked = ASKED_FOR.with_borrow(Clone::clone);
        let names = translated(&shape).into_iter();
        let mut described: BTreeSet<String> = names
            .flat_map(|property| std::iter::once(property.name).chain(property.old_names))
            .map(str::to_owned)
            .collect();
        if !asked.contains("prUrl") {
            // Taken for its number, and kept beside the event.
            described.remove("prUrl");
        }
        assert_eq!(asked, described, "{}", shape.event_type);
    }
}

#[test]
fn what_is_required_may_not_be_missing_and_the_rest_may() {
    for shape in shapes() {
        let whole = whole(&shape);
        for property in translated(&shape) {
            let read = read(&shape, &without(&whole, property.name));
            assert_eq!(read.is_err(), property.required, "{} without {}: {read:?}", shape.event_type, property.name);
            assert!(read.map_or_else(|error| error.starts_with("malformed"), |_| true));
        }
    }
}

#[test]
fn each_property_is_of_the_kind_that_is_described() {
    for shape in shapes() {
        for property in translated(&shape).iter().filter(|property| property.name != "prUrl") {
            let mut report = whole(&shape);
            report.insert(property.name.to_owned(), wrong_for(&property.schema()));
            let refused = read(&shape, &report).expect_err(&format!("{} {}", shape.event_type, property.name));
            assert!(refused.starts_with("malformed"), "{} {}: {refused}", shape.event_type, property.name);
            if !property.required {
                report.insert(property.name.to_owned(), Value::Null);
                assert!(read(&shape, &report).is_ok(), "{} {} null", shape.event_type, property.name);
            }
        }
    }
}
