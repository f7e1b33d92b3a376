use crate::github::{FormerName, Instruction, Webhook};
use crate::identity::RepoName;
use crate::rig::RigCommand;

use super::{Read, unknown_action};

/// A repository that is called otherwise now: what did not change of the name is as it is today.
pub(super) fn interpret(webhook: &Webhook, repo: &RepoName, former: &FormerName) -> Read {
    if !matches!(webhook.action(), "renamed" | "transferred") {
        return Err(unknown_action());
    }
    if *former == FormerName::default() {
        return Err("lacks the former name".to_owned());
    }
    let (owner, name) = repo.as_str().split_once('/').ok_or("names no repository")?;
    let from = format!("{}/{}", former.owner.as_deref().unwrap_or(owner), former.name.as_deref().unwrap_or(name));
    let from = RepoName::parse(&from).ok_or("the former name is none of a repository")?;
    if from == *repo {
        return Err("the name is the same, casing aside".to_owned());
    }
    Ok(vec![Instruction::Rig(RigCommand::Rename { from, to: repo.clone() })])
}

pub(super) fn interpret_milestone(webhook: &Webhook, repo: &RepoName, title: &str) -> Read {
    match webhook.action() {
        "closed" => Ok(vec![Instruction::MilestoneClosed { repo: repo.clone(), milestone: title.to_owned() }]),
        _ => Err(unknown_action()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::given::*;
    use super::*;
    use crate::github::{Interpretation, Subject, interpret};

    fn renamed(action: &str, owner: Option<&str>, name: Option<&str>) -> Interpretation {
        let former = FormerName { owner: owner.map(Into::into), name: name.map(Into::into) };
        interpret(&delivery("repository", Some(action), Subject::Repository(former)))
    }

    fn rename_from(from: &str) -> Interpretation {
        let rename = RigCommand::Rename { from: RepoName::parse(from).unwrap(), to: repo() };
        Interpretation::Instructions(vec![Instruction::Rig(rename)])
    }

    #[test]
    fn the_former_name_is_put_together_with_what_did_not_change() {
        assert_eq!(renamed("renamed", None, Some("site")), rename_from("acme/site"));
        assert_eq!(renamed("Transferred", Some("octo"), None), rename_from("octo/web"));
    }

    #[test]
    fn what_is_no_other_name_is_ignored() {
        assert_eq!(renamed("renamed", None, None), ignoring("repository.renamed: lacks the former name"));
        assert_eq!(
            renamed("renamed", None, Some("a b")),
            ignoring("repository.renamed: the former name is none of a repository")
        );
        assert_eq!(
            renamed("renamed", None, Some("WEB")),
            ignoring("repository.renamed: the name is the same, casing aside")
        );
    }

    #[test]
    fn a_closed_milestone_is_looked_at() {
        let read = interpret(&delivery("milestone", Some("closed"), Subject::Milestone { title: "v1".into() }));
        let closed = Instruction::MilestoneClosed { repo: repo(), milestone: "v1".into() };
        assert_eq!(read, Interpretation::Instructions(vec![closed]));
    }
}
