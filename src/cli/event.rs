use serde::Deserialize;
use serde_json::Value;

use super::words::{clock, plain};

/// An event as the daemon shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    /// Left out in reads of one stream.
    #[serde(default)]
    pub(super) stream_id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) timestamp: String,
    pub(super) version: u64,
    pub(super) position: u64,
    data: Value,
    metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    rule: Option<Rule>,
}

#[derive(Debug, Clone, Deserialize)]
struct Rule {
    name: String,
    #[serde(default)]
    facts: Vec<String>,
}

impl Event {
    /// Who caused it.
    pub(super) fn actor(&self) -> &str {
        &self.metadata.actor
    }

    /// What happened, in words: `PrCreated` is "pull request created".
    pub(super) fn in_words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for letter in self.kind.chars() {
            match words.last_mut() {
                Some(word) if !letter.is_ascii_uppercase() => word.push(letter),
                Some(_) | None => words.push(letter.to_ascii_lowercase().into()),
            }
        }
        let spelled = words.iter().map(|word| match word.as_str() {
            "pr" => "pull request",
            "ci" => "CI",
            "cli" => "CLI",
            "e2e" => "E2E",
            word => word,
        });
        spelled.collect::<Vec<_>>().join(" ")
    }

    /// Why: the rule with its facts where the daemon decided, else the reason that was given.
    pub(super) fn why(&self) -> String {
        match &self.metadata.rule {
            Some(rule) if rule.facts.is_empty() => rule.name.clone(),
            Some(rule) => format!("{}: {}", rule.name, rule.facts.join(", ")),
            None => self.data.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }
    }

    /// One line of the log. Its columns have fixed places, since what comes later is not known yet; a long name pushes the
    /// rest of its own line.
    pub(super) fn line(&self) -> String {
        let stream = self.stream_id.as_deref().unwrap_or_default();
        let (kind, actor, why) = (plain(&self.kind), plain(self.actor()), self.why());
        let line = format!(
            "{:>7}  {}  {:<22}  {kind:<20}  {actor:<20}  {}",
            self.position,
            clock(&self.timestamp),
            plain(stream),
            plain(&why)
        );
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in crate::cli) fn event(position: u64, stream: Option<&str>, kind: &str, rule: Value) -> Event {
        serde_json::from_value(json!({
            "id": "x", "streamId": stream, "type": kind, "timestamp": "2026-11-21T11:59:18.250Z", "version": position,
            "position": position, "data": {"reason": "the build\nnever ends"},
            "metadata": {"actor": "agent:dev-e-node", "rule": rule},
        }))
        .unwrap()
    }

    #[test]
    fn a_kind_is_said_in_words() {
        let words = |kind| event(1, None, kind, Value::Null).in_words();
        assert_eq!(
            ["PrCreated", "CiPassed", "IssueUnassigned", "E2ePassed", "Merged", "CliStarted"].map(words),
            ["pull request created", "CI passed", "issue unassigned", "E2E passed", "merged", "CLI started"]
        );
    }

    #[test]
    fn a_line_says_where_when_what_who_and_why() {
        let reported = event(7, Some("acme/web#4"), "AgentStuck", Value::Null);
        assert_eq!(
            reported.line(),
            "      7  2026-11-21 11:59:18  acme/web#4              AgentStuck            agent:dev-e-node      the build\u{fffd}never ends"
        );
        let decided = event(8, Some("acme/web#4"), "Escalated", json!({"name": "two_strikes", "facts": ["strikes 2"]}));
        assert!(decided.line().ends_with("  two_strikes: strikes 2"));
    }
}
