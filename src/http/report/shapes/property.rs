use serde_json::{Value, json};

use crate::openapi::nullable;

/// A property of a report.
#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) required: bool,
    /// What clients that can't be changed call it.
    pub(super) old_names: Vec<&'static str>,
    schema: Value,
    about: &'static str,
}

/// A property that must be given.
pub(super) fn need(name: &'static str, schema: Value, about: &'static str) -> Property {
    Property { name, required: true, old_names: Vec::new(), schema, about }
}

/// A property that may be left out, or null.
pub(super) fn may(name: &'static str, schema: Value, about: &'static str) -> Property {
    Property { required: false, schema: nullable(schema), ..need(name, Value::Null, about) }
}

impl Property {
    /// The name under which old clients send it.
    pub(super) fn formerly(mut self, name: &'static str) -> Self {
        self.old_names.push(name);
        self
    }

    pub(super) fn schema(&self) -> Value {
        let mut schema = self.schema.clone();
        let formerly: String = self.old_names.iter().map(|name| format!(" Old clients send it as `{name}`.")).collect();
        schema["description"] = json!(format!("{}{formerly}", self.about));
        schema
    }
}
