//! `[store]` and `[actors]`: limits. The rings know their own defaults and the reasons for them; here are deviations alone.

use std::time::Duration;

use super::findings::Findings;
use super::section::Section;

/// Limits that a deployment sets otherwise than the rings do; `None`: as the ring has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tuning {
    /// PostgreSQL connections for reads, beside those of the writer and the tail.
    pub pool_size: Option<u32>,
    /// How long a caller waits for one of them.
    pub pool_wait: Option<Duration>,
    /// How long the server works on one statement.
    pub statement_timeout: Option<Duration>,
    /// Requests under way in all; more are answered 503.
    pub requests: Option<u32>,
    /// Requests under way for one stream; more are answered 503.
    pub requests_per_stream: Option<u32>,
    /// After this long without a command an actor leaves memory.
    pub idle: Option<Duration>,
}

/// Reads both sections.
pub(super) fn read(root: &Section<'_>, findings: &Findings) -> Tuning {
    let mut tuning = Tuning::default();
    if let Some(section) = root.section("store") {
        tuning.pool_size = section.count("pool_size", 1_000).map(|found| found.value);
        tuning.pool_wait = section.period("pool_wait").map(|found| found.value);
        tuning.statement_timeout = section.period("statement_timeout").map(|found| found.value);
        section.close();
    }
    if let Some(section) = root.section("actors") {
        let requests = section.count("requests", 1_000_000);
        let per_stream = section.count("requests_per_stream", 1_000_000);
        tuning.idle = section.period("idle").map(|found| found.value);
        section.close();
        if let (Some(requests), Some(per_stream)) = (&requests, &per_stream)
            && per_stream.value > requests.value
        {
            let problem = format!("requests_per_stream must not be more than requests ({})", requests.place);
            findings.mistake(&per_stream.place, problem);
        }
        tuning.requests = requests.map(|found| found.value);
        tuning.requests_per_stream = per_stream.map(|found| found.value);
    }
    tuning
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};

    #[test]
    fn one_stream_may_not_have_more_room_than_all() {
        let tuning = sound("[actors]\nrequests = 10\nrequests_per_stream = 10\n").tuning;
        assert_eq!((tuning.requests, tuning.requests_per_stream, tuning.idle), (Some(10), Some(10), None));
        refused(
            "[actors]\nrequests = 10\nrequests_per_stream = 11\n",
            &[],
            "rig.toml:3",
            "must not be more than requests",
        );
        refused("[store]\npool_size = -1\n", &[], "rig.toml:2", "from 1 to 1000, not -1");
    }
}
