use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An answer that is no refusal.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    about: &'static str,
    content: Option<(&'static str, SchemaOf)>,
    headers: Vec<(&'static str, Value, &'static str)>,
    links: Vec<(&'static str, Value)>,
}

impl Answer {
    /// JSON of this shape.
    #[must_use]
    pub fn json<T: JsonSchema>(status: u16, about: &'static str) -> Self {
        Self::text(status, "application/json", |generator| generator.subschema_for::<T>(), about)
    }

    /// Something else than JSON.
    #[must_use]
    pub fn text(status: u16, media_type: &'static str, schema: SchemaOf, about: &'static str) -> Self {
        Self { content: Some((media_type, schema)), ..Self::empty(status, about) }
    }

    /// Nothing but the status.
    #[must_use]
    pub fn empty(status: u16, about: &'static str) -> Self {
        Self { status, about, content: None, headers: Vec::new(), links: Vec::new() }
    }

    /// With a header, sometimes.
    #[must_use]
    pub fn header(mut self, name: &'static str, schema: Value, about: &'static str) -> Self {
        self.headers.push((name, schema, about));
        self
    }

    /// From here another operation can be asked, with these parameters taken from this answer.
    #[must_use]
    pub fn leads_to(mut self, operation: &'static str, parameters: Value) -> Self {
        self.links.push((operation, parameters));
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn document(&self, generator: &mut SchemaGenerator) -> Value {
        let mut shape = json!({ "description": self.about });
        if let Some((media_type, schema)) = &self.content {
            shape["content"] = json!({ *media_type: { "schema": schema(generator) } });
        }
        let header = |(name, schema, about): &(&str, Value, &str)| {
            ((*name).to_owned(), json!({ "description": about, "schema": schema }))
        };
        if !self.headers.is_empty() {
            shape["headers"] = Value::Object(self.headers.iter().map(header).collect());
        }
        let link = |(operation, parameters): &(&str, Value)| {
            ((*operation).to_owned(), json!({ "operationId": operation, "parameters": parameters }))
        };
        if !self.links.is_empty() {
            shape["links"] = Value::Object(self.links.iter().map(link).collect());
        }
        shape
    }
}
