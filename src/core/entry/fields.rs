use crate::event::Priority;
use crate::identity::{EventId, IssueRef, PrRef, RepoName, Sha};
use crate::reaction::About;

crate::words! {
    /// What is to be done, in the word that consumers read.
    pub enum EntryKind {
        /// An issue, on a fresh branch.
        Work = "work",
        /// More commits on its pull request.
        Rework = "rework",
        /// A verdict on a pull request.
        Review = "review",
    }
}

/// What an agent is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event that it is added for: what tells it from every other entry, for ever.
    pub event_id: EventId,
    /// What is to be done.
    pub job: Job,
    /// Title of the issue, or of the pull request to be reviewed.
    pub title: String,
    /// How urgent.
    pub priority: Priority,
    /// The issue's text.
    pub body: String,
    /// The stack to serve.
    pub stack: Option<String>,
    /// How to test.
    pub test_command: Option<String>,
    /// How to build.
    pub build_command: Option<String>,
    /// Tools to have.
    pub tools: Vec<String>,
    /// Which claimant of the issue, or which dispatch of the head, this is: 1, 2 …
    pub attempt: u32,
}

/// What is to be done, with all that this needs: a review without a pull request can't be expressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Work on an issue under a lease.
    Work {
        /// The issue.
        issue: IssueRef,
        /// The secret that marks the holder's reports.
        lease_token: String,
        /// The branch to work on.
        branch_hint: String,
        /// What the last attempt came to.
        feedback: Option<String>,
        /// The pull request that needs more commits, with its head; `None`: work on a fresh branch.
        rework: Option<(PrRef, Option<Sha>)>,
    },
    /// Review a head.
    Review {
        /// The pull request.
        pr: PrRef,
        /// The commit that the verdict is about.
        head: Sha,
    },
}

impl Job {
    /// In one word.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Work { rework: None, .. } => EntryKind::Work,
            Self::Work { rework: Some(_), .. } => EntryKind::Rework,
            Self::Review { .. } => EntryKind::Review,
        }
    }
}

impl Entry {
    /// The fields as consumers read them: always all of them, empty where there is nothing to say.
    ///
    /// `issueNumber` of a review is the **pull request's** number: the runtime takes it for that. `prNumber` says so explicitly.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, String); 18] {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (about, pull, lease_token, branch_hint, feedback) = match &self.job {
            Job::Work { issue, lease_token, branch_hint, feedback, rework } => {
                let pull = rework.as_ref().map(|(pr, head)| (pr, head.as_ref()));
                (issue, pull, lease_token.clone(), branch_hint.clone(), text(feedback))
            }
            Job::Review { pr, head } => (pr, Some((pr, Some(head))), String::new(), String::new(), String::new()),
        };
        [
            ("repo", about.repo.to_string()),
            ("issueNumber", about.number.to_string()),
            ("title", self.title.clone()),
            ("priority", self.priority.as_str().to_owned()),
            ("body", self.body.clone()),
            ("stack", text(&self.stack)),
            ("testCommand", text(&self.test_command)),
            ("buildCommand", text(&self.build_command)),
            ("tools", self.tools.join(",")),
            ("kind", self.job.kind().as_str().to_owned()),
            ("prNumber", pull.map(|(pr, _)| pr.number.to_string()).unwrap_or_default()),
            ("prRepo", pull.map(|(pr, _)| pr.repo.to_string()).unwrap_or_default()),
            ("headSha", pull.and_then(|(_, head)| head).map(ToString::to_string).unwrap_or_default()),
            ("attempt", self.attempt.to_string()),
            ("leaseToken", lease_token),
            ("branchHint", branch_hint),
            ("feedback", feedback),
            ("eventId", self.event_id.to_string()),
        ]
    }
}

