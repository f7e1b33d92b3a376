use serde_json::{Value, json};

/// What a request carries.
#[derive(Debug, Clone)]
pub struct Body {
    about: &'static str,
    schema: Value,
    examples: Vec<(String, Value)>,
}

impl Body {
    /// JSON of this schema.
    #[must_use]
    pub fn json(schema: Value, about: &'static str) -> Self {
        Self { about, schema, examples: Vec::new() }
    }

    /// A body that runs.
    #[must_use]
    pub fn example(mut self, name: impl Into<String>, value: Value) -> Self {
        self.examples.push((name.into(), value));
        self
    }

    pub(super) fn document(&self) -> Value {
        let examples = self.examples.iter().map(|(name, value)| (name.clone(), json!({ "value": value })));
        let examples = Value::Object(examples.collect());
        json!({
            "description": self.about,
            "required": true,
            "content": { "application/json": { "schema": self.schema, "examples": examples } },
        })
    }
}
