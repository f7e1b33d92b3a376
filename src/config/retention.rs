//! `[retention]`: how long what runtimes tell of themselves is kept. The log of events is kept for ever.

use std::time::Duration;

use super::section::Section;

/// How long operational records are kept since they were last added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Lines of agents' processes.
    pub agent_logs: Duration,
    /// Runs with their steps and lines.
    pub execution_logs: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        // A quarter, as deliveries' ids: what went wrong is asked for within weeks.
        Self { agent_logs: days(7), execution_logs: days(90) }
    }
}

/// What the file sets, the defaults for the rest.
pub(super) fn read(root: &Section<'_>) -> Retention {
    let defaults = Retention::default();
    let Some(section) = root.section("retention") else { return defaults };
    let or = |key, default| section.period(key).map_or(default, |found| found.value);
    let retention = Retention {
        agent_logs: or("agent_logs", defaults.agent_logs),
        execution_logs: or("execution_logs", defaults.execution_logs),
    };
    section.close();
    retention
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};
    use super::*;

    #[test]
    fn what_is_not_set_keeps_its_default() {
        assert_eq!(sound("").retention, Retention::default());
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        assert_eq!(sound("[retention]\nexecution_logs = \"3d\"\n").retention.execution_logs, days(3));
        refused("[retention]\nexecution_logs = \"never\"\n", &[], "rig.toml:2", "must be a period");
    }
}
