//! The TOML file as a tree whose every node knows its line.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::findings::{Findings, Place};

/// The file, or an empty one in its stead.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: Option<PathBuf>,
    pub(super) name: Arc<str>,
    pub(super) entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The key's.
    pub(super) line: usize,
    pub(super) node: Node,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A type that no setting has, under its name.
    Other(&'static str),
}

impl Value {
    /// As in "must be text, not a list".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

impl Document {
    /// The named file, else that of `CONDUCTOR_CONFIG`, else an empty one.
    pub(super) fn open(named: Option<&Path>, environment: &Environment, findings: &Findings) -> Self {
        let variable = environment.text("CONDUCTOR_CONFIG", findings);
        let (path, place) = match (named, variable) {
            (Some(path), _) => (path.to_path_buf(), Place::Line { file: path.display().to_string().into(), line: 1 }),
            (None, Some(found)) => (found.value.into(), found.place),
            (None, None) => return Self::parse(None, "", findings),
        };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            findings.mistake(&place, format!("failed to read {}: {error}", path.display()));
            String::new()
        });
        Self::parse(Some(path), &text, findings)
    }

    fn parse(path: Option<PathBuf>, text: &str, findings: &Findings) -> Self {
        let name: Arc<str> = path.as_ref().map_or_else(|| "built-in".into(), |path| path.display().to_string().into());
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(1, |span| line(text, &span));
            findings.mistake(&Place::Line { file: Arc::clone(&name), line }, error.message());
        }
        Self { path, name, entries: entries(text, table.into_inner()) }
    }
}

/// The line on which a span begins, from 1.
fn line(text: &str, span: &Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}

fn entries(text: &str, table: DeTable<'_>) -> Vec<Entry> {
    let entry = |(key, value): (Spanned<_>, _)| Entry {
        line: line(text, &key.span()),
        key: String::from(key.into_inner()),
        node: node(text, value),
    };
    table.into_iter().map(entry).collect()
}

fn node(text: &str, value: Spanned<DeValue<'_>>) -> Node {
    let line = line(text, &value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
            .map_or(Value::Other("a number beyond all bounds"), Value::Integer),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Array(items) => Value::List(items.into_iter().map(|item| node(text, item)).collect()),
        DeValue::Table(table) => Value::Table(entries(text, table)),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Node { line, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Document, Findings) {
        let findings = Findings::default();
        (Document::parse(Some("a.toml".into()), text, &findings), findings)
    }

    #[test]
    fn every_node_knows_its_line() {
        let (document, findings) = parse("a = 1\n\n[[list]]\nb = [\n  \"x\",\n  0x1F,\n]\n");
        findings.sound().unwrap();
        assert_eq!(
            document.entries.iter().map(|entry| (entry.key.as_str(), entry.line)).collect::<Vec<_>>(),
            [("a", 1), ("list", 3)]
        );
        let Value::List(tables) = &document.entries[1].node.value else { panic!("{document:?}") };
        let Value::Table(table) = &tables[0].value else { panic!("{document:?}") };
        let Value::List(items) = &table[0].node.value else { panic!("{document:?}") };
        assert_eq!((tables[0].line, table[0].line, items[0].line, items[1].line), (3, 4, 5, 6));
        assert!(matches!(items[1].value, Value::Integer(31)));
    }

    #[test]
    fn every_place_that_is_not_toml_is_named() {
        let (_, findings) = parse("a = \nb = 1\nb = 2\nc = \"open\n");
        let mistakes = findings.sound().unwrap_err().0;
        let lines: Vec<String> = mistakes.iter().map(|mistake| mistake.place.to_string()).collect();
        for line in ["a.toml:1", "a.toml:3", "a.toml:4"] {
            assert!(lines.iter().any(|found| found == line), "{line} in {lines:?}");
        }
    }
}
