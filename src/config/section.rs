//! Reading one table of the file: typed, with places, and with a word for keys that nobody asked for.

use std::cell::RefCell;
use std::sync::Arc;

use conductor_core::data::{self, Field};
use conductor_http::similar::similar;

use super::document::{Document, Entry, Node, Value};
use super::findings::{At, Findings, Place};
use super::period;

/// Keys under which people try to put a secret into the file, and the variable where it belongs.
const SECRETS: &[(&str, &str)] = &[
    ("bot_token", "DISCORD_BOT_TOKEN"),
    ("database_url", "DATABASE_URL"),
    ("migrate_database_url", "CONDUCTOR_MIGRATE_DATABASE_URL"),
    ("private_key", "GITHUB_APP_PRIVATE_KEY"),
    ("token", "GITHUB_TOKEN"),
    ("valkey_url", "VALKEY_URL"),
    ("webhook_secret", "GITHUB_WEBHOOK_SECRET"),
    ("webhook_url", "DISCORD_WEBHOOK_URL"),
];

/// One table. Whoever reads it asks for every key that it may have, then [`close`](Self::close)s it.
#[derive(Debug)]
pub(super) struct Section<'f> {
    file: Arc<str>,
    line: usize,
    entries: &'f [Entry],
    findings: &'f Findings,
    asked: RefCell<Vec<&'static str>>,
}

impl<'f> Section<'f> {
    pub(super) fn root(document: &'f Document, findings: &'f Findings) -> Self {
        Self::of(Arc::clone(&document.name), 1, &document.entries, findings)
    }

    fn of(file: Arc<str>, line: usize, entries: &'f [Entry], findings: &'f Findings) -> Self {
        Self { file, line, entries, findings, asked: RefCell::default() }
    }

    /// Where the table begins.
    pub(super) fn place(&self) -> Place {
        self.at(self.line)
    }

    fn at(&self, line: usize) -> Place {
        Place::Line { file: Arc::clone(&self.file), line }
    }

