//! The quota-aware router: of those who may judge, who is asked.

use crate::roster::Policy;
use crate::time::Timestamp;

use super::Reviewer;

/// The one with the most headroom of those who are there and have quota left, the first of the roster where that is a tie;
/// where nobody is, the first all the same: a reviewer that is scaled to zero wakes when it is asked. `None` for nobody at all.
pub(super) fn route<'a>(
    reviewers: &[&'a Reviewer],
    listening: Option<Timestamp>,
    policy: &Policy,
    now: Timestamp,
) -> Option<&'a Reviewer> {
    let fit = reviewers.iter().copied().filter(|reviewer| is_fit(reviewer, listening, policy, now));
    // The first of equals stays: `min_by` keeps the earlier one.
    fit.min_by(|left, right| by_use(left, right)).or_else(|| reviewers.first().copied())
}

/// Whether it is there and has quota left.
pub(super) fn is_fit(reviewer: &Reviewer, listening: Option<Timestamp>, policy: &Policy, now: Timestamp) -> bool {
    reviewer.is_there(listening, policy, now) && !reviewer.quota.is_exhausted()
}

fn by_use(left: &Reviewer, right: &Reviewer) -> std::cmp::Ordering {
    let ((left_hours, left_week), (right_hours, right_week)) = (left.quota.used(), right.quota.used());
    left_hours.total_cmp(&right_hours).then(left_week.total_cmp(&right_week))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AgentId;
    use crate::quota::Quota;
    use crate::roster::GitHubMode;
    use crate::time::minutes;

    const NOW: i64 = 1_000_000;

    fn reviewer(id: &str, heard_before: Option<u64>, five_hour: Option<f64>, weekly: Option<f64>) -> Reviewer {
        Reviewer {
            agent: AgentId::parse(id).unwrap(),
            heard: heard_before.map(|seconds| Timestamp::from_millis(NOW - i64::try_from(seconds).unwrap() * 1000)),
            paused: false,
            quota: Quota { five_hour_pct: five_hour, weekly_pct: weekly, reset: None },
            drought: None,
        }
    }

    fn routed(reviewers: &[Reviewer]) -> &str {
        let all: Vec<&Reviewer> = reviewers.iter().collect();
        let policy = Policy::built_in(GitHubMode::Webhook);
        route(&all, None, &policy, Timestamp::from_millis(NOW)).map_or("nobody", |one| one.agent.as_str())
    }

    #[test]
    fn the_most_headroom_wins_by_the_five_hours_first_and_unknown_is_none_used() {
        let there = Some(10);
        assert_eq!(
            routed(&[reviewer("a", there, Some(50.0), None), reviewer("b", there, Some(20.0), Some(99.0))]),
            "b"
        );
        assert_eq!(
            routed(&[reviewer("a", there, Some(20.0), Some(9.0)), reviewer("b", there, Some(20.0), Some(8.0))]),
            "b"
        );
        assert_eq!(routed(&[reviewer("a", there, Some(1.0), None), reviewer("b", there, None, Some(80.0))]), "b");
    }

    #[test]
    fn a_tie_goes_to_the_first_of_the_roster() {
        let same = |id| reviewer(id, Some(10), Some(20.0), Some(20.0));
        assert_eq!(routed(&[same("review-e"), same("another"), same("third")]), "review-e");
    }

    #[test]
    fn who_is_silent_or_has_used_up_a_quota_is_passed_over() {
        let silent = reviewer("silent", Some(minutes(2).as_secs() + 1), None, None);
        let dry = |hours, week| reviewer("dry", Some(1), hours, week);
        let fit = reviewer("fit", Some(minutes(2).as_secs()), Some(99.9), Some(99.9));
        assert_eq!(routed(&[silent.clone(), dry(Some(100.0), None), fit.clone()]), "fit");
        assert_eq!(routed(&[dry(None, Some(100.0)), fit]), "fit");
        assert_eq!(routed(&[reviewer("never", None, None, None), dry(Some(101.0), None), silent]), "never");
    }

    #[test]
    fn where_nobody_is_fit_the_first_is_asked_all_the_same() {
        assert_eq!(
            routed(&[reviewer("review-e", Some(1), Some(100.0), None), reviewer("other", None, None, None)]),
            "review-e"
        );
        assert_eq!(routed(&[]), "nobody");
    }
}
