//! The API's description, held against the daemon: every example runs, every method that is described is answered, no other is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use conductor_test_support::wait_for;
use reqwest::{Method, Url};
use serde_json::Value;

use crate::rig::{ANSWER_WITHIN, PATIENCE, Reply, Rig};

/// These answers have no end; their tests are in `live` and `runtime`.
const ENDLESS: [&str; 2] = ["/api/events/live", "/api/agent-logs/live"];

/// One method of one path.
struct Operation<'d> {
    path: &'d str,
    method: Method,
    shape: &'d Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operation =
        |path, method: &str, shape| Operation { path, method: method.to_uppercase().parse().unwrap(), shape };
    paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, shape)| operation(path, method, shape))
        })
        .collect()
}

impl Operation<'_> {
    fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.shape["parameters"].as_array().unwrap().iter()
    }

    fn bodies(&self) -> &Value {
        &self.shape["requestBody"]["content"]["application/json"]["examples"]
    }

    /// The names of its examples; one without a name where nothing has to be said.
    fn examples(&self) -> BTreeSet<String> {
        let named = self.parameters().map(|parameter| &parameter["examples"]).chain([self.bodies()]);
        let names: BTreeSet<String> =
            named.filter_map(Value::as_object).flat_map(|named| named.keys().cloned()).collect();
        let needs_nothing =
            self.method == Method::GET && self.parameters().all(|parameter| parameter["required"] == false);
        if names.is_empty() && needs_nothing { BTreeSet::from([String::new()]) } else { names }
    }

    /// The status of the answer that is hoped for.
    fn well(&self) -> u16 {
        let statuses = self.shape["responses"].as_object().unwrap().keys();
        statuses.map(|status| status.parse().unwrap()).min().unwrap()
    }

    async fn ask(&self, rig: &Rig, example: &str) -> Reply {
        let (mut path, mut query) = (self.path.to_owned(), Vec::new());
        for parameter in self.parameters() {
            let value = &parameter["examples"][example]["value"];
            if value.is_null() {
                continue;
            }
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let name = parameter["name"].as_str().unwrap();
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &value),
                "query" => query.push((name.to_owned(), value)),
                other => panic!("{} has an example in its {other}", self.path),
            }
        }
        let mut url = Url::parse(&rig.url(&path)).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let request = rig.http.request(self.method.clone(), url);
        let body = &self.bodies()[example]["value"];
        Reply::of(if body.is_null() { request } else { request.json(body) }).await
    }
}

/// Where an answer leads to something that is taken away: it was there, and is.
async fn follow_links(rig: &Rig, from: &Operation<'_>, answer: &Reply, all: &[Operation<'_>]) {
    let links = &from.shape["responses"][answer.status.to_string()]["links"];
    for link in links.as_object().into_iter().flat_map(|links| links.values()) {
        let target = all.iter().find(|operation| operation.shape["operationId"] == link["operationId"]).unwrap();
        if target.method == Method::DELETE {
            let pointer = link["parameters"]["id"].as_str().unwrap().strip_prefix("$response.body#").unwrap();
            let id = answer.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned).unwrap();
            let taken = rig.request(Method::DELETE, &target.path.replace("{id}", &id)).await;
            assert_eq!((taken.status, &taken.json()["state"]), (200, &Value::from("revoked")), "{taken:?}");
        }
    }
}

/// First what is reported, in the order of the names: together they are the life of an issue. Then everything is read.
async fn every_example_runs(rig: &mut Rig) {
    let document = rig.read("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let all = operations(&document);
    let (written, read): (Vec<_>, Vec<_>) = all.iter().partition(|operation| operation.method == Method::POST);
    let mut played = BTreeMap::new();
    for operation in written.into_iter().chain(read).filter(|operation| !ENDLESS.contains(&operation.path)) {
        for example in operation.examples() {
            let at = format!("{} {} {example}", operation.method, operation.path);
            // A stream may not have heard yet of what another one was told just before.
            let began = Instant::now();
            let answer = wait_for(&at, PATIENCE + ANSWER_WITHIN, || async {
                let reply = operation.ask(rig, &example).await;
                let taken = reply.status == operation.well();
                assert!(taken || began.elapsed() < PATIENCE, "{at}: {} {}", reply.status, reply.text);
                taken.then_some(reply)
            })
            .await;
            follow_links(rig, operation, &answer, &all).await;
            *played.entry(operation.path).or_insert(0) += 1;
        }
    }
    assert!(
        played["/api/events"] > 50
            && played["/api/assignments/next"] == 1
            && played["/api/reviews/next"] == 1
            && played["/api/admin/tokens"] == 3
            && played.len() > 15,
        "{played:?}"
    );
}

/// Only what is described is served, and the refusal of everything else says so.
async fn methods_that_are_not_described_are_405(rig: &mut Rig) {
    let document = rig.read("/openapi.json").await;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let mut described: BTreeSet<String> =
            methods.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let uri = path.replace("{number}", "1").replace(['{', '}'], "x");
        let refused = rig.request(Method::TRACE, &uri).await;
        refused.refused(405, "method_not_allowed");
        let allowed: BTreeSet<String> = refused.header("allow").split(", ").map(str::to_owned).collect();
        assert_eq!(allowed, described, "{path}");
    }
}

async fn the_page_loads_nothing(rig: &mut Rig) {
    let page = rig.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"), "{page:?}");
    assert!(page.text.contains("POST") && page.text.contains("ISSUE_APPROVED") && !page.text.contains("<script"));
}

on_both_stores! {
    reviewing { every_example_runs }
    with_github { methods_that_are_not_described_are_405, the_page_loads_nothing }
}
