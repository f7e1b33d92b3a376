use conductor_core::github::{FormerName, Subject};
use serde::Deserialize;

use super::Account;
use super::field::{Milestone, Text, text};

/// `repository`
#[derive(Deserialize)]
pub(super) struct Repositories {
    changes: Option<Changes>,
}

/// Of a rename `repository`, of a transfer `owner`.
#[derive(Deserialize)]
struct Changes {
    repository: Option<RepositoryChange>,
    owner: Option<OwnerChange>,
}

#[derive(Deserialize)]
struct RepositoryChange {
    name: Option<Former>,
}

#[derive(Deserialize)]
struct Former {
    from: Option<Text>,
}

#[derive(Deserialize)]
struct OwnerChange {
    from: Option<FormerOwner>,
}

#[derive(Deserialize)]
struct FormerOwner {
    user: Option<Account>,
    organization: Option<Account>,
}

impl From<Repositories> for Subject {
    fn from(read: Repositories) -> Self {
        let Some(changes) = read.changes else { return Subject::Repository(FormerName::default()) };
        let owner = changes.owner.and_then(|owner| owner.from).and_then(|from| from.user.or(from.organization));
        let name = changes.repository.and_then(|repository| repository.name).and_then(|name| text(name.from));
        Subject::Repository(FormerName { owner: owner.and_then(|owner| owner.login), name })
    }
}

/// `milestone`
#[derive(Deserialize)]
pub(super) struct Milestones {
    milestone: Option<Milestone>,
}

impl From<Milestones> for Subject {
    fn from(read: Milestones) -> Self {
        let title = read.milestone.and_then(|milestone| text(milestone.title));
        title.map_or(Subject::Incomplete { lacks: "a milestone with title" }, |title| Subject::Milestone { title })
    }
}
