use serde_json::{Map, Value, json};

/// What a client sends for nothing: it has no other way to write `null` into a query than the empty text.
const NOTHING: [Option<&str>; 2] = [Some(""), None];

/// A part of a request beside its body.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub(super) name: &'static str,
    place: &'static str,
    about: &'static str,
    schema: Value,
    required: bool,
    /// Values as they stand in the request, by the name of the example that they belong to.
    pub(super) examples: Vec<(&'static str, Value)>,
    is_list: bool,
}

impl Parameter {
    fn at(place: &'static str, name: &'static str, schema: Value, about: &'static str) -> Self {
        Self { name, place, about, schema, required: place == "path", examples: Vec::new(), is_list: false }
    }

    /// A part of the path.
    #[must_use]
    pub fn path(name: &'static str, schema: Value, about: &'static str) -> Self {
        Self::at("path", name, schema, about)
    }

    /// In the query, where it may be left out.
    #[must_use]
    pub fn query(name: &'static str, schema: Value, about: &'static str) -> Self {
        Self::at("query", name, schema, about)
    }

    /// In the query: some of these words, with commas between them. Nothing between two commas is no word.
    #[must_use]
    pub fn list(name: &'static str, item: &Value, about: &'static str) -> Self {
        let items = json!({ "anyOf": [item, { "const": "" }] });
        Self { is_list: true, ..Self::query(name, json!({ "type": "array", "items": items }), about) }
    }

    /// A header that may be left out.
    #[must_use]
    pub fn header(name: &'static str, schema: Value, about: &'static str) -> Self {
        Self::at("header", name, schema, about)
    }

    /// It may not be left out.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Its value in the example of that name.
    #[must_use]
    pub fn example(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.examples.push((name, value.into()));
        self
    }

    pub(super) fn document(&self) -> Value {
        let mut schema = self.schema.clone();
        if self.place == "query" && !self.required && !self.is_list {
            // Empty is the same as left out.
            schema = json!({ "anyOf": [schema, { "enum": NOTHING }] });
        }
        let mut shape = json!({
            "name": self.name, "in": self.place, "description": self.about, "required": self.required, "schema": schema,
        });
        if self.is_list {
            (shape["style"], shape["explode"]) = (json!("form"), json!(false));
        }
        if !self.examples.is_empty() {
            let examples = self.examples.iter().map(|(name, value)| ((*name).to_owned(), json!({ "value": value })));
            shape["examples"] = Value::Object(examples.collect::<Map<_, _>>());
        }
        shape
    }
}