    fn node(&self, key: &'static str) -> Option<&'f Node> {
        self.asked.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    fn wrong(&self, node: &Node, key: &str, wanted: &str) {
        self.findings.mistake(&self.at(node.line), format!("{key} must be {wanted}, not {}", node.value.kind()));
    }

    /// The text under that key as a `T`; `read` gives what is wrong as a fragment: "must be …".
    pub(super) fn parsed<T>(&self, key: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<At<T>> {
        self.element(key, self.node(key)?, read)
    }

    fn element<T>(&self, key: &str, node: &Node, read: impl FnOnce(&str) -> Result<T, String>) -> Option<At<T>> {
        let Value::Text(text) = &node.value else {
            self.wrong(node, key, "text");
            return None;
        };
        let place = self.at(node.line);
        match read(text) {
            Ok(value) => Some(At { value, place }),
            Err(problem) => {
                self.findings.mistake(&place, format!("{key} {problem}, not \"{}\"", text.escape_debug()));
                None
            }
        }
    }

    /// The text under that key as a value of the core: a word of an enum, an id, a name.
    pub(super) fn field<T: Field>(&self, key: &'static str) -> Option<At<T>> {
        self.parsed(key, field)
    }

    /// The same for a key that must be there.
    pub(super) fn required<T: Field>(&self, key: &'static str) -> Option<At<T>> {
        if !self.entries.iter().any(|entry| entry.key == key) {
            self.findings.mistake(&self.place(), format!("{key} is missing"));
        }
        self.field(key)
    }

    /// A list of such values; absent is empty.
    pub(super) fn fields<T: Field>(&self, key: &'static str) -> Vec<At<T>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong(node, key, "a list of texts");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.element(key, item, field)).collect()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        if let Value::Flag(flag) = node.value {
            return Some(flag);
        }
        self.wrong(node, key, "true or false");
        None
    }

    /// A whole number from 1 to `most`.
    pub(super) fn count(&self, key: &'static str, most: u32) -> Option<At<u32>> {
        let node = self.node(key)?;
        let place = self.at(node.line);
        let Value::Integer(number) = node.value else {
            self.wrong(node, key, "a whole number");
            return None;
        };
        match u32::try_from(number) {
            Ok(value) if (1..=most).contains(&value) => Some(At { value, place }),
            Ok(_) | Err(_) => {
                self.findings.mistake(&place, format!("{key} must be from 1 to {most}, not {number}"));
                None
            }
        }
    }

    /// A period such as `"30m"`.
    pub(super) fn period(&self, key: &'static str) -> Option<At<std::time::Duration>> {
        self.parsed(key, period::parse)
    }

    /// The table under that key.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'f>> {
        let node = self.node(key)?;
        self.table(key, node)
    }

    /// The tables of a list, `[[key]]` in the file; `None` where there is no such key.
    pub(super) fn sections(&self, key: &'static str) -> Option<Vec<Section<'f>>> {
        let node = self.node(key)?;
        let Value::List(items) = &node.value else {
            self.wrong(node, key, &format!("a list of tables ([[{key}]])"));
            return Some(Vec::new());
        };
        Some(items.iter().filter_map(|item| self.table(key, item)).collect())
    }

    /// The tables under names of the user's own choice, such as `[repos."acme/web"]`.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(At<&'f str>, Section<'f>)> {
        let Some(Node { value: Value::Table(entries), .. }) =
            self.node(key).filter(|node| self.table(key, node).is_some())
        else {
            return Vec::new();
        };
        let named = entries.iter().filter_map(|entry| {
            Some((At { value: entry.key.as_str(), place: self.at(entry.line) }, self.table(&entry.key, &entry.node)?))
        });
        named.collect()
    }

    fn table(&self, key: &str, node: &'f Node) -> Option<Section<'f>> {
        let Value::Table(entries) = &node.value else {
            self.wrong(node, key, "a table");
            return None;
        };
        Some(Self::of(Arc::clone(&self.file), node.line, entries, self.findings))
    }

    /// Reports every key that was not asked for: a misspelt setting must not be passed over.
    pub(super) fn close(self) {
        let asked = self.asked.into_inner();
        for entry in self.entries.iter().filter(|entry| !asked.contains(&entry.key.as_str())) {
            let place = Place::Line { file: Arc::clone(&self.file), line: entry.line };
            let problem = match (SECRETS.iter().find(|(key, _)| *key == entry.key), similar(&entry.key, &asked)) {
                (Some((_, variable)), _) => {
                    format!(
                        "{}: secrets don't belong in this file; set {variable}, or {variable}_FILE to a file's path",
                        entry.key
                    )
                }
                (None, Some(meant)) => format!("{} is no setting here; did you mean {meant}?", entry.key),
                (None, None) => format!("{} is no setting here; there are {}", entry.key, asked.join(", ")),
            };
            self.findings.mistake(&place, problem);
        }
    }
}

/// Text as a value of the core; what is wrong as a fragment.
pub(super) fn field<T: Field>(text: &str) -> Result<T, String> {
    T::read(&data::Value::text(text)).map_err(|error| error.problem)
}

#[cfg(test)]
mod tests {
    use super::super::tests::refused;

    #[test]
    fn a_key_that_nobody_reads_is_refused_with_what_was_meant() {
        refused("unknown_agent = \"allow\"", &[], "rig.toml:1", "did you mean unknown_agents?");
        refused("[log]\ncolour = 1", &[], "rig.toml:2", "colour is no setting here; there are filter, format");
    }

    #[test]
    fn a_secret_in_the_file_is_refused_with_where_it_belongs_and_not_shown() {
        refused(
            "[github]\nwebhook_secret = \"x\"",
            &[],
            "rig.toml:2",
            "set GITHUB_WEBHOOK_SECRET, or GITHUB_WEBHOOK_SECRET_FILE",
        );
        let found = super::super::tests::mistakes("database_url = \"postgres://me:hunter2@db\"", &[]);
        assert!(found[0].contains("DATABASE_URL_FILE") && !found[0].contains("hunter2"), "{found:?}");
    }

    #[test]
    fn hostile_text_is_escaped_before_it_reaches_a_terminal() {
        refused("identity = \"\\u001b[2J\"", &[], "rig.toml:1", "not \"\\u{1b}[2J\"");
    }
}
