//! When an operator held something, so that its clocks stand still meanwhile.

use std::time::Duration;

use crate::record;
use crate::time::Timestamp;

record! {
    /// The last time that something was held.
    pub struct Hold {
        /// From then on.
        "since" => since: Timestamp,
        /// Until then; absent: it still is.
        "until" => until: Option<Timestamp>,
    }
}

impl Hold {
    /// Begins or ends a hold, as of `at`; what is asked for already changes nothing.
    pub fn turn(held: &mut Option<Self>, on: bool, at: Timestamp) {
        match (held.as_mut().filter(|hold| hold.until.is_none()), on) {
            (None, true) => *held = Some(Self { since: at, until: None }),
            (Some(hold), false) => hold.until = Some(at),
            (Some(_), true) | (None, false) => {}
        }
    }
}

/// How long a clock that began at `from` has run until `now`, the time aside that any of these holds lasted.
#[must_use]
pub fn running<'a>(from: Timestamp, now: Timestamp, holds: impl IntoIterator<Item = &'a Hold>) -> Duration {
    let mut held: Vec<(Timestamp, Timestamp)> = holds
        .into_iter()
        .map(|hold| (hold.since.max(from), hold.until.unwrap_or(now).min(now)))
        .filter(|(since, until)| since < until)
        .collect();
    held.sort_unstable();
    // Holds of issue, agent, repository and rig overlap: a minute under two of them is one minute.
    let mut counted_to = from;
    let mut still = Duration::ZERO;
    for (since, until) in held {
        still += until.since(since.max(counted_to));
        counted_to = counted_to.max(until);
    }
    now.since(from).saturating_sub(still)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::minutes;

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(minutes(minute))
    }

    fn held(since: u64, until: Option<u64>) -> Hold {
        Hold { since: at(since), until: until.map(at) }
    }

    #[test]
    fn a_clock_stands_still_while_anything_holds_it() {
        for (holds, wanted) in [
            (vec![], 60),
            (vec![held(10, Some(20))], 50),
            (vec![held(10, None)], 10),
            (vec![held(10, Some(30)), held(20, Some(40))], 30),
            (vec![held(10, Some(40)), held(20, Some(30))], 30),
            (vec![held(70, None)], 60),
        ] {
            assert_eq!(running(at(0), at(60), &holds), minutes(wanted), "{holds:?}");
        }
        assert_eq!(running(at(30), at(60), &[held(0, Some(40))]), minutes(20), "what was before the clock counts not");
        assert_eq!(running(at(60), at(30), &[]), minutes(0));
    }

    #[test]
    fn holding_twice_keeps_the_first_time_and_a_new_hold_begins_anew() {
        let mut hold = None;
        for (on, minute) in [(false, 1), (true, 2), (true, 3), (false, 4), (false, 5)] {
            Hold::turn(&mut hold, on, at(minute));
        }
        assert_eq!(hold, Some(held(2, Some(4))));
        Hold::turn(&mut hold, true, at(6));
        assert_eq!(hold, Some(held(6, None)));
    }
}
