use crate::event::{CheckRecorded, CiState};

use super::head::{CheckFact, Head};

/// What a check's conclusion means for the merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Finished well.
    Good,
    /// Red.
    Red,
    /// Runs, waits, or ended without saying anything.
    Unfinished,
}

impl CheckOutcome {
    /// GitHub's word, without regard to case. A word that is new to us finishes nothing: the gate stays shut.
    #[must_use]
    pub fn of(conclusion: Option<&str>) -> Self {
        match conclusion.map(str::to_ascii_lowercase).as_deref() {
            Some("success" | "neutral" | "skipped") => Self::Good,
            Some("failure" | "error" | "timed_out" | "startup_failure" | "action_required") => Self::Red,
            Some(_) | None => Self::Unfinished,
        }
    }
}

/// What the checks of a head add up to, with the red ones. `required` empty: every check seen.
///
/// A required check that is missing keeps a head pending once any check was seen; before that nothing is known.
#[must_use]
pub fn ci_of(head: &Head, required: &[String]) -> (CiState, Vec<String>) {
    if head.checks.is_empty() {
        return (CiState::Unknown, Vec::new());
    }
    let outcome = |check: Option<&CheckFact>| CheckOutcome::of(check.and_then(|check| check.conclusion.as_deref()));
    let considered: Vec<(&String, CheckOutcome)> = if required.is_empty() {
        head.checks.iter().map(|(name, check)| (name, outcome(Some(check)))).collect()
    } else {
        required.iter().map(|name| (name, outcome(head.checks.get(name)))).collect()
    };
    let red: Vec<String> = considered
        .iter()
        .filter(|(_, outcome)| *outcome == CheckOutcome::Red)
        .map(|(name, _)| (*name).clone())
        .collect();
    let state = if !red.is_empty() {
        CiState::Failed
    } else if considered.iter().all(|(_, outcome)| *outcome == CheckOutcome::Good) {
        CiState::Passed
    } else {
        CiState::Pending
    };
    (state, red)
}

/// Whether `check` says something newer than what is known under its name.
///
/// The highest run wins, then the highest attempt, then GitHub's time; at a full tie an end beats a beginning and red beats
/// green, so that two deliveries give the same fact in either order.
pub(super) fn is_news(known: Option<&CheckFact>, check: &CheckRecorded) -> bool {
    let weight = |conclusion: Option<&str>| match CheckOutcome::of(conclusion) {
        CheckOutcome::Unfinished => 0,
        CheckOutcome::Good => 1,
        CheckOutcome::Red => 2,
    };
    let Some(known) = known else { return true };
    let known_rank = (known.run_id, known.attempt, known.at, weight(known.conclusion.as_deref()));
    let rank = (check.run_id, check.attempt, check.at, weight(check.conclusion.as_deref()));
    if (known.run_id, known.attempt) == (check.run_id, check.attempt)
        && known_rank.3 != rank.3
        && known_rank.3.min(rank.3) == 0
    {
        // The same run: it ends once, whatever the clocks say.
        return rank.3 > known_rank.3;
    }
    rank > known_rank
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Sha;
    use crate::time::Timestamp;

    fn head(checks: &[(&str, Option<&str>)]) -> Head {
        let mut head = Head::unknown();
        for (name, conclusion) in checks {
            let conclusion = conclusion.map(str::to_owned);
            head.checks
                .insert((*name).to_owned(), CheckFact { run_id: 1, attempt: 1, at: None, conclusion, version: 1 });
        }
        head
    }

    #[test]
    fn green_only_when_every_required_check_finished_well() {
        let required = ["build".to_owned(), "test".to_owned()];
        assert_eq!(ci_of(&head(&[]), &required).0, CiState::Unknown);
        assert_eq!(ci_of(&head(&[("build", Some("success"))]), &required).0, CiState::Pending);
        assert_eq!(
            ci_of(&head(&[("build", Some("success")), ("test", Some("SKIPPED"))]), &required).0,
            CiState::Passed
        );
        assert_eq!(
            ci_of(&head(&[("build", Some("success")), ("test", Some("cancelled"))]), &required).0,
            CiState::Pending
        );
        assert_eq!(ci_of(&head(&[("build", Some("success")), ("test", None)]), &[]).0, CiState::Pending);
        let mixed = head(&[("build", Some("timed_out")), ("lint", Some("failure")), ("test", None)]);
        assert_eq!(ci_of(&mixed, &[]), (CiState::Failed, vec!["build".to_owned(), "lint".to_owned()]));
        assert_eq!(ci_of(&mixed, &["test".to_owned()]).0, CiState::Pending);
        assert_eq!(ci_of(&head(&[("build", Some("a_new_word"))]), &[]).0, CiState::Pending);
    }

    #[test]
    fn the_highest_run_wins_in_either_order() {
        let check = |run_id, attempt, at: i64, conclusion: Option<&str>| CheckRecorded {
            name: "build".into(),
            head_sha: Sha::parse("abcd").unwrap(),
            run_id,
            attempt,
            conclusion: conclusion.map(str::to_owned),
            at: Some(Timestamp::from_millis(at)),
        };
        let fact = |check: &CheckRecorded| CheckFact {
            run_id: check.run_id,
            attempt: check.attempt,
            at: check.at,
            conclusion: check.conclusion.clone(),
            version: 1,
        };
        let newer = [
            (check(1, 1, 5, None), check(1, 1, 4, Some("success"))),
            (check(1, 1, 9, Some("failure")), check(2, 1, 1, None)),
            (check(2, 1, 9, Some("failure")), check(2, 2, 1, Some("success"))),
            (check(2, 1, 1, Some("failure")), check(2, 1, 2, Some("success"))),
            (check(2, 1, 1, Some("success")), check(2, 1, 1, Some("failure"))),
        ];
        for (old, new) in newer {
            assert!(is_news(Some(&fact(&old)), &new), "{old:?} -> {new:?}");
            assert!(!is_news(Some(&fact(&new)), &old), "{new:?} -> {old:?}");
            assert!(!is_news(Some(&fact(&new)), &new), "a repeat is no news: {new:?}");
        }
    }
}
