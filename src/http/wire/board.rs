use conductor_actors::{ActorKind, ActorReport, BoardSnapshot, Condition};
use conductor_core::time::Timestamp;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// What every actor is doing, as `/healthz/actors` shows it.
#[must_use]
pub fn board(snapshot: &BoardSnapshot) -> Value {
    json!({
        "healthy": snapshot.healthy(),
        "checkedAt": snapshot.at.to_string(),
        "actors": snapshot.actors.iter().map(actor).collect::<Vec<_>>(),
    })
}

fn actor(report: &ActorReport) -> Value {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let resting_until = match report.condition {
        Condition::Resting { until } => Some(until),
        Condition::Running | Condition::Standby | Condition::Frozen | Condition::Draining | Condition::Stopped => None,
    };
    let mut shape = json!({
        "name": report.name,
        "state": report.condition.as_str(),
        "healthy": report.condition.is_healthy(),
        "restingUntil": text(resting_until),
        "since": report.since.to_string(),
        "lastProgress": text(report.last_progress),
        "handled": report.handled,
        "inFlight": report.in_flight,
        "waiting": report.waiting,
        "restarts": {
            "panic": report.restarts.panic,
            "error": report.restarts.error,
            "frozen": report.restarts.frozen,
        },
        "lastError": report.last_error.as_ref().map(|error| json!({ "at": error.at.to_string(), "text": error.text })),
    });
    if let Value::Object(shape) = &mut shape {
        shape.extend(particulars(&report.kind));
    }
    shape
}

/// What only one kind of actor has.
fn particulars(kind: &ActorKind) -> Map<String, Value> {
    let particulars = match kind {
        ActorKind::Shard { live } => json!({ "kind": "shard", "liveStreams": live }),
        ActorKind::Stream => json!({ "kind": "stream" }),
        ActorKind::Pass(pass) => json!({
            "kind": "pass",
            "lastPass": pass.last_pass.map(|at| at.to_string()),
            "nextPass": pass.next_pass.map(|at| at.to_string()),
            "detail": pass.counters.detail(),
            "counters": pass.counters.iter().map(|(name, count)| (name.to_owned(), json!(count))).collect::<Map<_, _>>(),
            "totals": pass.totals.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect::<Map<_, _>>(),
        }),
    };
    match particulars {
        Value::Object(particulars) => particulars,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The shape of [`board`].
pub(crate) fn board_schema(_: &mut SchemaGenerator) -> Schema {
    let time = json!({ "type": ["string", "null"], "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let counts = json!({ "type": "object", "additionalProperties": count });
    let error = json!({ "type": ["object", "null"], "required": ["at", "text"] });
    json_schema!({
        "type": "object",
        "required": ["healthy", "checkedAt", "actors"],
        "properties": {
            "healthy": { "type": "boolean" },
            "checkedAt": { "type": "string", "format": "date-time" },
            "actors": { "type": "array", "items": {
                "type": "object",
                "required": ["name", "kind", "state", "healthy", "since", "lastProgress", "handled", "inFlight", "waiting", "restarts", "lastError"],
                "properties": {
                    "name": { "type": "string" },
                    "kind": { "enum": ["shard", "stream", "pass"] },
                    "state": { "type": "string" }, "detail": { "type": ["string", "null"] },
                    "healthy": { "type": "boolean" },
                    "restingUntil": time, "since": time, "lastProgress": time, "lastPass": time, "nextPass": time,
                    "handled": count, "inFlight": count, "waiting": count, "liveStreams": count,
                    "restarts": counts, "counters": counts, "totals": counts,
                    "lastError": error,
                },
            } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_actors::{LastError, PassReport, RestartCounts};

    #[test]
    fn an_unwell_pass_says_why_since_when_and_what_it_counted() {
        let at = Timestamp::from_millis(0);
        let report = ActorReport {
            name: "internal-lane".to_owned(),
            kind: ActorKind::Pass(PassReport { next_pass: Some(at), ..PassReport::default() }),
            condition: Condition::Resting { until: at },
            since: at,
            last_progress: None,
            handled: 3,
            in_flight: 0,
            waiting: 1,
            restarts: RestartCounts { panic: 1, error: 2, frozen: 0 },
            last_error: Some(LastError { at, text: "reach the store".to_owned() }),
        };
        let shape = board(&BoardSnapshot { at, actors: vec![report] });
        assert_eq!(shape["healthy"], false);
        let actor = &shape["actors"][0];
        assert_eq!(
            (&actor["state"], &actor["kind"], &actor["restarts"]["error"]),
            (&json!("resting"), &json!("pass"), &json!(2))
        );
        assert_eq!(actor["lastError"]["text"], "reach the store");
        assert_eq!(actor["nextPass"], "1970-01-01T00:00:00.000Z");
    }
}