/// What an entry is about, by what its fields say; `None` where they don't say it, as in one that isn't ours.
#[must_use]
pub fn about(kind: &str, repo: &str, number: &str) -> Option<About> {
    let reference =
        IssueRef { repo: RepoName::parse(repo)?, number: number.parse().ok().filter(|number| *number > 0)? };
    Some(match EntryKind::from_word(kind)? {
        EntryKind::Work | EntryKind::Rework => About::issue(&reference),
        EntryKind::Review => About::pull_request(&reference),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> IssueRef {
        IssueRef::parse(text).unwrap()
    }

    fn entry(job: Job) -> Entry {
        Entry {
            event_id: EventId(7),
            job,
            title: "Broken".to_owned(),
            priority: Priority::High,
            body: "It is.".to_owned(),
            stack: Some("node".to_owned()),
            test_command: Some("npm test".to_owned()),
            build_command: None,
            tools: vec!["ripgrep".to_owned(), "jq".to_owned()],
            attempt: 2,
        }
    }

    fn work(rework: Option<(PrRef, Option<Sha>)>) -> Entry {
        entry(Job::Work {
            issue: reference("acme/web#42"),
            lease_token: "secret".to_owned(),
            branch_hint: "agent/issue-42-2".to_owned(),
            feedback: Some("red".to_owned()),
            rework,
        })
    }

    #[track_caller]
    fn shows(entry: &Entry, expected: &[(&str, &str)]) {
        let fields = entry.fields();
        for (name, value) in expected {
            let found = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
            assert_eq!(found, Some(*value), "{name}");
        }
    }

    #[test]
    fn every_field_of_the_contract_is_there_by_its_exact_name() {
        let names = work(None).fields().map(|(name, _)| name);
        let contract = "repo issueNumber title priority body stack testCommand buildCommand tools kind prNumber prRepo headSha \
                        attempt leaseToken branchHint feedback eventId";
        assert_eq!(names.join(" "), contract);
    }

    #[test]
    fn work_has_no_pull_request_and_rework_has_one() {
        let common = [("repo", "acme/web"), ("issueNumber", "42"), ("leaseToken", "secret"), ("tools", "ripgrep,jq")];
        shows(&work(None), &common);
        shows(
            &work(None),
            &[("kind", "work"), ("prNumber", ""), ("prRepo", ""), ("headSha", ""), ("buildCommand", "")],
        );
        let head = Sha::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
        let rework = work(Some((reference("acme/fork#57"), Some(head.clone()))));
        shows(&rework, &common);
        shows(&rework, &[("kind", "rework"), ("prNumber", "57"), ("prRepo", "acme/fork"), ("headSha", head.as_str())]);
    }

    #[test]
    fn what_an_entry_is_about_reads_back() {
        let head = Sha::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
        let review = entry(Job::Review { pr: reference("acme/web#57"), head });
        let rework = work(Some((reference("acme/web#57"), None)));
        let read = |entry: &Entry| {
            let fields = entry.fields();
            let of = |name| fields.iter().find(|(field, _)| *field == name).unwrap().1.as_str();
            about(of("kind"), of("repo"), of("issueNumber"))
        };
        for (entry, expected) in [
            (work(None), About::issue(&reference("acme/web#42"))),
            (rework, About::issue(&reference("acme/web#42"))),
            (review, About::pull_request(&reference("acme/web#57"))),
        ] {
            assert_eq!(read(&entry), Some(expected));
        }
        for (kind, repo, number) in
            [("", "acme/web", "1"), ("work", "", "1"), ("work", "acme/web", ""), ("work", "acme/web", "0")]
        {
            assert_eq!(about(kind, repo, number), None, "{kind} {repo} {number}");
        }
    }

    #[test]
    fn a_review_has_the_pull_requests_number_where_the_runtime_looks_for_it() {
        let head = Sha::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
        let review = entry(Job::Review { pr: reference("acme/web#57"), head });
        shows(&review, &[("kind", "review"), ("repo", "acme/web"), ("issueNumber", "57"), ("prNumber", "57")]);
        shows(&review, &[("leaseToken", ""), ("branchHint", ""), ("feedback", "")]);
    }
}
