//! The answer of `config check`.

use std::fmt::Write;
use std::path::Path;

use conductor_http::caller::admission::trust_warning;

use super::environment::Environment;
use super::{Settings, Store};

/// What `config check` says, and whether a daemon would start on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// For people; several lines, without secrets.
    pub report: String,
    /// Exit code 0, or [`EXIT_BAD_SETTINGS`](super::EXIT_BAD_SETTINGS).
    pub sound: bool,
}

/// Loads the settings as `serve` would, and says what they come to, or everything that is wrong with them.
#[must_use]
pub fn check(file: Option<&Path>, environment: &Environment) -> Checked {
    match Settings::load_with(file, environment) {
        Ok(settings) => Checked { report: describe(&settings), sound: true },
        Err(mistakes) => {
            let count = mistakes.0.len();
            let report = format!("{mistakes}\n{count} {}\n", if count == 1 { "mistake" } else { "mistakes" });
            Checked { report, sound: false }
        }
    }
}

fn describe(settings: &Settings) -> String {
    let mut lines = vec![match &settings.file {
        Some(file) => format!("{} is sound", file.display()),
        None => "no file, the built-in rig".to_owned(),
    }];
    for agent in &settings.policy.roster.agents {
        let stacks = if agent.stacks.is_empty() { "any stack".to_owned() } else { agent.stacks.join(", ") };
        let serves = format!("{}, {stacks}, capacity {}", agent.role, agent.capacity);
        lines.push(format!("agent   {}: {serves}", agent.id));
    }
    for person in &settings.policy.roster.people {
        let rights = [(person.approve, "approve"), (person.operate, "operate")];
        let rights: Vec<&str> = rights.into_iter().filter_map(|(has, right)| has.then_some(right)).collect();
        lines.push(format!(
            "person  {}: {}",
            person.name,
            if rights.is_empty() { "viewer".into() } else { rights.join(", ") }
        ));
    }
    for repo in settings.policy.repos.keys() {
        lines.push(format!("repo    {repo}: rules of its own"));
    }
    let store = match &settings.store {
        Store::Embedded { folder } => format!("embedded in {}", folder.display()),
        Store::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    lines.push(format!("store   {store}"));
    lines
        .push(format!("broker  {}", if settings.valkey.is_some() { "Valkey" } else { "none: agents pull their work" }));
    lines.push(format!(
        "listens {} · identity {} · github {}",
        settings.bind, settings.identity, settings.policy.github
    ));
    let mut report = lines.join("\n");
    if let Some(warning) = trust_warning(settings.identity, &settings.trusted_networks) {
        let _ = write!(report, "\nWARNING {warning}");
    }
    for notice in &settings.notices {
        let _ = write!(report, "\nnote: {notice}");
    }
    report.push('\n');
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_settings_are_told_without_secrets() {
        let environment =
            Environment::of([("DATABASE_URL", "postgres://me:hunter2@db/c"), ("VALKEY_URL", "redis://:hunter2@v")]);
        let Checked { report, sound } = check(None, &environment);
        assert!(sound && !report.contains("hunter2"), "{report}");
        for part in
            ["built-in rig", "dev-e-node: developer, node, capacity 1", "PostgreSQL", "broker  Valkey", "github none"]
        {
            assert!(report.contains(part), "{part} in {report}");
        }
    }

    #[test]
    fn mistakes_are_told_and_counted() {
        let Checked { report, sound } =
            check(None, &Environment::of([("CONDUCTOR_BIND", "x"), ("CONDUCTOR_LOG_FORMAT", "y")]));
        assert!(!sound && report.ends_with("\n2 mistakes\n"), "{report}");
    }
}
