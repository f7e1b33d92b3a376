//! Schema versions of events, and the steps that lift older data to today's shape.
//!
//! To change the shape of a recorded event: add a step to [`STEPS`], which raises the type's version by one, and let the
//! test write the new golden file. The step is all that ever knows the old shape.

use conductor_core::data::Value;
use conductor_core::identity::StreamKind;

use super::CodecError;

/// One step: data of one type from schema `from` to `from + 1`.
#[derive(Debug, Clone, Copy)]
pub struct Upcast {
    /// On streams of this kind.
    pub kind: StreamKind,
    /// UPPER_SNAKE name of the type.
    pub type_name: &'static str,
    /// The schema that the step reads.
    pub from: u16,
    /// The change itself: total, since what it is given was recorded once.
    pub step: fn(Value<'_>) -> Value<'_>,
}

/// Every step there is; a type without one is at version 1.
const STEPS: &[Upcast] = &[];

/// The schema version in which events of that type are written today.
#[must_use]
pub fn schema_version(kind: StreamKind, type_name: &str) -> u16 {
    version_after(STEPS, kind, type_name)
}

/// Lifts recorded data of `schema` to today's shape.
///
/// # Errors
/// When a later version of the daemon wrote it.
pub fn upcast<'a>(kind: StreamKind, type_name: &str, schema: u16, data: Value<'a>) -> Result<Value<'a>, CodecError> {
    climb(STEPS, kind, type_name, schema, data)
}

fn of<'s>(steps: &'s [Upcast], kind: StreamKind, type_name: &'s str) -> impl Iterator<Item = &'s Upcast> {
    steps.iter().filter(move |step| step.kind == kind && step.type_name == type_name)
}

fn version_after(steps: &[Upcast], kind: StreamKind, type_name: &str) -> u16 {
    of(steps, kind, type_name).map(|step| step.from + 1).max().unwrap_or(1)
}

fn climb<'a>(
    steps: &[Upcast],
    kind: StreamKind,
    type_name: &str,
    schema: u16,
    data: Value<'a>,
) -> Result<Value<'a>, CodecError> {
    let known = version_after(steps, kind, type_name);
    if schema > known {
        return Err(CodecError::NewerSchema { type_name: type_name.to_owned(), found: schema, known });
    }
    Ok((schema..known).fold(data, |data, version| match of(steps, kind, type_name).find(|step| step.from == version) {
        Some(step) => (step.step)(data),
        None => data,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::parse;
    use conductor_core::event::{Event, IssueEvent, OwnIssueEvent, WorkStarted};
    use conductor_core::identity::AgentId;

    /// WORK_STARTED, had it once named its agent `worker`, and later `agent`.
    const RENAMED_TWICE: &[Upcast] = &[
        Upcast {
            kind: StreamKind::Issue,
            type_name: "WORK_STARTED",
            from: 1,
            step: |data| renamed(data, "worker", "agent"),
        },
        Upcast {
            kind: StreamKind::Issue,
            type_name: "WORK_STARTED",
            from: 2,
            step: |data| renamed(data, "agent", "agentId"),
        },
    ];

    fn renamed<'a>(data: Value<'a>, old: &str, new: &'static str) -> Value<'a> {
        let Value::Map(entries) = data else { return data };
        Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| if key == old { (new.into(), value) } else { (key, value) })
                .collect(),
        )
    }

    fn read(schema: u16, text: &str) -> Event {
        let data = climb(RENAMED_TWICE, StreamKind::Issue, "WORK_STARTED", schema, parse(text).unwrap()).unwrap();
        Event::from_value(StreamKind::Issue, "WORK_STARTED", &data).unwrap()
    }

    #[test]
    fn data_of_every_older_schema_reads_as_todays_event() {
        let event = WorkStarted { agent: AgentId::parse("dev-e-node").unwrap(), branch: Some("fix/7".to_owned()) };
        let today = Event::Issue(IssueEvent::Own(OwnIssueEvent::WorkStarted(event)));
        assert_eq!(read(1, r#"{"worker":"dev-e-node","branch":"fix/7"}"#), today);
        assert_eq!(read(2, r#"{"agent":"dev-e-node","branch":"fix/7"}"#), today);
        assert_eq!(read(3, r#"{"agentId":"dev-e-node","branch":"fix/7"}"#), today);
    }

    #[test]
    fn the_version_of_a_type_is_one_above_its_last_step() {
        assert_eq!(version_after(RENAMED_TWICE, StreamKind::Issue, "WORK_STARTED"), 3);
        assert_eq!(version_after(RENAMED_TWICE, StreamKind::Issue, "ISSUE_DONE"), 1);
        assert_eq!(version_after(RENAMED_TWICE, StreamKind::PullRequest, "WORK_STARTED"), 1);
    }

    #[test]
    fn data_of_a_newer_daemon_is_refused_by_name() {
        let refused = climb(RENAMED_TWICE, StreamKind::Issue, "WORK_STARTED", 4, Value::Null).unwrap_err();
        assert_eq!(refused.to_string(), "read WORK_STARTED of schema 4: this version knows up to 3");
    }

    #[test]
    fn the_steps_of_every_type_begin_at_one_and_leave_no_gap() {
        for step in STEPS {
            let mut versions: Vec<u16> = of(STEPS, step.kind, step.type_name).map(|step| step.from).collect();
            versions.sort_unstable();
            let expected: Vec<u16> = (1..=u16::try_from(versions.len()).unwrap()).collect();
            assert_eq!(versions, expected, "{} of {}", step.type_name, step.kind);
        }
    }
}
