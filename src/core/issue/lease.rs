use crate::entry::EntryOf;
use crate::event::AssignmentKind;
use crate::identity::{Claimant, Sha};
use crate::record;
use crate::time::Timestamp;

record! {
    /// One claimant's exclusive right to work on an issue.
    pub struct Lease {
        /// Who holds it.
        "claimant" => claimant: Claimant,
        /// A secret of the holder.
        "token" => token: String,
        /// Which lease of the issue it is: 1, 2, 3 …
        "epoch" => epoch: u32,
        /// Fresh branch, or more commits on the current pull request.
        "kind" => kind: AssignmentKind,
        /// When it ends unless renewed.
        "expiresAt" => expires_at: Timestamp,
        /// The branch that its holder should work on.
        "branchHint" => branch_hint: String,
        /// For rework: the head that it began on; the next one ends it.
        "head" => head: Option<Sha>,
        /// When it was claimed.
        "assignedAt" => assigned_at: Timestamp,
        /// The version of its ISSUE_ASSIGNED.
        "assignedVersion" => assigned_version: u64,
        /// The version of its WORK_STARTED; absent while not started.
        "startedVersion" => started_version: Option<u64>,
        /// Claimed by a person's hook: knows no silence and no strike.
        "hook" => hook: bool,
        /// When the holder began; absent while not started.
        "startedAt" => started_at: Option<Timestamp>,
        /// Handed out unasked, by an entry in the holder's stream.
        "pushed" => pushed: bool,
    }
}

impl Lease {
    /// Whether the holder has begun.
    #[must_use]
    pub fn started(&self) -> bool {
        self.started_version.is_some()
    }

    /// The entry that tells its holder, where it was handed out unasked.
    #[must_use]
    pub fn entry(&self) -> Option<EntryOf> {
        self.pushed.then(|| EntryOf { agent: self.claimant.agent.clone(), version: self.assigned_version })
    }

    /// Whether a report by `by`, with this token, comes from the holder.
    ///
    /// A lease of a bare id counts for any of its instances; one of an instance for that instance alone, or for whoever of the
    /// same agent shows the token. A wrong token is refused even where the name would do: it is a holder of the past.
    #[must_use]
    pub fn is_held_by(&self, by: &Claimant, token: Option<&str>) -> bool {
        if self.claimant.agent != by.agent {
            return false;
        }
        match token {
            Some(token) => constant_time_eq(token.as_bytes(), self.token.as_bytes()),
            None => self.claimant.instance.is_none() || self.claimant == *by,
        }
    }
}

/// Compares without telling by its duration how far two secrets agree (their length is public).
fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && std::hint::black_box(left.iter().zip(right).fold(0, |differing, (a, b)| differing | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(claimant: &str) -> Lease {
        Lease {
            claimant: Claimant::parse(claimant).unwrap(),
            token: "secret".into(),
            epoch: 1,
            kind: AssignmentKind::Work,
            expires_at: Timestamp::default(),
            branch_hint: String::new(),
            head: None,
            assigned_at: Timestamp::default(),
            assigned_version: 1,
            started_version: None,
            hook: false,
            started_at: None,
            pushed: false,
        }
    }

    #[test]
    fn the_holder_is_known_by_name_or_token_and_never_by_a_wrong_token() {
        let by = |text| Claimant::parse(text).unwrap();
        let bare = lease("dev-e-node");
        assert!(bare.is_held_by(&by("dev-e-node"), None));
        assert!(bare.is_held_by(&by("dev-e-node/ab12c"), None));
        assert!(bare.is_held_by(&by("dev-e-node/ab12c"), Some("secret")));
        assert!(!bare.is_held_by(&by("dev-e-node"), Some("secreT")));
        assert!(!bare.is_held_by(&by("dev-e-python"), Some("secret")));
        let instance = lease("dev-e-node/ab12c");
        assert!(instance.is_held_by(&by("dev-e-node/ab12c"), None));
        assert!(!instance.is_held_by(&by("dev-e-node"), None));
        assert!(!instance.is_held_by(&by("dev-e-node/zz99z"), None));
        assert!(instance.is_held_by(&by("dev-e-node"), Some("secret")));
    }
}
