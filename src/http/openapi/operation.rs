use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::access::{Access, Role};
use super::answer::Answer;
use super::body::Body;
use super::parameter::Parameter;
use crate::error::Code;

conductor_core::words! {
    /// The parts of the API, as its readers look for them.
    pub enum Tag {
        /// What agents and people report, and reading it back.
        Events = "Events",
        /// Work: who gets what.
        Work = "Work",
        /// What agents' runtimes tell of their runs.
        Runs = "Runs",
        /// What was spent.
        Costs = "Costs",
        /// Issues, pull requests and agents as they stand.
        State = "State",
        /// Who may come in.
        Admin = "Admin",
        /// How the daemon is.
        Health = "Health",
        /// GitHub's door.
        GitHub = "GitHub",
        /// This description, and the way to everything.
        About = "About",
    }
}

/// What one method of one path does.
#[derive(Debug, Clone)]
pub struct Operation {
    id: &'static str,
    tag: Tag,
    summary: &'static str,
    about: String,
    access: Access,
    pub(super) parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Answer>,
    refusals: Vec<Code>,
}

impl Operation {
    /// An operation for everybody with a token.
    #[must_use]
    pub fn new(id: &'static str, tag: Tag, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            about: String::new(),
            access: Access::Only(Role::ALL),
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// More than the summary says.
    #[must_use]
    pub fn about(self, text: impl Into<String>) -> Self {
        Self { about: text.into(), ..self }
    }

    /// Answers everybody, without credentials.
    #[must_use]
    pub fn public(self) -> Self {
        Self { access: Access::Public, ..self }
    }

    /// Answers without credentials whoever is near: on this machine, or in a trusted network.
    #[must_use]
    pub fn near(self) -> Self {
        Self { access: Access::Near, ..self }
    }

    /// Answers these alone.
    #[must_use]
    pub fn only(self, roles: &'static [Role]) -> Self {
        Self { access: Access::Only(roles), ..self }
    }

    /// Whoever comes without credentials is counted nevertheless.
    #[must_use]
    pub fn counted(self) -> Self {
        self.refuses(&[Code::TooManyRequests])
    }

    /// With a parameter.
    #[must_use]
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// With a body.
    #[must_use]
    pub fn takes(self, body: Body) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With an answer.
    #[must_use]
    pub fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// May refuse for these reasons.
    #[must_use]
    pub fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend(codes);
        self
    }

    pub(super) fn document(&self, generator: &mut SchemaGenerator) -> Value {
        let description = format!("{}\n\n{}", self.about, self.access.words());
        let mut shape = json!({
            "operationId": self.id,
            "tags": [self.tag.as_str()],
            "summary": self.summary,
            "description": description.trim_start(),
            "security": self.access.requirements(),
            "parameters": self.parameters.iter().map(Parameter::document).collect::<Vec<_>>(),
            "responses": self.responses(generator),
        });
        if let Some(body) = &self.body {
            shape["requestBody"] = body.document();
        }
        shape
    }

    fn responses(&self, generator: &mut SchemaGenerator) -> Value {
        let mut responses: Map<String, Value> =
            self.answers.iter().map(|answer| (answer.status().to_string(), answer.document(generator))).collect();
        let mut codes = self.refusals.clone();
        match self.access {
            Access::Public => {}
            Access::Near | Access::Only(_) => codes.extend(AT_THE_DOOR),
        }
        codes.sort_unstable();
        codes.dedup();
        for same_status in codes.chunk_by(|one, other| one.status() == other.status()) {
            if let Some(first) = same_status.first() {
                responses.insert(first.status().as_u16().to_string(), refused(same_status));
            }
        }
        Value::Object(responses)
    }
}

/// What whoever needs an identity may be refused with before anything else, a store that can't be asked for a token included.
const AT_THE_DOOR: &[Code] = &[
    Code::Unauthorized,
    Code::Forbidden,
    Code::TooManyRequests,
    Code::StoreCorrupt,
    Code::StoreUnavailable,
    Code::Starting,
];

/// The refusals with one status.
fn refused(codes: &[Code]) -> Value {
    let lines: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.means())).collect();
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let schema = json!({
        "allOf": [{ "$ref": "#/components/schemas/Error" }],
        "properties": { "code": { "enum": words } },
    });
    let mut shape = json!({
        "description": lines.join("\n\n"),
        "content": { "application/json": { "schema": schema } },
    });
    if codes.iter().any(|code| code.may_pass()) {
        shape["headers"] = json!({ "Retry-After": {
            "description": "Seconds until it makes sense to try again.", "required": true,
            "schema": { "type": "integer", "minimum": 1 },
        } });
    }
    if codes.contains(&Code::Unauthorized) {
        shape["headers"] = json!({ "WWW-Authenticate": {
            "description": "What is asked for.", "required": true, "schema": { "const": "Bearer" },
        } });
    }
    shape
}
