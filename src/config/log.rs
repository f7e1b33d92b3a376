//! `[log]`: what is told while running, and in which form.

use tracing_subscriber::EnvFilter;

use super::environment::Environment;
use super::findings::Findings;
use super::section::Section;

/// Starts, ends, refusals and failures; not every request, and not what libraries tell about their own inside. What the HTTP
/// library calls an error is bytes of a stranger that are no HTTP: anybody may send them, and nobody has to act.
const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http=off,refinery_core=warn";

conductor_core::words! {
    /// How a log line is written.
    pub enum LogFormat {
        /// For eyes.
        Human = "human",
        /// One JSON object a line, for collectors.
        Json = "json",
    }
}

/// What is told, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A filter in the syntax of `tracing`: `info`, `warn,conductor_actors=debug`.
    pub filter: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// `CONDUCTOR_LOG` and `CONDUCTOR_LOG_FORMAT`, else `filter` and `format` of `[log]`.
pub(super) fn read(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Log {
    let (mut filter, mut format) = (None, None);
    if let Some(section) = root.section("log") {
        (filter, format) = (section.parsed("filter", sound), section.field("format"));
        section.close();
    }
    let filter = environment.parsed("CONDUCTOR_LOG", findings, sound).or(filter);
    let format = environment.field("CONDUCTOR_LOG_FORMAT", findings).or(format);
    Log {
        filter: filter.map_or_else(|| DEFAULT_FILTER.to_owned(), |found| found.value),
        format: format.map_or(LogFormat::Human, |found| found.value),
    }
}

fn sound(filter: &str) -> Result<String, String> {
    let parsed = EnvFilter::builder().parse(filter);
    parsed
        .map(|_| filter.to_owned())
        .map_err(|_| "must be a filter such as \"info\" or \"warn,conductor_actors=debug\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};
    use super::DEFAULT_FILTER;

    #[test]
    fn a_filter_that_filters_nothing_known_is_refused() {
        assert_eq!(load("", &[]).unwrap().log.filter, DEFAULT_FILTER);
        refused("", &[("CONDUCTOR_LOG", "conductor=loud")], "CONDUCTOR_LOG", "must be a filter such as");
        refused("[log]\nformat = \"xml\"\n", &[], "rig.toml:2", "one of human, json");
    }
}
