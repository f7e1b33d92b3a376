use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::operation::Tag;
use super::schema::Anything;
use crate::{routes, webhook};

/// What every refusal says.
#[derive(Serialize, JsonSchema)]
struct Error {
    /// One sentence that says what to do.
    error: String,
    /// What programs compare.
    code: String,
}

/// The whole API as an OpenAPI 3.1 document.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let endpoints: Vec<Endpoint> = routes::endpoints().into_iter().chain(webhook::endpoints()).collect();
        describe(&endpoints)
    });
    &DOCUMENT
}

const ABOUT: &str = "\
Coordinates AI coding agents: GitHub issues from backlog to merged pull request.

Names of properties are read in any casing, unknown ones are kept with the event, `null` is the same as left out. The same name \
twice, a NUL character, a number beyond 64 bits, more than 1,000 items or 32 levels are refused. One text may have 64 KiB (`body`: \
256 KiB), a request 1 MiB. Times are RFC 3339, UTC, in milliseconds. Any other method of a path is 405 `method_not_allowed`, any \
other path 404 `unknown`.

Where identity is `open`, programs of the daemon's own machine need no token, in a trusted network agents need none; the \
description is that of everywhere else.

The examples of `POST /api/events`, sent in the order of their names to a fresh daemon without GitHub, tell the life of an issue.";

pub(super) fn describe(endpoints: &[Endpoint]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .for_serialize()
        .into_generator();
    // Referred to by name.
    let _ = (generator.subschema_for::<Error>(), generator.subschema_for::<Anything>());
    let paths: Map<String, Value> =
        endpoints.iter().map(|endpoint| (endpoint.path.to_owned(), path(endpoint, &mut generator))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Conductor-E",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": Tag::ALL.iter().map(|tag| json!({ "name": tag.as_str() })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "`conductor-e token create` makes one. The word beside it, where it is asked for, is whose it has to be.",
            } },
        },
    })
}

fn path(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let operations = endpoint
        .operations
        .iter()
        .map(|(method, operation)| (method.as_str().to_ascii_lowercase(), operation.document(generator)));
    Value::Object(operations.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::collections::BTreeSet;

    fn operations() -> Vec<(String, Value)> {
        let paths = document()["paths"].as_object().unwrap().iter();
        paths
            .flat_map(|(path, methods)| methods.as_object().unwrap().values().map(|one| (path.clone(), one.clone())))
            .collect()
    }

    /// Every value under that name, however deep.
    fn all_under(value: &Value, name: &str, found: &mut Vec<Value>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get(name).cloned());
                members.values().for_each(|value| all_under(value, name, found));
            }
            Value::Array(items) => items.iter().for_each(|value| all_under(value, name, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn each_operation_has_a_name_of_its_own_a_summary_and_an_answer() {
        let all = operations();
        let names: BTreeSet<&str> = all.iter().map(|(_, one)| one["operationId"].as_str().unwrap()).collect();
        assert_eq!(names.len(), all.len());
        for (path, one) in &all {
            assert!(one["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{path}");
            let statuses: Vec<&String> = one["responses"].as_object().unwrap().keys().collect();
            assert!(statuses.iter().any(|status| status.starts_with('2')), "{path}: {statuses:?}");
        }
    }

    #[test]
    fn the_parts_of_a_path_are_its_parameters() {
        for (path, one) in operations() {
            let parts: BTreeSet<&str> = path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
            let parameters = one["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["in"] == "path");
            assert_eq!(parts, parameters.map(|parameter| parameter["name"].as_str().unwrap()).collect(), "{path}");
        }
    }

    #[test]
    fn what_is_referred_to_is_there() {
        let document = document();
        let (mut references, mut links) = (Vec::new(), Vec::new());
        all_under(document, "$ref", &mut references);
        for reference in &references {
            let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        all_under(document, "links", &mut links);
        let names: Vec<Value> = operations().into_iter().map(|(_, one)| one["operationId"].clone()).collect();
        let targets: Vec<&Value> = links.iter().flat_map(|link| link.as_object().unwrap().values()).collect();
        assert!(targets.iter().all(|target| names.contains(&target["operationId"])), "{targets:?}");
        assert!(references.len() > 50 && targets.len() > 3);
    }

    #[test]
    fn every_refusal_is_described_where_it_may_come() {
        let mut words = Vec::new();
        for (_, one) in operations() {
            all_under(&one["responses"], "code", &mut words);
        }
        let described: BTreeSet<&str> =
            words.iter().flat_map(|code| code["enum"].as_array().unwrap()).map(|word| word.as_str().unwrap()).collect();
        // Of paths and methods that are not described: the head of the document says it.
        let all = Code::ALL.iter().filter(|code| **code != Code::MethodNotAllowed).map(|code| code.as_str());
        assert_eq!(described, all.collect());
        assert!(ABOUT.contains(Code::MethodNotAllowed.as_str()));
    }
}
