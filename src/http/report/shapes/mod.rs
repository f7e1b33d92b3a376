//! What each report consists of, for readers of the API's description. Tests hold every list against the translation: it takes
//! exactly these properties, refuses each that is of another kind, and does without none that is required.

mod agent;
mod issue;
mod property;
mod pull_request;
mod rig;
#[cfg(test)]
mod tests;

use conductor_core::authority::Voice;
use conductor_core::event::EventType;
use serde_json::{Value, json};

use self::property::{Property, may, need};
use super::{agent_is_the_object, has_place};
use crate::openapi::{claimant, issue_number, repo, text};

/// One type of report.
#[derive(Debug, Clone)]
pub struct ReportShape {
    event_type: EventType,
    about: &'static str,
    properties: Vec<Property>,
    /// Reports that run, by their place in the story that all examples tell.
    examples: Vec<(u8, Value)>,
}

/// Every type that somebody outside may report.
#[must_use]
pub fn shapes() -> Vec<ReportShape> {
    [issue::shapes(), pull_request::shapes(), agent::shapes(), rig::shapes()].into_iter().flatten().collect()
}

/// The schema of all of them.
#[must_use]
pub fn schema_of(shapes: &[ReportShape]) -> Value {
    json!({ "type": "object", "required": ["type"], "oneOf": shapes.iter().map(ReportShape::schema).collect::<Vec<_>>() })
}

/// Where it happened: one number is enough, and 0 is none.
fn place() -> Vec<Property> {
    let number = || json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    vec![
        need("repo", repo(), "The repository."),
        may("issueNumber", number(), "The issue; the number of a pull request means that one."),
        may("prRepo", repo(), "The pull request's repository, where it is another one."),
        may("prNumber", number(), "The pull request."),
        may("prUrl", text(), "Its address at GitHub; the number in it stands for `prNumber`."),
    ]
}

impl ReportShape {
    /// `None` where no event is called so; [`shapes`] is tested against the closed list.
    fn of(name: &str, about: &'static str, properties: Vec<Property>) -> Option<Self> {
        let event_type = EventType::parse(name)?;
        Some(Self { event_type, about, properties, examples: Vec::new() })
    }

    fn example(mut self, step: u8, properties: Value) -> Self {
        let mut report = json!({ "type": self.event_type.as_str() });
        if let (Value::Object(report), Value::Object(properties)) = (&mut report, properties) {
            report.extend(properties);
        }
        self.examples.push((step, report));
        self
    }

    /// Reports that run, named by their place in the story that the examples of all types tell together.
    pub fn examples(&self) -> impl Iterator<Item = (String, &Value)> {
        self.examples.iter().map(|(step, report)| (format!("{step:02} {}", self.event_type), report))
    }

    /// The properties of this type alone, of its place, and who reports it.
    fn all_properties(&self) -> Vec<Property> {
        let place = if has_place(self.event_type) { place() } else { Vec::new() };
        // A type may say of a property of its place that it needs it.
        let own = |property: &Property| self.properties.iter().any(|own| own.name == property.name);
        let mut all: Vec<Property> = place.into_iter().filter(|property| !own(property)).collect();
        all.extend(self.properties.iter().cloned());
        if !agent_is_the_object(self.event_type) {
            let who = "Who reports it; without, an operator does.";
            let needed = Voice::of(self.event_type).is_of_agents();
            all.push(if needed {
                need("agentId", claimant(), "Who reports it; an agent's token says so by itself.")
            } else {
                may("agentId", claimant(), who)
            });
        }
        all.push(may("leaseToken", text(), "The token of the lease under which it happened."));
        all
    }

    fn schema(&self) -> Value {
        let properties = self.all_properties();
        let mut shapes: serde_json::Map<String, Value> =
            properties.iter().map(|property| (property.name.to_owned(), property.schema())).collect();
        shapes.insert("type".to_owned(), json!({ "const": self.event_type.as_str() }));
        let required = properties.iter().filter(|property| property.required).map(|property| property.name);
        let mut schema = json!({
            "title": self.event_type.as_str(),
            "description": format!("{} Reported by {}.", self.about, Voice::of(self.event_type).speakers()),
            "type": "object",
            "required": std::iter::once("type").chain(required).collect::<Vec<_>>(),
            "properties": shapes,
            // Kept with the event.
            "additionalProperties": { "$ref": "#/components/schemas/Anything" },
            "propertyNames": text(),
        });
        if has_place(self.event_type) {
            let given = |name: &str| json!({ "required": [name], "properties": { name: issue_number() } });
            schema["anyOf"] = json!([given("issueNumber"), given("prNumber")]);
        }
        schema
    }
}
